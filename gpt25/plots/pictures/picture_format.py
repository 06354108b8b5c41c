"""The file format of a picture, and whether it can be written at all."""

from pathlib import Path
from typing import Literal, cast

from gpt25.errors import PlotError
from gpt25.storage import require_output_file

PictureFormat = Literal["png", "svg", "html"]
"""A raster image, a vector image, or an interactive page."""


def picture_format(output: str | Path) -> PictureFormat:
    """The format by a file's suffix: picture_format("a/b.SVG") -> "svg". Raises PlotError for other suffixes."""
    suffix = Path(output).suffix.lower().removeprefix(".")
    if suffix not in ("png", "svg", "html"):
        ends = f"ends in .{suffix}" if suffix else "has no ending"
        raise PlotError(
            f"{Path(output).name} {ends}; a picture is a .png, a .svg or, to point at with the mouse, a .html file."
        )
    return cast(PictureFormat, suffix)


def require_picture_file(output: str | Path) -> PictureFormat:
    """Check, before any long work, that a picture can be written to `output`; its directory is made if need be.

    Returns its format. Raises PlotError for a suffix that is no picture's, StorageError where nothing can be written or
    a directory stands in the place of the file.
    """
    file_format = picture_format(output)
    require_output_file(output, overwrite=True, special="written into")
    return file_format
