import gc

import pytest

from gpt25.weights.without_collections import without_collections


def test_collection_pauses_and_goes_on_also_after_an_error() -> None:
    with without_collections():
        assert not gc.isenabled()
        with without_collections():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), without_collections():
        raise KeyError
    assert gc.isenabled()
