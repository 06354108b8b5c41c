"""From pieces back to whole texts."""

from collections.abc import Iterable

from gpt25.generation.piece import Piece
from gpt25.generation.sample import Sample
from gpt25.generation.sampling_settings import SamplingSettings


def collect_samples(pieces: Iterable[Piece], settings: SamplingSettings) -> list[Sample]:
    """Join the pieces of `TextGenerator.stream`, which was given these settings (with their seed), to its samples."""
    assert settings.seed is not None, "with_seed() before the stream, or the seed would be unknown"
    of_sample: list[list[Piece]] = [[] for _ in range(settings.samples)]
    for piece in pieces:
        of_sample[piece.index].append(piece)
    return [_joined(of_one, seed=settings.seed) for of_one in of_sample]


def _joined(pieces: list[Piece], *, seed: int) -> Sample:
    finish_reason = pieces[-1].finish_reason
    assert finish_reason is not None, "the last piece of a sample says why it ended"
    token_ids = tuple(token_id for piece in pieces for token_id in piece.token_ids)
    return Sample("".join(piece.text for piece in pieces), token_ids, finish_reason, seed)
