import pytest

from gpt25.generation import Piece, Sample, SamplingSettings, collect_samples


def test_mixed_pieces_become_the_samples_in_order() -> None:
    pieces = [
        Piece(1, "b", (3,), None),
        Piece(0, "a", (1, 2), "length"),
        Piece(1, "", (4,), "stop"),
    ]
    assert collect_samples(iter(pieces), SamplingSettings(samples=2, seed=7)) == [
        Sample("a", (1, 2), "length", 7),
        Sample("b", (3, 4), "stop", 7),
    ]


def test_a_stream_that_breaks_off_is_not_taken_for_a_text() -> None:
    with pytest.raises(AssertionError, match="why it ended"):
        collect_samples([Piece(0, "a", (1,), None)], SamplingSettings(seed=1))
