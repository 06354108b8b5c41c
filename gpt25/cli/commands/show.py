"""Every parameter of a model by both its names, with shapes and counts, read from the files' headers alone.

With --statistics the weights are read as well.
"""

import dataclasses
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from gpt25.cli.output import Output
from gpt25.cli.parameter_sections import parameter_sections, section_lines, statistics_line, statistics_lines
from gpt25.counted import counted

if TYPE_CHECKING:
    from gpt25.inspection import WeightStatistics

_FIGURES = ("mean", "deviation", "smallest", "largest", "norm", "zeros, %")


@dataclass(frozen=True)
class Arguments:
    """The arguments of `gpt25 show`."""

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
    """Describe the model: one JSON object, or a table, totals and a glossary."""
    from gpt25.weights import describe_model, resolve_model

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
    from gpt25.weights import GLOSSARY

    if every_row and not output.on_terminal:
        _show_wide(description, statistics, title, output)
    else:
        _show_sections(description, statistics, title, output, every_block=every_row)
    if description["left_aside"]:
        names = ", ".join(description["left_aside"])
        output.say(textwrap.fill(f"not part of a GPT-2, and left aside when it is loaded: {names}", 80) + "\n")
    output.say("Together")
    for name, value in _totals(description):
        output.say(f"{name:<22}{value}")
    output.say()
    output.say("OpenAI's short forms")
    for short, long in GLOSSARY.items():
        output.say(textwrap.fill(f"{short:<12}{long}", 80, subsequent_indent=" " * 12))


def _show_sections(
    description: dict[str, Any],
    statistics: "dict[str, WeightStatistics]",
    title: str,
    output: Output,
    *,
    every_block: bool,
) -> None:
    """Both short names under what they share, within 80 columns."""
    sections = parameter_sections(description["tensors"], every_block=every_block)
    output.say(f"{title}\nour name = Hugging Face's, shape, count")
    for section in sections:
        output.say("\n" + "\n".join(section_lines(section)))
    for tied in description["tied_tensors"]:
        (original,) = [tensor for tensor in description["tensors"] if tensor["name"] == tied["tied_to"]]
        short = original["hugging_face_name"].removeprefix("transformer.")
        output.say(f"\n{tied['name']}  =  {tied['hugging_face_name']}  (tied to {short})")
    output.say(f"\n{'total':<20}{description['parameters']:>60,}\n")
    if statistics:
        output.say("Statistics (of blocks that are alike, all values together)")
        output.say(statistics_line("", _FIGURES))
        for section in sections:
            lines = statistics_lines(section, lambda row: _figures([statistics[tensor["name"]] for tensor in row]))
            output.say("\n".join(lines))
        output.say()


def _show_wide(
    description: dict[str, Any], statistics: "dict[str, WeightStatistics]", title: str, output: Output
) -> None:
    """A line for every tensor with both its names in full, for grep and its like."""
    tensors = description["tensors"]
    tied = [_tied_row(tensor, tensors) for tensor in description["tied_tensors"]]
    columns = ("name", "Hugging Face", "shape", "dtype", "parameters")
    output.table(title, columns, [*map(_row, tensors), *tied])
    output.say()
    if statistics:
        rows = [(tensor["name"], *_figures([statistics[tensor["name"]]])) for tensor in tensors]
        output.table("Statistics", ("name", *_FIGURES), rows)
        output.say()


def _row(tensor: dict[str, Any]) -> tuple[str, ...]:
    shape = tensor["shape"]
    dimensions = " × ".join(map(str, shape))
    return (tensor["name"], tensor["hugging_face_name"], dimensions, tensor["dtype"], f"{math.prod(shape):,}")


def _tied_row(tied: dict[str, str], tensors: list[dict[str, Any]]) -> tuple[str, ...]:
    """One row for a tensor that is another one under a second name; its parameters are counted there."""
    (original,) = [tensor for tensor in tensors if tensor["name"] == tied["tied_to"]]
    shape = " × ".join(map(str, original["shape"]))
    short = original["hugging_face_name"].removeprefix("transformer.")
    return (tied["name"], tied["hugging_face_name"], shape, original["dtype"], f"tied to {short}")


def _figures(parts: "list[WeightStatistics]") -> tuple[str, ...]:
    """The figures of a row's tensors as if they were one."""
    together = type(parts[0]).of_several(parts)
    return (
        f"{together.mean:.5f}",
        f"{together.standard_deviation:.4f}",
        f"{together.smallest:.3f}",
        f"{together.largest:.3f}",
        f"{together.norm:.2f}",
        f"{100 * together.share_of_zeros:.2f}",
    )


def _totals(description: dict[str, Any]) -> list[tuple[str, str]]:
    shape = description["configuration"]
    forward, training = description["forward_operations_per_token"], description["training_operations_per_token"]
    return [
        ("parameters", f"{description['parameters']:,} (the head is wte, counted once)"),
        ("bytes of weights", f"{description['weight_bytes']:,}"),
        ("operations per token", f"{forward:,} forward, {training:,} in training (FLOP)"),
        ("layers", f"{counted(shape['number_of_layers'], 'blocks')} of {counted(shape['number_of_heads'], 'heads')}"),
        ("channels", f"{shape['number_of_embedding_dimensions']:,}"),
        ("block size", f"{shape['block_size']:,} tokens"),
        ("vocabulary", f"{shape['vocabulary_size']:,} tokens"),
    ]
