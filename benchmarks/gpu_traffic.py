"""What one micro-batch of the 124M asks of a GPU's memory and of its host, counted on a processor.

python benchmarks/gpu_traffic.py [--recipe NAME] [--rows 16] [--SECTION.FIELD VALUE …] [--kernels PART] [--json FILE]

torch runs on FakeTensors of a stand-in for a CUDA device, Inductor writes the Triton code of an H100, and all of it is
counted: launches, and gigabytes that are read and written, for each part of a micro-batch and of an update. Nothing is
computed, and no time is known. An accumulating micro-batch is counted, which follows another one. Needs triton and a
C++ compiler.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any
from unittest import mock

REHEARSAL = Path(__file__).parents[1] / "tests" / "gpu_rehearsal"
sys.path.insert(0, str(REHEARSAL))
import pretended_gpu  # noqa: E402

_FOLDER = tempfile.TemporaryDirectory()
pretended_gpu.load(pretended_gpu.build(Path(_FOLDER.name)))

import torch  # noqa: E402
from pretended_compiler import pretended_compiler  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from traffic import Meter, Traffic  # noqa: E402

from gpt25.model import GPTModel  # noqa: E402
from gpt25.recipes import load_recipe  # noqa: E402
from gpt25.runtime import Ranks, choose_precision  # noqa: E402
from gpt25.training import TrainingConfiguration  # noqa: E402
from gpt25.training.loop import gradient_update as gradient_update_module  # noqa: E402
from gpt25.training.loop.gradient_update import GradientUpdate  # noqa: E402
from gpt25.training.loss.prepared_loss_module import prepared_loss_module  # noqa: E402

OF_A_MICRO_BATCH = ("blocks forward", "blocks backward", "head and loss", "gradients added up", "rest of a micro-batch")
OF_AN_UPDATE = ("begin of an update", "norm, clipping, skipping", "optimizers")
MICRO_BATCHES = 3  # of which the last but one is counted


class Batches:
    """Micro-batches of no tokens in particular."""

    def __init__(self, rows: int, block_size: int) -> None:
        self._shape = rows, block_size

    def for_update(self, *_: Any, **__: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """MICRO_BATCHES times ids and labels, (rows, block size) each."""
        return [
            (torch.zeros(self._shape, dtype=torch.int64), torch.zeros(self._shape, dtype=torch.int64))
        ] * MICRO_BATCHES


class Place:
    """Which part of an update runs."""

    def __init__(self) -> None:
        self.phase = ""
        """Where parts are not told by what runs; "" while nothing is counted."""

    def marking(self, micro_batches: list[Any]) -> "Marked":
        """The micro-batches, which say when they begin."""
        return Marked(micro_batches, self)

    def part_of(self, name: str) -> str:
        """The part that an operation belongs to, or that a program does, by the name "program"."""
        if self.phase != "rest of a micro-batch":
            is_optimizers = any("/training/optimizers/" in frame.filename for frame in traceback.extract_stack())
            return "optimizers" if self.phase and is_optimizers else self.phase
        node = torch._C._current_autograd_node()
        if node is not None and "AccumulateGrad" in node.name():
            return "gradients added up"
        if pretended_gpu.where().startswith("training/loss/gpu_loss.py"):
            return "head and loss"
        if name == "program":
            return "blocks forward" if node is None else "blocks backward"
        return self.phase


class Marked(list[Any]):
    """Micro-batches, of which the last but one is counted."""

    def __init__(self, micro_batches: list[Any], place: Place) -> None:
        super().__init__(micro_batches)
        self._place = place

    def __iter__(self) -> Any:
        for number, micro_batch in enumerate(list.__iter__(self)):
            self._place.phase = "rest of a micro-batch" if number == MICRO_BATCHES - 2 else ""
            yield micro_batch
        self._place.phase = "norm, clipping, skipping"


def configuration_of(recipe: str, rows: int, changes: list[str]) -> TrainingConfiguration:
    """A packaged recipe on a GPU, three micro-batches an update, with fields of its sections changed."""
    found = load_recipe(recipe)
    batch = {"micro_batch_rows": rows, "tokens_per_update": MICRO_BATCHES * rows * found.model.block_size}
    sections: dict[str, dict[str, Any]] = {
        "batch": {**batch, "short_sequences": (), "smaller_updates": ()},
        "loop": {"device": "cuda", "compile": True},
        "speed": {"prefetch": False},
    }
    for name, value in zip(changes[::2], changes[1::2], strict=True):
        section, field = name.removeprefix("--").replace("-", "_").split(".")
        sections.setdefault(section, {})[field] = json.loads(value)
    return dataclasses.replace(
        found, **{name: dataclasses.replace(getattr(found, name), **fields) for name, fields in sections.items()}
    )


def measure(configuration: TrainingConfiguration, rows: int) -> Meter:
    """Count one update of three micro-batches."""
    place = Place()
    meter = Meter(place.part_of)
    device, real = torch.device("cuda"), gradient_update_module.accumulate_gradients
    marked = mock.patch.object(
        gradient_update_module,
        "accumulate_gradients",
        lambda module, micro_batches, **options: real(module, place.marking(micro_batches), **options),
    )
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    with pretended_gpu.pretended_gpus(), fake, meter, pretended_compiler(meter.running), marked:
        with torch.device("cuda"), mock.patch.object(GPTModel, "initialise"):
            model = GPTModel(configuration.model)
        precision = choose_precision(device, configuration.loop.precision)
        loss_module = prepared_loss_module(configuration, model, ranks=Ranks(), device=device, precision=precision)
        update = GradientUpdate(
            configuration,
            model=model,
            loss_module=loss_module,
            batches=Batches(rows, configuration.model.block_size),  # type: ignore[arg-type]
            ranks=Ranks(),
            device=device,
        )
        place.phase = "begin of an update"
        loss, norm = update.accumulate(0)
        update.apply_if_finite(0, loss, norm)
        update.end(0)
        place.phase = ""
    return meter


def summed(parts: dict[str, Traffic], names: tuple[str, ...]) -> Traffic:
    """Several parts as one."""
    total = Traffic()
    for name in names:
        for field in dataclasses.fields(Traffic):
            setattr(total, field.name, getattr(total, field.name) + getattr(parts[name], field.name))
    return total


def print_table(parts: dict[str, Traffic]) -> None:
    """A row for each part, and sums."""
    print("| part | launches | GB between products | GB of products and attention |")
    print("|---|---|---|---|")
    for title, names in (("a micro-batch", OF_A_MICRO_BATCH), ("once an update", OF_AN_UPDATE)):
        for name, part in [*((name, parts[name]) for name in names), (f"**{title}**", summed(parts, names))]:
            print(f"| {name} | {part.launches} | {part.between / 1e9:.2f} | {part.products / 1e9:.2f} |")


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--recipe", default="gpt2_124m")
    parser.add_argument("--rows", type=int, default=16, help="rows of a micro-batch")
    parser.add_argument("--kernels", metavar="PART", help="list the launches of one part too")
    parser.add_argument("--json", type=Path, help="write the table here as well")
    arguments, changes = parser.parse_known_args()
    configuration = configuration_of(arguments.recipe, arguments.rows, changes)
    meter = measure(configuration, arguments.rows)
    print(f"{arguments.recipe}: {arguments.rows} x {configuration.model.block_size} tokens, torch {torch.__version__}")
    print_table(meter.parts)
    for part, name, number_of_bytes in meter.kernels:
        if part == arguments.kernels:
            print(f"{number_of_bytes / 1e6:10.1f} MB  {name}")
    if arguments.json is not None:
        rows = {name: dataclasses.asdict(part) for name, part in meter.parts.items()}
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
