"""Run directories that look like real ones, made on the spot."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.records import RunDirectory, Summary
from gpt25.storage import write_json, write_manifest, write_text

MakeRun = Callable[..., RunDirectory]

RECIPE = """title = "GPT-2 on Python's standard library"

[model]
block_size = 256
number_of_layers = 6

[training]
peak_learning_rate = 0.0015
tokens_per_update = 16384
"""
TEXTS = (
    "dAh. e,\n  tsel(fnr)i i__",
    "def __init__(self, name):\n        self.self = name\n        return '%s' % self.name",
    "def read(self, size=-1):\n    if self._closed:\n        raise ValueError('read of closed file')",
)


def write_run(path: Path, *, updates: int = 600, final_loss: float = 2.35, interval: int = 50) -> RunDirectory:
    """A finished run of `updates` updates with everything a run directory holds, noise without a random generator."""
    path.mkdir(parents=True)
    run = RunDirectory(path)
    rows = []
    for update in range(1, updates + 1):
        share = update / updates
        loss = final_loss + (8.3 - final_loss) * math.exp(-((40 * share) ** 0.55)) + 0.09 * math.sin(update * update)
        row = {
            "update": update,
            "tokens": update * 16_384,
            "training_loss": loss,
            "learning_rate": 0.0015 * min(1.0, update / 40, 2.5 * (1.02 - share)),
            "gradient_norm": 0.4 + 2 / update,
            "tokens_per_second": 16_900 + 300 * math.sin(update),
            "elapsed_seconds": update * 0.97,
        }
        if update % interval == 0:
            row["validation_loss"] = loss + 0.12
        rows.append(row)
    for row in rows:
        run.append_metrics(row)
    for number, text in enumerate(TEXTS):
        update = [0, updates // 3, updates][number]
        run.append_sample({"update": update, "tokens": update * 16_384, "prompt": "def ", "text": text})
    write_text(run.recipe_path, RECIPE)
    write_json(run.environment_path, {"python": "3.12.1", "torch": "2.13.0", "processor": "a processor", "cores": 8})
    for update in (updates // 2, updates):
        checkpoint = run.checkpoint_path(update)
        checkpoint.mkdir(parents=True)
        write_json(checkpoint / "state.json", {"update": update, "metrics": {"validation_loss": final_loss}})
        write_manifest(checkpoint)
    run.write_summary(
        Summary(
            title="GPT-2 on Python's standard library",
            finished=True,
            model_parameters=11_742_720,
            tokens=updates * 16_384,
            training_seconds=updates * 0.97,
            validation_loss=final_loss + 0.12,
            bits_per_byte=1.21,
            held_out_bytes=1_204_881,
            compressors={"gzip -9": 1.93, "bz2 -9": 1.66, "xz -9": 1.58},
            next_commands=[f'gpt25 generate {path.name} --prompt "def "', f"gpt25 serve {path.name}"],
        )
    )
    return run


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Make a plausible run directory below tmp_path: make_run("name", updates=200)."""

    def make(name: str = "my-run", **options: float) -> RunDirectory:
        return write_run(tmp_path / name, **options)  # type: ignore[arg-type]

    return make
