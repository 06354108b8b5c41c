import gc

import pytest

from gpt25.weights.garbage_collection import garbage_collection_paused


def test_collection_pauses_and_goes_on_also_after_an_error() -> None:
    with garbage_collection_paused():
        assert not gc.isenabled()
        with garbage_collection_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), garbage_collection_paused():
        raise KeyError
    assert gc.isenabled()
