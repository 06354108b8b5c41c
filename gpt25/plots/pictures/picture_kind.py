"""What kind of file a picture becomes, and whether it can be written at all."""

from pathlib import Path
from typing import Literal, cast

from gpt25.errors import PlotError
from gpt25.storage import require_writable_directory

PictureKind = Literal["png", "svg", "html"]
"""A picture of dots, a picture of lines that stays sharp, or a page that answers to the pointer."""


def picture_kind(output: str | Path) -> PictureKind:
    """The kind that a file's ending asks for: picture_kind("a/b.SVG") -> "svg". Raises PlotError for other endings."""
    suffix = Path(output).suffix.lower().removeprefix(".")
    if suffix not in ("png", "svg", "html"):
        ends = f"ends in .{suffix}" if suffix else "has no ending"
        raise PlotError(
            f"{Path(output).name} {ends}; a picture is a .png, a .svg or, to point at with the mouse, a .html file."
        )
    return cast(PictureKind, suffix)


def require_picture_place(output: str | Path) -> PictureKind:
    """Prove, before any long work, that a picture can be written to `output`; its directory is made if need be.

    Returns its kind. Raises PlotError for an ending that is no picture's or a directory in the place of the file, and
    StorageError where nothing can be written.
    """
    kind = picture_kind(output)
    if Path(output).is_dir():
        raise PlotError(f"{output} is a directory; name a file in it.")
    require_writable_directory(Path(output).parent)
    return kind
