"""Every parameter of a model by both its names, with shapes and counts, read from the files' headers alone.

With --statistics the weights are read as well.
"""

import dataclasses
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from gpt25.cli.output import Output
from gpt25.weights import GLOSSARY, describe_model, resolve_model

if TYPE_CHECKING:
    from gpt25.inspection import WeightStatistics

_BLOCK_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


@dataclass(frozen=True)
class Arguments:
    """The words of `gpt25 show`."""

    model: tyro.conf.Positional[str]
    """A size name (gpt2, gpt2-medium, gpt2-large, gpt2-xl), a Hub id owner/name, a Hugging Face directory or a run."""
    all: bool = False
    """A row for every tensor, instead of one for all the blocks that are alike."""
    statistics: bool = False
    """Read the weights too: mean, standard deviation, smallest, largest, norm and share of zeros of every tensor."""
    checkpoint: str = "newest"
    """Which checkpoint of a run: newest, best or the number of an update."""
    revision: str | None = None
    """Which branch, tag or commit of a Hub repository."""
    json: bool = False
    """Print one JSON object on standard output."""


def run(arguments: Arguments, output: Output) -> None:
    """Describe the model: one JSON object, or a table, totals and a glossary for people."""
    directory = resolve_model(arguments.model, checkpoint=arguments.checkpoint, revision=arguments.revision)
    description = describe_model(directory)
    statistics = _statistics(directory, output) if arguments.statistics else {}
    if not output.json:
        _show(description, statistics, str(directory), output, every_row=arguments.all)
    for tensor in description["tensors"] if statistics else []:
        tensor["statistics"] = dataclasses.asdict(statistics[tensor["name"]])
    output.result(description)


def _statistics(directory: Path, output: Output) -> "dict[str, WeightStatistics]":
    """The statistics of every tensor by our name of it."""
    from gpt25.inspection import weight_statistics
    from gpt25.weights import load_pretrained

    model, _ = load_pretrained(directory)
    found = {}
    with output.progress("measuring", sum(1 for _ in model.parameters()), "tensors") as progress:
        for name, parameter in model.named_parameters():
            found[name] = weight_statistics(parameter)
            progress.advance()
    return found


def _show(
    description: dict[str, Any],
    statistics: "dict[str, WeightStatistics]",
    title: str,
    output: Output,
    *,
    every_row: bool,
) -> None:
    groups = [[tensor] for tensor in description["tensors"]] if every_row else _alike(description["tensors"])
    columns = ("name", "Hugging Face", "shape", "dtype", "times", "parameters")
    tied = [_tied_row(tensor, description["tensors"]) for tensor in description["tied_tensors"]]
    output.table(title, columns, [*map(_row, groups), *tied])
    output.say()
    if statistics:
        figures = ("name", "mean", "deviation", "smallest", "largest", "norm", "zeros, %")
        rows = [_statistics_row(group, [statistics[tensor["name"]] for tensor in group]) for group in groups]
        output.table("Statistics (of blocks that are alike, all numbers together)", figures, rows)
        output.say()
    output.table("Together", ("", ""), _totals(description))
    output.say()
    output.table("OpenAI's short forms", ("", ""), list(GLOSSARY.items()))


def _alike(tensors: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The same tensor of all blocks together, where shape and dtype agree; in the order of the first."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for tensor in tensors:
        key = (_BLOCK_NUMBER.sub("i", tensor["name"]), tuple(tensor["shape"]), tensor["dtype"])
        groups.setdefault(key, []).append(tensor)
    return list(groups.values())


def _row(group: list[dict[str, Any]]) -> tuple[str, ...]:
    """One row for tensors that differ in the number of their block only: hidden.0…11 times ×12."""
    first = group[0]
    return (
        _name(group, "name"),
        _name(group, "hugging_face_name"),
        " × ".join(map(str, first["shape"])),
        first["dtype"],
        f"×{len(group)}" if len(group) > 1 else "",
        f"{len(group) * math.prod(first['shape']):,}",
    )


def _tied_row(tied: dict[str, str], tensors: list[dict[str, Any]]) -> tuple[str, ...]:
    """One row for a tensor that is another one under a second name; its numbers are counted there."""
    (original,) = [tensor for tensor in tensors if tensor["name"] == tied["tied_to"]]
    shape = " × ".join(map(str, original["shape"]))
    short = original["hugging_face_name"].removeprefix("transformer.")
    return (tied["name"], tied["hugging_face_name"], shape, original["dtype"], "", f"tied to {short}")


def _statistics_row(group: list[dict[str, Any]], parts: "list[WeightStatistics]") -> tuple[str, ...]:
    """The figures of a group's tensors as if they were one."""
    together = type(parts[0]).of_several(parts)
    return (
        _name(group, "name"),
        f"{together.mean:.5f}",
        f"{together.standard_deviation:.4f}",
        f"{together.smallest:.3f}",
        f"{together.largest:.3f}",
        f"{together.norm:.2f}",
        f"{100 * together.share_of_zeros:.2f}",
    )


def _name(group: list[dict[str, Any]], which: str) -> str:
    """The name of tensors that differ in the number of their block only: "transformer.h.0…11.ln_1.bias"."""
    numbers = [int(found[0]) for tensor in group if (found := _BLOCK_NUMBER.search(tensor["name"]))]
    return _BLOCK_NUMBER.sub(_in_words(numbers), group[0][which])


def _in_words(numbers: list[int]) -> str:
    """_in_words([0, 1, 2]) -> "0…2"; numbers with gaps are all written out."""
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}…{numbers[-1]}"
    return ",".join(map(str, numbers))


def _totals(description: dict[str, Any]) -> list[tuple[str, str]]:
    shape = description["configuration"]
    forward, training = description["forward_operations_per_token"], description["training_operations_per_token"]
    return [
        ("parameters", f"{description['parameters']:,} (the head is the token embeddings, counted once)"),
        ("bytes of weights", f"{description['weight_bytes']:,}"),
        ("operations per token", f"{forward:,} forward, {training:,} in training (FLOP, matrix products, full block)"),
        ("layers", f"{shape['number_of_layers']:,} blocks of {shape['number_of_heads']:,} heads"),
        ("channels", f"{shape['number_of_embedding_dimensions']:,}"),
        ("block size", f"{shape['block_size']:,} tokens"),
        ("vocabulary", f"{shape['vocabulary_size']:,} tokens"),
    ]
