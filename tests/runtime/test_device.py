"""The device that is asked for, the best one otherwise, and a refusal that says what there is."""

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.runtime import choose_device


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Pretend that torch sees `gpus` CUDA GPUs, and Apple's GPU or not."""

    def pretend(gpus: int, *, apple: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)

    return pretend


@pytest.mark.parametrize(("gpus", "apple", "best"), [(2, False, "cuda"), (0, True, "mps"), (0, False, "cpu")])
def test_auto_takes_the_best(machine, gpus: int, apple: bool, best: str) -> None:
    machine(gpus, apple=apple)
    assert choose_device() == torch.device(best)


def test_a_named_device_is_taken(machine) -> None:
    machine(2, apple=False)
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["mps", "cuda:2", "tpu", ""])
def test_an_absent_device_is_refused(machine, name: str) -> None:
    machine(2, apple=False)
    with pytest.raises(ConfigurationError) as caught:
        choose_device(name)
    assert str(caught.value) == (
        f"device {name!r} is not available: this machine has cuda, cuda:0, cuda:1, cpu "
        f"(torch {torch.__version__}). Choose one of them, or auto."
    )
