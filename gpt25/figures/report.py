"""The report of runs as an object that a notebook shows as the page that it is."""

import html
from dataclasses import dataclass, field
from pathlib import Path

from gpt25.figures.losses import AnyRun, as_run
from gpt25.figures.positions_of_run import positions_of_run
from gpt25.plots import ComparedRun, ReportSettings, report_page
from gpt25.storage import write_text

_PIXELS_HIGH = 900


@dataclass(frozen=True)
class Report:
    """One HTML page about one run, or about several beside one another."""

    page: str = field(repr=False)
    """The whole page: it fetches nothing and runs nothing."""
    runs: list[ComparedRun] = field(repr=False)
    """What it says of each run; one of them at the end of a cell is a table."""
    remarks: list[str] = field(default_factory=list)
    """What could not be shown, and why."""

    def save(self, path: str | Path) -> None:
        """Write the page into a file, atomically; raises StorageError where it cannot be written."""
        write_text(path, self.page)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that neither its style nor the notebook's reaches the other."""
        style = f"width:100%;height:{_PIXELS_HIGH}px;border:1px solid #8884"
        return f'<iframe sandbox="" style="{style}" title="report" srcdoc="{html.escape(self.page)}"></iframe>'


def report(*runs: AnyRun, settings: ReportSettings | None = None) -> Report:
    """The report of one run, finished or not, as `gpt25 plot report` writes it, or of several beside one another.

    settings: prices, evaluations and figures beside the runs' own; without them a single run's positions are shown.
    Raises PlotError where the runs cannot be compared, CorruptFileError or StorageError where one cannot be read.
    """
    opened = [as_run(run) for run in runs]
    remarks: list[str] = []
    if settings is None:
        positions = positions_of_run(opened[0], note=remarks.append) if len(opened) == 1 else []
        settings = ReportSettings(positions=positions)
    page, compared = report_page(opened, settings=settings)
    return Report(page, compared, remarks)
