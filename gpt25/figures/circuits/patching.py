"""Which activations carry the answer from one prompt into another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpt25.errors import InspectionError
from gpt25.figures.circuits.look import Look, Progress, Question, heads_by_name, numbers, untold
from gpt25.figures.circuits.one_token import one_token
from gpt25.figures.opened import AnyModel, OpenedModel, opened
from gpt25.inspection import PromptPair, activation_patching, head_patching, path_patching, prompt_pair
from gpt25.plots import HeatMap, HeatMaps, heat_maps_figure
from gpt25.tokenizer import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL = "share restored"


def patching(
    model: AnyModel,
    prompt: str | Sequence[int],
    against: str | Sequence[int],
    *,
    answer: str | int | None = None,
    other: str | int | None = None,
    receiver: str | None = None,
    receiver_head: int | None = None,
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    axes: "Axes | Sequence[Axes] | None" = None,
) -> "Figure":
    """Draw what each activation of `prompt`, put into `against`, restores of the first prompt's answer.

    prompt, against: two texts of equally many tokens that differ in what makes the answer another. answer, other: the
    two tokens whose logits are compared; without them what the model says after each. receiver: path patching into
    this one alone, see `gpt25.inspection.path_patching`; without it activation patching. axes: four of them.
    Returns the figure. Raises InspectionError for prompts that cannot be compared.
    """
    given = opened(model, tokenizer=tokenizer, name=name)
    question = patching_question(given, prompt, against, answer, other, receiver=receiver, receiver_head=receiver_head)
    return heat_maps_figure(question.look(given, untold).maps, axes=axes)


def patching_question(
    given: OpenedModel,
    prompt: str | Sequence[int],
    against: str | Sequence[int],
    answer: str | int | None = None,
    other: str | int | None = None,
    *,
    receiver: str | None = None,
    receiver_head: int | None = None,
) -> Question:
    """The same as a question to any model of this vocabulary; the two tokens are this model's."""
    clean, labels = given.read(prompt if isinstance(prompt, str) else list(prompt))
    corrupted, other_labels = given.read(against if isinstance(against, str) else list(against))
    if receiver_head is not None and receiver is None:
        raise InspectionError("a head that receives was given without what it receives with; name a receiver too.")
    own = prompt_pair(
        given.model,
        clean,
        corrupted,
        answer=one_token(given, answer, "the answer"),
        other=one_token(given, other, "the other token"),
    )
    pieces = given.labels([own.answer, own.other])
    columns = [a if a == b else f"{a} / {b}" for a, b in zip(labels, other_labels, strict=True)]

    def pair_of(asked: OpenedModel) -> PromptPair:
        return prompt_pair(asked.model, clean, corrupted, answer=own.answer, other=own.other)

    def look(asked: OpenedModel, progress: Progress) -> Look:
        if receiver is not None:
            return _paths(asked, pair_of(asked), columns, pieces, receiver, receiver_head)
        return _activations(asked, pair_of(asked), columns, pieces, progress)

    def measure(asked: OpenedModel) -> dict[str, float]:
        pair = pair_of(asked)
        if receiver is not None:
            shares = path_patching(asked.model, pair, receiver=receiver, receiver_head=receiver_head).heads
        else:
            shares = head_patching(asked.model, pair)
        return heads_by_name(shares * (pair.clean_difference - pair.corrupted_difference))

    return Question(
        look=look,
        measure=measure,
        title=f"which heads carry {pieces[0]} over {pieces[1]}",
        line=(
            "How much of the difference between the two answers each head restores, in logits; a line that leaves 0 is "
            "a head that began to do this work."
        ),
        label="logits",
        runs=_runs(given, len(clean)) if receiver is None else None,
    )


def _runs(given: OpenedModel, time: int) -> int:
    shape = given.model.configuration
    return (3 * shape.number_of_layers + 1) * time + shape.number_of_layers * shape.number_of_heads


def _activations(
    given: OpenedModel, pair: PromptPair, columns: list[str], pieces: list[str], progress: Progress
) -> Look:
    found = activation_patching(given.model, pair, progress=progress)
    layers, heads = found.heads.shape
    maps = [
        HeatMap("Residual stream before", found.residual, [*numbers(layers), "end"], columns, across="position"),
        HeatMap("Attention", found.attention, numbers(layers), columns, across="position"),
        HeatMap("Perceptron", found.multi_layer_perceptron, numbers(layers), columns, across="position"),
        HeatMap("Heads, at all positions", found.heads, numbers(layers), numbers(heads)),
    ]
    line = (
        f"Blue: this one activation of the first prompt, put into the second, brings back {pieces[0]} in place of "
        f"{pieces[1]} (1 is all of it). Read upwards where the answer is, and at which position it moves to the end."
    )
    title = f"{given.name}: what carries {pieces[0]} over {pieces[1]}"
    return Look(HeatMaps(title, line, maps, _LABEL, "signed", "activation patching"), {"patching": found})


def _paths(
    given: OpenedModel, pair: PromptPair, columns: list[str], pieces: list[str], receiver: str, head: int | None
) -> Look:
    found = path_patching(given.model, pair, receiver=receiver, receiver_head=head)
    layers, heads = found.heads.shape
    maps = [
        HeatMap("Embeddings", found.embeddings[None], [""], columns, down="", across="position"),
        HeatMap("Attention", found.attention, numbers(layers), columns, across="position"),
        HeatMap("Perceptron", found.multi_layer_perceptron, numbers(layers), columns, across="position"),
        HeatMap("Heads, at all positions", found.heads, numbers(layers), numbers(heads)),
    ]
    line = (
        f"Blue: {found.receiver} reads from here, directly, what brings back {pieces[0]} in place of {pieces[1]} (1 is "
        "all of it). Everything between the two is held, so that no other way counts."
    )
    title = f"{given.name}: the paths into {found.receiver}"
    return Look(HeatMaps(title, line, maps, _LABEL, "signed", "path patching"), {"patching": found})
