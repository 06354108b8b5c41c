"""One prompt through every operation of a model, as a page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt25.errors import PlotError
from gpt25.plots.page import write_page
from gpt25.plots.page_arrays import quantised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN_CHANNELS = 32
"""Of each vector, the first that a page shows."""
_MOST_BYTES = 2_800_000
_BYTES_PER_VALUE = 2.7  # `quantised`
_OPERATIONS_PER_LAYER = 10
_BYTES_PER_CANDIDATE, _CANDIDATES = 14, 5
_LEAD = (
    "Every operation of this model on one prompt, from token ids to the next token, with the shapes and the numbers "
    "that it really computed. Choose a token, a layer or a head; everything below follows."
)


@dataclass(frozen=True)
class Operation:
    """One step of the computation on a text."""

    title: str
    """In words: "Perceptron: expand"."""
    does: str
    """What happens, with the shape of the weights."""
    shape: Sequence[int]
    """Of what comes out, without the batch."""
    layer: int | None = None
    """Its block, from 0; None before and behind the blocks."""
    vectors: "NDArray[np.float32] | None" = None
    """(time, shown channels): the beginning of what comes out at each position; None where that is no vector."""
    norms: "NDArray[np.float32] | None" = None
    """(time): the Euclidean norm of the whole vector at each position."""


@dataclass(frozen=True)
class PartsOfLogit:
    """What wrote the likeliest token behind one position."""

    token: str
    logit: float
    heads: "NDArray[np.floating]"
    """(layers, heads)."""
    halves: "NDArray[np.floating]"
    """(layers, 2): all of an attention with its bias, and the perceptron."""
    ends: Mapping[str, float]
    """The token's embedding, the position's, and the bias of the last layer norm."""


@dataclass(frozen=True)
class InsideOfText:
    """Everything that the page shows of one text in one model."""

    name: str
    facts: Mapping[str, str]
    """The model's shape in words, by heading."""
    tokens: Sequence[str]
    token_ids: Sequence[int]
    operations: Sequence[Operation]
    attention: "NDArray[np.float32]"
    """(layers, heads, time, time)."""
    candidates: Sequence[Sequence[Sequence[tuple[str, float]]]]
    """candidates[l][t]: labels and probabilities of the likeliest next tokens, l = 0 before the first layer."""
    parts: Sequence[PartsOfLogit]
    """For each position."""
    stream: "NDArray[np.floating]"
    """(layers + 1, time): norms of the residual stream."""
    added: Mapping[str, "NDArray[np.floating]"]
    """(layers, time): norms of what each half of a layer adds."""


def most_tokens_inside(*, layers: int, heads: int) -> int:
    """How many tokens a page has room for in 2.8 MB: 92 of the 124M's, which has 12 layers of 12 heads."""
    per_token = layers * _OPERATIONS_PER_LAYER * (SHOWN_CHANNELS + 1) * _BYTES_PER_VALUE
    per_token += (layers + 1) * _CANDIDATES * _BYTES_PER_CANDIDATE
    per_token += layers * (heads + 2) * _BYTES_PER_VALUE + layers * 40
    per_pair = layers * heads * _BYTES_PER_VALUE / 2
    return max(1, int((-per_token + math.sqrt(per_token**2 + 4 * per_pair * _MOST_BYTES)) / (2 * per_pair)))


def draw_inside(inside: InsideOfText, output: str | Path) -> None:
    """Write the page, atomically.

    Raises PlotError where `output` is no .html or the text has more tokens than a page has room for, StorageError where
    it cannot be written.
    """
    if Path(output).suffix.lower() != ".html":
        raise PlotError(f"{Path(output).name} is not a page; this picture is one, and its file ends in .html.")
    layers, heads, time, _ = inside.attention.shape
    most = most_tokens_inside(layers=layers, heads=heads)
    if time > most:
        raise PlotError(f"the prompt has {time:,} tokens, and a page of this model has room for {most:,}; shorten it.")
    quoted = "".join(inside.tokens).replace("·", " ").replace("↵", " ").strip()
    short = quoted if len(quoted) <= 60 else f"{quoted[:59]}…"
    write_page(
        output,
        title=f"{inside.name} reads “{short}”",
        eyebrow="inside",
        lead=_LEAD,
        script="inside.js",
        content=_content(inside),
        shared=("maps.js",),
    )


def _content(inside: InsideOfText) -> dict[str, Any]:
    import numpy as np

    layers, heads, time, _ = inside.attention.shape
    rows, columns = np.tril_indices(time)
    vocabulary = sorted({label for of_layer in inside.candidates for cell in of_layer for label, _ in cell})
    index_of = {label: index for index, label in enumerate(vocabulary)}
    return {
        "facts": list(inside.facts.items()),
        "tokens": list(inside.tokens),
        "ids": list(inside.token_ids),
        "layers": layers,
        "heads": heads,
        "operations": [_operation(operation) for operation in inside.operations],
        "attention": quantised(inside.attention[:, :, rows, columns]),  # row after row, up to the diagonal
        "vocabulary": vocabulary,
        "candidates": [
            [[[index_of[label], round(probability, 5)] for label, probability in cell] for cell in of_layer]
            for of_layer in inside.candidates
        ],
        "parts": [
            {
                "token": part.token,
                "logit": _rounded(part.logit),
                "heads": quantised(part.heads),
                "halves": [[_rounded(value) for value in row] for row in part.halves.tolist()],
                "ends": [[name, _rounded(value)] for name, value in part.ends.items()],
            }
            for part in inside.parts
        ],
        "stream": [[_rounded(value) for value in row] for row in inside.stream.tolist()],
        "added": [
            {"name": name, "norms": [[_rounded(value) for value in row] for row in norms.tolist()]}
            for name, norms in inside.added.items()
        ],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {
        "title": operation.title,
        "does": operation.does,
        "shape": list(operation.shape),
        "layer": operation.layer,
    }
    if operation.vectors is not None:
        content["vectors"] = quantised(operation.vectors)
    if operation.norms is not None:
        content["norms"] = [_rounded(value) for value in operation.norms.tolist()]
    return content


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
