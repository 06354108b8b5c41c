"""Sampling: prompts in, texts out.

The staircase: settings → penalties and token weights → one step for many rows (`sample_next`, a pure function) → a
sample while it grows → the engine, which lets many take their steps together → TextGenerator.
"""

from typing import TYPE_CHECKING

from gpt25.lazy_face import lazy_face

if TYPE_CHECKING:
    from gpt25.generation.collect_samples import collect_samples
    from gpt25.generation.generating_precision import (
        GeneratingPrecision,
        choose_generating_precision,
        kernels_are_installed,
    )
    from gpt25.generation.history import History
    from gpt25.generation.piece import Piece
    from gpt25.generation.running_sample import RunningSample
    from gpt25.generation.sample import FinishReason, Sample
    from gpt25.generation.sample_next import sample_next
    from gpt25.generation.sampling_settings import SamplingChanges, SamplingSettings
    from gpt25.generation.text_assembler import TextAssembler
    from gpt25.generation.text_generator import TextGenerator

__all__ = [
    "FinishReason",
    "GeneratingPrecision",
    "History",
    "Piece",
    "RunningSample",
    "Sample",
    "SamplingChanges",
    "SamplingSettings",
    "TextAssembler",
    "TextGenerator",
    "choose_generating_precision",
    "collect_samples",
    "kernels_are_installed",
    "sample_next",
]

lazy_face(
    __name__,
    {
        "FinishReason": "sample",
        "GeneratingPrecision": "generating_precision",
        "History": "history",
        "Piece": "piece",
        "RunningSample": "running_sample",
        "Sample": "sample",
        "SamplingChanges": "sampling_settings",
        "SamplingSettings": "sampling_settings",
        "TextAssembler": "text_assembler",
        "TextGenerator": "text_generator",
        "choose_generating_precision": "generating_precision",
        "collect_samples": "collect_samples",
        "kernels_are_installed": "generating_precision",
        "sample_next": "sample_next",
    },
)
