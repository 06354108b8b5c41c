"""A model's computation with some activations replaced."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from gpt25.errors import InspectionError
from gpt25.inspection.activations.activation_names import chosen_names
from gpt25.inspection.activations.stations import visited
from gpt25.inspection.reading import Tokens, batch_of
from gpt25.model import GPTModel, evaluating

Edit = Tensor | Callable[[Tensor], Tensor]
"""What takes an activation's place: a tensor of its shape, or a function from it (a copy) to one."""


@dataclass(frozen=True)
class Edited:
    """What came of a computation that was interfered with."""

    logits: Tensor
    """(batch, time, vocabulary)."""
    activations: dict[str, Tensor]
    """What was to be recorded, as the model went on with it: after the edits."""


def edit(model: GPTModel, tokens: Tokens, edits: Mapping[str, Edit], names: str | Iterable[str] = ()) -> Edited:
    """Run a model with activations replaced on the way, and record others behind them.

        edit(model, tokens, {"transformer.hidden.3.attention.mixed": without_head_5}).logits

    edits: by names or patterns as in `record`; where several match one name they follow one another. names: what to
    record besides. An edit of `residual_middle` is exact to the rounding of one addition. Nothing stays behind in the
    model. Raises InspectionError for names and ids as `record` does, for a replacement of another shape, and where an
    edit needs weights that are int8.
    """
    chosen = chosen_names(model, names) if names else []
    with edited(model, edits, chosen) as found:
        logits = model(batch_of(model, tokens))  # (batch, time, vocabulary)
    return Edited(logits, {name: found[name] for name in chosen})


def last_logits(model: GPTModel, tokens: Tokens, edits: Mapping[str, Edit]) -> Tensor:
    """The logits behind the last position alone, (batch, vocabulary), of a computation with these edits."""
    with edited(model, edits):
        last = model.hidden_states(batch_of(model, tokens))[:, -1]  # (batch, channels)
        return model.language_modeling_head(last)


@contextlib.contextmanager
def edited(model: GPTModel, edits: Mapping[str, Edit], names: Sequence[str] = ()) -> Iterator[dict[str, Tensor]]:
    """Inside, the model computes with these edits, and the activations of `names` come into the dictionary."""
    of_name: dict[str, list[Edit]] = {}
    for pattern, change in edits.items():
        for name in chosen_names(model, pattern):
            of_name.setdefault(name, []).append(change)
    found: dict[str, Tensor] = {}

    def visit(name: str, activation: Tensor) -> Tensor:
        for change in of_name.get(name, ()):
            activation = _replaced(name, activation, change)
        if name in names:
            found[name] = activation
        return activation

    with evaluating(model), visited(model, {*names, *of_name}, visit):
        yield found


def _replaced(name: str, activation: Tensor, change: Edit) -> Tensor:
    new = change if isinstance(change, Tensor) else change(activation.clone())
    if not isinstance(new, Tensor) or new.shape != activation.shape:
        given = tuple(new.shape) if isinstance(new, Tensor) else type(new).__name__
        raise InspectionError(f"the edit of {name} gave {given}; it must be a tensor of {tuple(activation.shape)}.")
    return new.to(activation)
