"""Run the notebooks from top to bottom and keep what they show.

    python notebooks/refresh.py            # all of them
    python notebooks/refresh.py 1 5        # some
    python notebooks/refresh.py --keep 3   # take changed words over, and keep the outputs where no code has changed
    python notebooks/refresh.py --links    # write the repository's address of pyproject.toml into their links

What is written by hand is NUMBER_NAME.py, in jupytext's percent format. NUMBER_NAME.ipynb beside it is made from it
here, so that readers find the outputs too. Needs the extra `notebooks`.
"""

import argparse
import ast
import base64
import io
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).parent
SECONDS_FOR_A_CELL = 1200
COLOURS = 128
_COLAB = re.compile(r"https://colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/")
_GIT = re.compile(r"git\+https://github\.com/[\w.-]+/[\w.-]+")


def sources() -> list[Path]:
    """The notebooks' sources, in their order."""
    return sorted(FOLDER.glob("[0-9]_*.py"))


def repository() -> str:
    """The address of the repository, in its one home: "https://github.com/OWNER/NAME"."""
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


def with_links(text: str) -> str:
    """The source of a notebook with every link to Colab, and what is installed there, at the repository's address."""
    owner_and_name = repository().removeprefix("https://github.com/")
    text = _COLAB.sub(f"https://colab.research.google.com/github/{owner_and_name}/", text)
    return _GIT.sub(f"git+https://github.com/{owner_and_name}", text)


def converted(source: Path) -> NotebookNode:
    """A source as a notebook without outputs; the same source always makes the same one."""
    notebook = jupytext.read(source)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata = NotebookNode()
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return notebook


def executed(source: Path, working_directory: Path) -> NotebookNode:
    """The notebook with its outputs, run in that directory; raises nbclient's CellExecutionError at the first error."""
    notebook = converted(source)
    NotebookClient(
        notebook,
        timeout=SECONDS_FOR_A_CELL,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(working_directory)}},
    ).execute()
    return notebook


def compact(notebook: NotebookNode) -> NotebookNode:
    """The notebook as it is kept: what was printed bit by bit in one piece, pictures with a palette of their own."""
    for cell in notebook.cells:
        joined: list[NotebookNode] = []
        for output in cell.get("outputs", []):
            if joined and output.output_type == "stream" and output.get("name") == joined[-1].get("name"):
                joined[-1].text += output.text
            else:
                joined.append(output)
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _with_palette(output.data["image/png"])
        if cell.cell_type == "code":
            cell.outputs = joined
    return notebook


def _with_palette(picture: str) -> str:
    """The same picture in a third of its bytes."""
    content = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB").quantize(COLOURS).save(
        content, "png", optimize=True
    )
    return base64.b64encode(content.getvalue()).decode("ascii")


def with_kept_outputs(source: Path) -> NotebookNode:
    """The notebook with the outputs that its pair has; raises ValueError where code has changed since.

    Comments, and how a line is broken, are words: they show nothing.
    """
    notebook, kept = converted(source), nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    old = [cell for cell in kept.cells if cell.cell_type == "code"]
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [_program(cell.source) for cell in old] != [_program(cell.source) for cell in new]:
        raise ValueError(f"code of {source.name} has changed since it ran; run it again without --keep.")
    for cell, before in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return notebook


def _program(code: str) -> str:
    """What a cell does, wherever the repository lies."""
    return ast.dump(ast.parse(with_links(code)))


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """What was typed; a word or a number that there is not ends the program with exit code 2."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    numbers = [source.name[0] for source in sources()]
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help=f"{numbers[0]} to {numbers[-1]}; none means all")
    parser.add_argument("--keep", action="store_true", help="run nothing: take words over, keep what is shown")
    parser.add_argument("--links", action="store_true", help="write pyproject.toml's address into links, then --keep")
    arguments = parser.parse_args(words)
    for number in arguments.numbers:
        if number not in numbers:
            parser.error(f"there is no notebook {number!r}, only {numbers[0]} to {numbers[-1]}")
    return arguments


def main(words: Sequence[str] | None = None) -> None:
    """Do what the words say, notebook by notebook; None takes those of the command line."""
    arguments = _arguments(words)
    for source in sources():
        if arguments.numbers and source.name[0] not in arguments.numbers:
            continue
        if arguments.links:
            source.write_text(with_links(source.read_text(encoding="utf-8")), encoding="utf-8")
        if arguments.keep or arguments.links:
            try:
                notebook = with_kept_outputs(source)
            except ValueError as problem:
                sys.stderr.write(f"error: {problem}\n")
                raise SystemExit(2) from None
        else:
            notebook = compact(executed(source, FOLDER))
        nbformat.write(notebook, source.with_suffix(".ipynb"))
        sys.stdout.write(f"{source.stem}: {source.with_suffix('.ipynb').stat().st_size / 1000:,.0f} kB\n")


if __name__ == "__main__":
    main()
