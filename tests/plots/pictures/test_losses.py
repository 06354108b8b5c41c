"""The loss graph: a picture for every run that has a loss, an error in words for the others."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

import gpt25
from gpt25.errors import PlotError, StorageError
from gpt25.plots import draw_losses
from gpt25.records import RunDirectory

if TYPE_CHECKING:
    from conftest import MakeRun

BLUE, ORANGE, RED = (0x2F, 0x6B, 0xDE), (0xD9, 0x54, 0x1E), (0xC8, 0x1E, 0x1E)


def has_colour(path: Path, colour: tuple[int, int, int]) -> bool:
    pixels = np.round(imread(path)[:, :, :3] * 255).astype(int)
    return bool((np.abs(pixels - np.array(colour)).max(axis=2) <= 2).any())


def test_a_run_becomes_a_picture_of_both_losses(make_run: "MakeRun", tmp_path: Path) -> None:
    output = tmp_path / "loss.png"
    draw_losses([make_run(updates=100)], output)
    assert output.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert imread(output).shape[:2] == (1080, 1600)
    assert has_colour(output, BLUE)
    assert has_colour(output, ORANGE)
    assert not has_colour(output, RED)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_same_run_gives_the_same_bytes(make_run: "MakeRun", tmp_path: Path) -> None:
    run = make_run(updates=60)
    draw_losses([run], tmp_path / "1.png")
    draw_losses([run], tmp_path / "2.png")
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_an_svg_is_one_too(make_run: "MakeRun", tmp_path: Path) -> None:
    run = make_run(updates=60)
    for name in ("1.svg", "2.svg"):
        draw_losses([run], tmp_path / name)
    content = (tmp_path / "1.svg").read_bytes()
    assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    assert content == (tmp_path / "2.svg").read_bytes()


@pytest.mark.parametrize("x", ["tokens", "seconds", "updates"])
def test_several_runs_lie_over_one_another_against_any_axis(make_run: "MakeRun", tmp_path: Path, x: Any) -> None:
    names = ["first", "_second $x$ 🦜\n", "n" * 200]
    draw_losses([make_run(name, updates=60) for name in names], tmp_path / "loss.png", x=x)
    assert has_colour(tmp_path / "loss.png", BLUE)
    assert has_colour(tmp_path / "loss.png", ORANGE)


@pytest.mark.parametrize("x_scale", ["linear", "logarithmic"])
def test_one_row_is_enough(tmp_path: Path, x_scale: Any) -> None:
    run = RunDirectory(tmp_path)
    run.append_metrics({"update": 1, "tokens": 4096, "training_loss": 10.8})
    draw_losses([run], tmp_path / "loss.png", x_scale=x_scale)
    assert has_colour(tmp_path / "loss.png", BLUE)


def test_a_validation_loss_alone_is_enough(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for update in (0, 1):
        run.append_metrics({"update": update, "tokens": update, "validation_loss": 4.0 - update})
    draw_losses([run], tmp_path / "loss.png", x_scale="logarithmic")
    assert has_colour(tmp_path / "loss.png", ORANGE)


def test_losses_that_are_no_numbers_are_marked(make_run: "MakeRun", tmp_path: Path) -> None:
    run = make_run(updates=60)
    run.append_metrics({"update": 61, "tokens": 61 * 16_384, "training_loss": float("nan")})
    draw_losses([run], tmp_path / "alone.png")
    draw_losses([run, run], tmp_path / "beside.png")
    assert has_colour(tmp_path / "alone.png", RED)
    assert has_colour(tmp_path / "beside.png", RED)


def test_a_run_without_a_loss_is_named(make_run: "MakeRun", tmp_path: Path) -> None:
    empty = RunDirectory(tmp_path / "empty")
    with pytest.raises(
        PlotError, match=r"empty has no finite loss to draw against seconds yet\. Train until the first"
    ):
        draw_losses([make_run(updates=5), empty], tmp_path / "loss.png", x="seconds")
    assert not (tmp_path / "loss.png").exists()


def test_what_cannot_be_drawn_is_refused(make_run: "MakeRun", tmp_path: Path) -> None:
    with pytest.raises(PlotError, match=r"loss\.pdf ends in \.pdf; a picture is a \.png, a \.svg or"):
        draw_losses([make_run(updates=5)], tmp_path / "loss.pdf")
    with pytest.raises(PlotError, match=r"the loss graph is a \.png or \.svg picture, .* is gpt25 plot report"):
        draw_losses([make_run("page", updates=5)], tmp_path / "loss.html")
    with pytest.raises(PlotError, match="there is no run to draw; name at least one run directory"):
        draw_losses([], tmp_path / "loss.png")
    with pytest.raises(StorageError, match=r"cannot write .*absent/loss\.png: No such file or directory"):
        draw_losses([make_run("other", updates=5)], tmp_path / "absent" / "loss.png")


def test_importing_the_plots_imports_neither_matplotlib_nor_torch() -> None:
    probe = (
        "import sys, gpt25.plots, gpt25.records; "
        "print([name for name in ('matplotlib', 'torch', 'numpy') if name in sys.modules])"
    )
    source = str(Path(gpt25.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=source)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_drawing_leaves_pyplot_alone(make_run: "MakeRun", tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gpt25.plots import draw_losses; "
        "from gpt25.records import RunDirectory; draw_losses([RunDirectory(sys.argv[1])], Path(sys.argv[2])); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    source = str(Path(gpt25.__file__).parents[1])
    words = [str(make_run(updates=20).path), str(tmp_path / "loss.png")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=source)
    assert done.stdout == "False\n"
