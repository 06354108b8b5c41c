"""A run directory that the command line names."""

from gpt25.errors import PlotError
from gpt25.records import RunDirectory, no_such_directory
from gpt25.storage import exists, is_file


def open_run(path: str) -> RunDirectory:
    """The run at `path`; raises PlotError where there is none."""
    run = RunDirectory(path)
    if not exists(path):
        raise PlotError(no_such_directory(path))
    if not (RunDirectory.is_run(path) or is_file(run.metrics_path)):
        raise PlotError(f"{path} is not a run directory: it holds neither run.toml nor metrics.jsonl")
    return run
