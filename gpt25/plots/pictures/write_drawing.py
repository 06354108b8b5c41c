"""A drawing as the kind of file that its name asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.plots.pictures.picture_format import picture_format
from gpt25.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_drawing(output: str | Path, *, page: Callable[[str | Path], None], figure: Callable[[], "Figure"]) -> None:
    """Write a .html file by `page`, which is told where, or `figure` as a .png or .svg file, atomically.

    Only what the suffix asks for is made. Raises PlotError for another suffix, StorageError where `output` cannot be
    written.
    """
    file_format = picture_format(output)
    if file_format == "html":
        page(output)
    else:
        write_bytes(output, figure_bytes(figure(), file_format))
