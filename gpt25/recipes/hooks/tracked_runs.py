"""trackers.json: which runs of trackers a run directory writes to, so that a resume goes on with the same ones."""

from gpt25.errors import StorageError
from gpt25.records import RunDirectory
from gpt25.storage import is_file, read_object, write_json

PROJECT = "gpt25"
"""Where runs are put whose user names no project or experiment."""


class TrackedRuns:
    """The ids by the trackers' names: {"wandb": "…", "mlflow": "…"}."""

    def __init__(self, run: RunDirectory) -> None:
        self._path = run.trackers_path

    def _content(self) -> dict[str, str]:
        if not is_file(self._path):
            return {}
        try:
            found = read_object(self._path)
        except StorageError:  # nothing that a run should end for: a new run is begun there
            return {}
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def identity_of(self, tracker: str) -> str | None:
        """The id of the run there, None before there is one."""
        return self._content().get(tracker)

    def keep(self, tracker: str, identity: str) -> None:
        """Write the id down."""
        write_json(self._path, {**self._content(), tracker: identity})
