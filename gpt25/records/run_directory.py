"""A run directory: one place that knows the names of a run's files and which of its checkpoints can be trusted."""

import math
import re
from pathlib import Path
from typing import Any, Literal

from gpt25.errors import ConfigurationError, StorageError
from gpt25.markup import notebook_table
from gpt25.records.checkpoint_record import CheckpointRecord
from gpt25.records.kept_evaluation import read_evaluation
from gpt25.records.rows import MetricsRow, SampleRow
from gpt25.records.run_table import run_table
from gpt25.records.summary import Summary
from gpt25.storage import (
    MANIFEST_NAME,
    append_json_line,
    exists,
    is_directory,
    is_file,
    matching,
    read_json_lines,
    read_object,
    read_toml,
    record_from,
    require_no_way_out,
    require_writable_directory,
    verify_manifest,
    write_json,
    write_json_lines,
)

_CHECKPOINT_NAME = re.compile(r"update-(\d{6,})", re.ASCII)


class RunDirectory:
    """The files of one training run. Making this object touches nothing on the disk."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.lock_path = self.path / ".lock"
        self.recipe_path = self.path / "run.toml"
        self.environment_path = self.path / "environment.json"
        self.metrics_path = self.path / "metrics.jsonl"
        self.samples_path = self.path / "samples.jsonl"
        self.summary_path = self.path / "summary.json"
        self.tensorboard_path = self.path / "tensorboard"
        self.wandb_path = self.path / "wandb"
        self.mlflow_path = self.path / "mlflow.db"
        self.trackers_path = self.path / "trackers.json"
        self.data_path = self.path / "data"
        self.tokenizer_path = self.path / "tokenizer"
        self.checkpoints_path = self.path / "checkpoints"
        self.loss_picture_path = self.path / "loss.png"
        self.report_path = self.path / "report.html"
        self.evaluations_path = self.path / "evaluations"

    def __repr__(self) -> str:
        return f"RunDirectory({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """In a notebook: what has been trained so far, and how well it does."""
        try:
            return run_table(self.path, self.metrics(), self.read_summary(), self.checkpoints())
        except StorageError as problem:  # a notebook shows what is wrong with a file, not a traceback
            return notebook_table(f"Run {self.path}", [], note=str(problem))

    @classmethod
    def is_run(cls, path: str | Path) -> bool:
        """Whether a run lives at `path`: its resolved recipe or a complete checkpoint is there."""
        run = cls(path)
        return is_file(run.recipe_path) or bool(run.checkpoints())

    # Metrics, samples and everything else that is recorded.

    def metrics(self) -> list[dict[str, Any]]:
        """All rows of metrics.jsonl in the order written; raises CorruptFileError naming one that cannot be."""
        return _rows(self.metrics_path, MetricsRow)

    def samples(self) -> list[dict[str, Any]]:
        """All rows of samples.jsonl: {"update", "tokens", "prompt", "text"}."""
        return _rows(self.samples_path, SampleRow)

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Append one measured update; NaN and infinity become null, for JSON has no such numbers."""
        append_json_line(self.metrics_path, _finite(row))

    def append_sample(self, row: dict[str, Any]) -> None:
        """Append one text that the model wrote after an update."""
        append_json_line(self.samples_path, _finite(row))

    def truncate_after(self, update: int) -> None:
        """Drop metric and sample rows of later updates, so that a resumed run writes no update twice.

        Each file is replaced atomically; a crash between the two is mended by the same call after the next start.
        """
        for path, kind in ((self.metrics_path, MetricsRow), (self.samples_path, SampleRow)):
            if exists(path):
                write_json_lines(path, [row for row in _rows(path, kind) if row["update"] <= update])

    def recipe(self) -> dict[str, Any]:
        """The resolved recipe from run.toml; an absent file is an empty recipe."""
        return read_toml(self.recipe_path) if exists(self.recipe_path) else {}

    def environment(self) -> dict[str, Any]:
        """What environment.json says of the machine; an absent file is an empty description."""
        if not exists(self.environment_path):
            return {}
        return read_object(self.environment_path)

    def write_summary(self, summary: Summary) -> None:
        """Write summary.json atomically."""
        write_json(self.summary_path, summary.as_json())

    def read_summary(self) -> Summary | None:
        """What summary.json says, None where there is none yet; raises CorruptFileError when it cannot be true."""
        if not exists(self.summary_path):
            return None
        return Summary.read(self.summary_path)

    def write_evaluation(self, content: dict[str, Any]) -> Path:
        """Record the scores of a checkpoint by `gpt25 evaluate`: {"task", "update", "limit", …}; returns the file.

        The same task at the same update, with the same limit, replaces what stood there. Characters that a file name
        cannot hold everywhere, as in "lm-eval:piqa", become dashes.
        """
        limit = "" if content.get("limit") is None else f"-first-{content['limit']}"
        name = re.sub(r"[^\w.+-]", "-", content["task"])
        self.require_room_for_evaluations()
        path = self.evaluations_path / f"{name}-update-{content['update']:06d}{limit}.json"
        write_json(path, content)
        return path

    def require_room_for_evaluations(self) -> None:
        """Raise StorageError where evaluations/ cannot be written, or is a link that leads out of the run."""
        require_no_way_out(self.evaluations_path, of=self.path)
        require_writable_directory(self.evaluations_path)

    def require_no_ways_out(self) -> None:
        """Raise StorageError where anything that a training run writes is a link that leads out of it."""
        for name, path in vars(self).items():
            if name.endswith("_path"):
                require_no_way_out(path, of=self.path)

    def evaluations(self) -> list[dict[str, Any]]:
        """Everything in evaluations/, by task and update; raises CorruptFileError for a file that is no such object."""
        found = [read_evaluation(path) for path in matching(self.evaluations_path, "*.json")]
        return sorted(found, key=lambda each: (each["task"], each.get("update") or 0))

    # Checkpoints.

    def checkpoint_path(self, update: int) -> Path:
        """Where the checkpoint of an update belongs: checkpoint_path(500) -> RUN/checkpoints/update-000500."""
        return self.checkpoints_path / f"update-{update:06d}"

    def checkpoints(self) -> list[CheckpointRecord]:
        """The complete checkpoints (those with a manifest), oldest update first. Clocks and mtimes play no part."""
        return [record for record in self._checkpoint_directories() if is_file(record.path / MANIFEST_NAME)]

    def find_checkpoint(self, which: Literal["newest", "best"] | int | str) -> Path:
        """The directory of the checkpoint that was asked for, verified file by file against its manifest.

        `which` is "newest", "best" (lowest validation loss) or an update. A choice that turns out damaged is never
        replaced by another one: CorruptFileError. Raises StorageError where there is no such checkpoint and
        ConfigurationError for any other value.
        """
        update = _update_of(which)
        records = self.checkpoints()
        if not records:
            raise StorageError(f"{self.path} has no complete checkpoint. Train until the first one is saved.")
        if which == "best":
            record = self._best(records)
        elif which == "newest":
            record = records[-1]
        else:
            matching = [candidate for candidate in records if candidate.update == update]
            if not matching:
                raise StorageError(f"{self.path} has no checkpoint of update {which}; there are {_updates(records)}.")
            record = matching[0]
        verify_manifest(record.path)
        return record.path

    def newest_intact_checkpoint(self) -> tuple[CheckpointRecord | None, list[str]]:
        """For automatic resume: the newest checkpoint whose every file is as its manifest says, None without any.

        Also returns one sentence for each newer one that had to be skipped, naming the file and what is wrong.
        """
        skipped: list[str] = []
        for record in reversed(self._checkpoint_directories()):
            try:
                verify_manifest(record.path)
            except StorageError as problem:
                skipped.append(str(problem))
            else:
                return record, skipped
        return None, skipped

    def _checkpoint_directories(self) -> list[CheckpointRecord]:
        """Everything that bears a checkpoint's name, complete or not, oldest update first."""
        found = matching(self.checkpoints_path, "update-*")
        named = [(_CHECKPOINT_NAME.fullmatch(entry.name), entry) for entry in found if is_directory(entry)]
        records = [CheckpointRecord(update=int(match[1]), path=entry) for match, entry in named if match]
        # A name with superfluous zeros would give one update two directories.
        records = [record for record in records if record.path.name == self.checkpoint_path(record.update).name]
        return sorted(records, key=lambda record: record.update)

    def _best(self, records: list[CheckpointRecord]) -> CheckpointRecord:
        """The record of lowest validation loss, the later one of two equals."""
        measured = [
            (loss, -record.update, record) for record in records if (loss := record.validation_loss) is not None
        ]
        if not measured:
            raise StorageError(
                f'no checkpoint of {self.path} has a validation loss, so none is "best". '
                f'Choose "newest" or an update: {_updates(records)}.'
            )
        return min(measured, key=lambda entry: entry[:2])[2]


def _update_of(which: int | str) -> int | None:
    """The update that a choice names, None for "newest" and "best"; raises ConfigurationError for anything else."""
    if which in ("newest", "best"):
        return None
    if isinstance(which, str) and which.isascii() and which.isdigit():
        return int(which)
    if isinstance(which, int) and not isinstance(which, bool) and which >= 0:
        return which
    raise ConfigurationError(f'a checkpoint is "newest", "best" or the number of an update, not {which!r}')


def _updates(records: list[CheckpointRecord]) -> str:
    """The updates at hand in words, shortened in the middle: "1, 2, 3 … 900"."""
    updates = [str(record.update) for record in records]
    return ", ".join(updates) if len(updates) <= 8 else f"{', '.join(updates[:4])} … {', '.join(updates[-3:])}"


def _rows(path: Path, kind: type[MetricsRow | SampleRow]) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file, each proven to be an object with fields as `kind` has them."""
    rows = read_json_lines(path)
    for number, row in enumerate(rows, start=1):
        record_from(row, kind, where=f"{path}, row {number}", more_keys="ignored")
    return rows


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """The same row with None in place of every float that JSON cannot write."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in row.items()
    }
