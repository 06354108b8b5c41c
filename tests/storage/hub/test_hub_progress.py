import pytest
from huggingface_hub.utils import enable_progress_bars

from gpt25.storage.hub.hub_progress import MOST_RESTARTS, limited_progress


def test_the_bar_counts_as_the_clients_own_does() -> None:
    enable_progress_bars()  # other tests, and transformers, switch them off for the whole process
    with limited_progress()(total=10, disable=False, desc="model.safetensors") as bar:
        bar.update(4)
        bar.update(6)
        assert bar.n == 10


def test_a_download_that_begins_again_and_again_is_given_up() -> None:
    with limited_progress()(total=10, disable=True) as bar:
        for _ in range(MOST_RESTARTS):
            bar.update(5)
            bar.update(-5)
        with pytest.raises(ConnectionError, match="the download broke off 4 times"):
            bar.update(-5)
