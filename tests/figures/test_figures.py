"""The figures of models: what stands on them, alone and on given axes, and that the commands draw the same."""

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gpt25 import figures
from gpt25.cli.main import main
from gpt25.errors import InspectionError, PlotError
from gpt25.inspection import attention_weights, layer_predictions, positional_embeddings
from gpt25.plots.pictures.figure_bytes import figure_bytes
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

if TYPE_CHECKING:
    from conftest import MakeModel

PROMPT = "ab ab"


def titled(figure: Figure, text: str) -> list[Axes]:
    """The panels whose heading at the left is `text`."""
    return [panel for panel in figure.get_axes() if panel.get_title(loc="left") == text]


def texts(figure: Figure) -> str:
    """Everything that is written on a figure."""
    from matplotlib.text import Text

    return "\n".join(found.get_text() for found in figure.findobj(Text) if found.get_visible())


def images(panel: Axes) -> np.ndarray:
    (image,) = panel.get_images()
    return np.asarray(image.get_array())


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, make_model: "MakeModel", byte_tokenizer: Tokenizer) -> Path:
    """Model directories a and b."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("a", "b"), start=1):
        save_pretrained(make_model(seed=seed), byte_tokenizer, folder / name)
    return folder


def drawn(saved: Path) -> dict[str, Figure]:
    return {
        "positions": figures.positions(saved / "a"),
        "position_image": figures.position_image(saved / "a"),
        "head": figures.attention(saved / "a", PROMPT, layer=1, head=0),
        "grid": figures.attention(saved / "a", PROMPT),
        "predictions": figures.predictions(saved / "a", PROMPT),
        "differences": figures.differences(saved / "a", saved / "b"),
    }


WHAT_TO_SEE = {
    "positions": "Smooth waves are what training has learned",
    "position_image": "A row is a position, a column a channel.",
    "head": "A row says from which tokens one token draws",
    "grid": "Rows look at columns. A dark first column",
    "predictions": "Read upwards: how a token (below) turns into",
    "differences": "How far B has moved from A, layer by layer",
}


def test_every_figure_says_what_to_see_and_none_is_wider_than_a_screen(saved: Path) -> None:
    for name, figure in drawn(saved).items():
        assert WHAT_TO_SEE[name] in texts(figure).replace("\n", " "), name
        width, _ = figure.get_size_inches() * figure.dpi
        assert width <= 2400, name


def test_a_notebook_shows_a_figure_without_pyplot(saved: Path) -> None:
    figure = figures.attention(saved / "a", PROMPT, layer=0, head=0)
    data, metadata = DisplayFormatter().format(figure)
    assert data["image/png"].startswith(b"\x89PNG")
    width, height = figure.get_size_inches()
    assert metadata["image/png"] == {"width": round(100 * width), "height": round(100 * height)}
    plain, _ = DisplayFormatter().format(Figure())
    assert "image/png" not in plain, "matplotlib's own figure shows itself now: InlineFigure can go"


def test_nothing_leaks_into_pyplot(saved: Path) -> None:
    code = (
        "import sys; from gpt25 import figures; figure = figures.position_image(sys.argv[1]); figure._repr_png_(); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(saved / "a")], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_positions_are_the_model_s(make_model: "MakeModel") -> None:
    model = make_model()
    figure = figures.positions(model, columns=(1, 15), names=["mine"])
    embeddings = positional_embeddings(model)
    (matrix,) = titled(figure, "Positional embeddings")
    assert np.array_equal(images(matrix), embeddings)
    (curves,) = titled(figure, "Columns as curves")
    for line, column in zip(curves.get_lines(), (1, 15), strict=True):
        assert np.array_equal(line.get_ydata(), embeddings[:, column])
        assert str(line.get_label()).startswith(f"column {column}, roughness ")
    (similarity,) = titled(figure, "Similarity of positions")
    assert similarity.get_aspect() == 1.0, "the similarity is not square"
    assert images(similarity).shape == (48, 48)
    assert texts(figure).startswith("mine: roughness ") or "\nmine: roughness " in texts(figure)
    (usual,) = titled(figures.positions(model), "Columns as curves")
    shown = [str(line.get_label()).split(",")[0] for line in usual.get_lines()]
    assert shown == ["column 4", "column 8", "column 12"]
    with pytest.raises(PlotError, match="column is 16; model has the columns 0 to 15"):
        figures.positions(model, columns=(16,))


def test_models_stand_beside_one_another_in_panels_of_one_height(make_model: "MakeModel", saved: Path) -> None:
    figure = figures.positions(make_model(seed=3), saved / "b", columns=[0])
    figure.draw_without_rendering()
    headlines = [panel.get_title(loc="left").partition(":")[0] for panel in figure.get_axes()]
    assert [name for name in headlines if name in ("model 1", "b")] == ["model 1", "b"]
    for heading in ("Columns as curves", "Similarity of positions", "Spectrum"):
        first, second = (panel.get_position() for panel in titled(figure, heading))
        assert first.height == pytest.approx(second.height, abs=1e-3)
        assert first.y0 == pytest.approx(second.y0, abs=1e-3)


def test_the_position_image_is_the_matrix(make_model: "MakeModel") -> None:
    model = make_model()
    figure = figures.position_image(model, name="mine")
    matrix, bar = figure.get_axes()
    assert np.array_equal(images(matrix), positional_embeddings(model))
    assert matrix.get_ylabel() == "position"
    assert "mine: positional embeddings" in texts(figure)
    assert bar.get_label() == "<colorbar>"


def test_one_head_has_its_tokens_and_weights(make_model: "MakeModel", byte_tokenizer: Tokenizer) -> None:
    model = make_model()
    figure = figures.attention(model, PROMPT, layer=1, head=0, tokenizer=byte_tokenizer, name="mine")
    panel, bar = figure.get_axes()
    labels = ["a", "b", "·", "a", "b"]
    assert [label.get_text() for label in panel.get_xticklabels()] == labels
    assert [label.get_text() for label in panel.get_yticklabels()] == labels
    weights = attention_weights(model, byte_tokenizer.encode(PROMPT), layers=[1], heads=[0])[0, 0]
    assert np.allclose(np.nan_to_num(images(panel)), weights)
    assert np.isnan(images(panel)[0, 1:]).all(), "the future is drawn"
    assert "mine: layer 1, head 0" in texts(figure)
    assert [label.get_text() for label in bar.get_yticklabels()] == ["0", "1 %", "5 %", "20 %", "50 %", "100 %"]
    assert bar.get_ylabel() == "weight; colours go by its square root"


def test_the_grid_of_heads_has_a_scale_and_is_in_the_middle(make_model: "MakeModel", byte_tokenizer: Tokenizer) -> None:
    figure = figures.attention(make_model(layers=3), "abcdefgh" * 6, tokenizer=byte_tokenizer)
    panel, bar = figure.get_axes()
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0", "1"]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["0", "1", "2"]
    mosaic = images(panel)
    assert not np.isnan(mosaic[-1]).all(), "a gap behind the last tile pushes the grid off its centre"
    assert not np.isnan(mosaic[:, 0]).all()
    for heads, side in ((panel.get_xticks(), mosaic.shape[1]), (panel.get_yticks(), mosaic.shape[0])):
        assert heads[0] == pytest.approx(side - 1 - heads[-1]), "the labels are not in the middle of their tiles"
    assert bar.get_ylabel() == "weight; colours go by its square root"
    figure.draw_without_rendering()
    box, whole = panel.get_window_extent(), figure.bbox
    left, right = box.x0, whole.width - box.x1
    assert left < 0.2 * whole.width
    assert right < 0.3 * whole.width


def test_the_lens_says_tokens_and_probabilities(make_model: "MakeModel", byte_tokenizer: Tokenizer) -> None:
    model = make_model()
    figure = figures.predictions(model, PROMPT, tokenizer=byte_tokenizer)
    panel = figure.get_axes()[0]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["embeddings", "layer 0", "layer 1"]
    found = layer_predictions(model, byte_tokenizer.encode(PROMPT), choices=1)
    assert np.allclose(images(panel), found.probabilities[:, :, 0])
    written = [text.get_text() for text in panel.texts]
    assert len([text for text in written if re.fullmatch(r"[\d.]+ %", text)]) == found.token_ids[:, :, 0].size


def test_differences_tell_the_two_models_apart(saved: Path) -> None:
    figure = figures.differences(saved / "a", saved / "b")
    assert "A: a    B: b" in texts(figure)
    for heading in ("Relative change", "Direction", "Norm"):
        assert len(titled(figure, heading)) == 1
    (spectrum,) = titled(figure, "attention: query key value")
    lines = {str(line.get_label()): line for line in spectrum.get_lines()}
    assert set(lines) == {"A, median of layers", "B, median of layers"}
    assert lines["A, median of layers"].get_color() != lines["B, median of layers"].get_color()
    assert lines["A, median of layers"].get_linestyle() == "--"
    assert lines["B, median of layers"].get_linestyle() == "-"
    ratios = [panel for panel in figure.get_axes() if panel.get_xlabel() == "singular value, largest first"]
    assert len(ratios) == 4
    for panel in ratios:
        low, high = panel.get_ylim()
        assert low < 1 < high
        colours = {line.get_color() for line in panel.get_lines()[:2]}
        assert len(colours) == 2, "the layers have one colour"
    (direction,) = titled(figure, "Direction")
    assert all(60 < value < 120 for line in direction.get_lines() for value in line.get_ydata())


def test_equal_models_do_not_move(saved: Path) -> None:
    figure = figures.differences(saved / "a", saved / "a", names=("first", "second"))
    assert "A: first    B: second" in texts(figure)
    for heading in ("Relative change", "Direction"):
        (panel,) = titled(figure, heading)
        assert np.allclose(next(line.get_ydata() for line in panel.get_lines()), 0, atol=1e-4)


def test_given_axes_are_drawn_on(make_model: "MakeModel", byte_tokenizer: Tokenizer) -> None:
    own, model = Figure(), make_model()
    room, other = own.subplots(1, 2)
    assert figures.position_image(model, axes=room) is own
    assert room.get_title(loc="left") == "model: positional embeddings"
    assert "A row is a position" in room.texts[0].get_text().replace("\n", " ")
    assert not other.get_images()
    inner = Figure().subfigures(1, 2)[0]
    figure = figures.attention(model, PROMPT, layer=0, head=1, tokenizer=byte_tokenizer, axes=inner.subplots())
    assert isinstance(figure, Figure)
    assert figures.predictions(model, PROMPT, tokenizer=byte_tokenizer, axes=Figure().subplots()).get_axes()[0].texts
    four = Figure().subplots(2, 2)
    figures.positions(model, columns=(0,), axes=four.ravel())
    assert [panel.get_title(loc="left") for panel in four.flat] == [
        "Positional embeddings", "Columns as curves", "Similarity of positions", "Spectrum",
    ]  # fmt: skip
    alone = Figure().subplots()
    figures.positions(model, columns=(0, 2), axes=alone)
    assert len(alone.get_lines()) == 2
    three = Figure().subplots(1, 3)
    figures.differences(model, make_model(seed=2), axes=list(three))
    assert [panel.get_title(loc="left") for panel in three] == ["Relative change", "Direction", "Norm"]


@pytest.mark.parametrize(
    ("number", "message"),
    [(2, "2 axes were given; this picture is drawn on 1"), (0, "0 axes were given")],
)
def test_other_axes_are_refused(make_model: "MakeModel", number: int, message: str) -> None:
    axes = list(Figure().subplots(1, 3))[:number]
    with pytest.raises(PlotError, match=message):
        figures.position_image(make_model(), axes=axes)
    with pytest.raises(PlotError, match="axes holds a ndarray; give matplotlib Axes, or a flat list of them"):
        figures.positions(make_model(), axes=Figure().subplots(2, 2))
    with pytest.raises(PlotError, match="2 models were given; axes are drawn on for one"):
        figures.positions(make_model(), make_model(), axes=Figure().subplots())
    with pytest.raises(PlotError, match="there is no model to draw; give at least one"):
        figures.positions()


def test_a_model_in_memory_needs_its_tokenizer_for_a_text(make_model: "MakeModel") -> None:
    with pytest.raises(InspectionError, match=r"no tokenizer, so it cannot read a prompt; give one with tokenizer="):
        figures.attention(make_model(), PROMPT)
    figure = figures.attention(make_model(), [97, 98], layer=0, head=0)
    assert [label.get_text() for label in figure.get_axes()[0].get_xticklabels()] == ["#97", "#98"]
    assert "#97" in texts(figures.predictions(make_model(), [97, 98]))
    of_gpt2 = make_model(vocabulary_size=50_257)
    figure = figures.attention(of_gpt2, "Hello there", layer=0, head=0)
    assert [label.get_text() for label in figure.get_axes()[0].get_xticklabels()] == ["Hello", "·there"]


def test_the_commands_draw_the_same_figures(saved: Path, tmp_path: Path) -> None:
    a, b = str(saved / "a"), str(saved / "b")
    one_head: list[Any] = ["attention", a, "--prompt", PROMPT, "--layer", "1", "--head", "0"]
    commands = {
        "positions": ["positions", a],
        "head": one_head,
        "predictions": ["predictions", a, "--prompt", PROMPT],
        "differences": ["differences", a, b],
    }
    figures_of = drawn(saved)
    for name, words in commands.items():
        output = tmp_path / f"{name}.svg"
        assert main(["plot", *words, "--output", str(output)]) == 0
        assert output.read_bytes() == figure_bytes(figures_of[name], "svg"), name
