"""The file format of a picture, and whether it can be written at all."""

from pathlib import Path
from typing import Literal, cast

from gpt25.errors import PlotError
from gpt25.storage import require_output_file
from gpt25.storage.paths.path_questions import what_is
from gpt25.storage.paths.special_file import is_special
from gpt25.storage.paths.storage_error import shown

PictureFormat = Literal["png", "svg", "html"]
"""A raster image, a vector image, or an interactive page."""


def picture_format(output: str | Path) -> PictureFormat:
    """The format by a file's suffix: picture_format("a/b.SVG") -> "svg". Raises PlotError for other suffixes."""
    suffix = Path(output).suffix.lower().removeprefix(".")
    if suffix not in ("png", "svg", "html"):
        ends = f"ends in .{suffix}" if suffix else "has no ending that says which kind of picture it is to be"
        raise PlotError(
            f"{shown(output)} {ends}; a picture is a .png, a .svg or, to point at with the mouse, a .html file."
        )
    return cast(PictureFormat, suffix)


def require_picture_file(output: str | Path) -> PictureFormat:
    """Check, before any long work, that a picture can be written to `output`; its directory is made if need be.

    Returns its format. Raises PlotError for a suffix that is no picture's, StorageError where nothing can be written or
    a directory stands in the place of the file.
    """
    if is_special(output) and not Path(output).suffix:
        raise PlotError(
            f"{shown(output)} is {what_is(output)}, which no picture is written into; name a file that ends in .png, "
            ".svg or .html."
        )
    file_format = picture_format(output)
    require_output_file(output, overwrite=True, special="written into")
    return file_format
