"""The pages of `gpt25 plot` as people see them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt25.plots import (
    AttentionOfText,
    CheckpointLines,
    HeatMap,
    HeatMaps,
    InsideOfText,
    Operation,
    PartsOfLogit,
    PositionsOfModel,
    PredictionsOfText,
    draw_attention,
    draw_checkpoint_lines,
    draw_heat_maps,
    draw_inside,
    draw_positions,
    draw_predictions,
)

WIDTHS = (390, 1280)
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


def attention(layers: int, heads: int, time: int = 6) -> AttentionOfText:
    weights = np.tril(np.ones((layers, heads, time, time), dtype=np.float32))
    weights /= weights.sum(axis=-1, keepdims=True)
    return AttentionOfText("m", ["·word"] * time, list(range(layers)), list(range(heads)), weights)


@pytest.mark.parametrize("width", WIDTHS)
def test_one_head_fills_its_page_and_offers_no_choice(open_page: Any, tmp_path: Path, width: int) -> None:
    draw_attention(attention(1, 1), tmp_path / "a.html")
    with open_page((tmp_path / "a.html").as_uri(), width=width, height=900) as page:
        page.wait_for_function("document.querySelector('.matrix canvas').getBoundingClientRect().width > 0")
        assert page.evaluate(FITS)
        assert not page.evaluate("document.querySelector('.controls').checkVisibility()")
        assert not page.evaluate("document.querySelector('.heads').checkVisibility()")
        side = page.evaluate("document.querySelector('.matrix canvas').getBoundingClientRect().width")
        assert side >= (300 if width > 1000 else 200)
        if width > 1000:  # text and matrix beside one another, the whole of it on the first screen
            text, matrix = (
                page.evaluate(f"(() => {{ const box = document.querySelector('{name}').getBoundingClientRect();"
                            " return [box.left, box.right, box.top, box.bottom]; })()")
                for name in (".tokens", ".matrix")
            )  # fmt: skip
            assert text[1] < matrix[0]
            assert matrix[3] < 900
        steps = page.evaluate("[...document.querySelectorAll('.scale span')].map((step) => step.textContent).join()")
        assert steps == "0 %,1 %,5 %,20 %,50 %,100 %"
        assert "square root" in page.evaluate("document.querySelector('.looking').textContent")


def test_several_heads_can_be_chosen_among(open_page: Any, tmp_path: Path) -> None:
    draw_attention(attention(2, 3), tmp_path / "a.html")
    with open_page((tmp_path / "a.html").as_uri(), width=1280, height=900) as page:
        assert page.evaluate("document.querySelector('.controls').checkVisibility()")
        assert page.evaluate("document.querySelectorAll('.heads button').length") == 3


def test_the_lens_shows_probabilities_without_a_pointer(open_page: Any, tmp_path: Path) -> None:
    cell = [("·the", 0.5), ("·a", 0.25)]
    draw_predictions(PredictionsOfText("m", ["a", "b"], [[cell] * 2] * 3), tmp_path / "a.html")
    with open_page((tmp_path / "a.html").as_uri(), width=1280, height=900) as page:
        shown = page.evaluate("[...document.querySelectorAll('.lens td')].map((cell) => cell.innerText).join('|')")
        assert shown.replace("\n", " ") == "|".join(["·the 50 %"] * 6)


@pytest.mark.parametrize("width", WIDTHS)
def test_models_of_other_sizes_have_panels_of_one_height_and_a_square(
    open_page: Any, tmp_path: Path, width: int
) -> None:
    models = [
        PositionsOfModel(
            name=f"model of {positions}",
            embeddings=np.random.default_rng(1).normal(size=(positions, 12)).astype(np.float32),
            similarity=np.eye(positions, dtype=np.float32),
            spectrum=np.full((positions // 2 + 1, 12), 0.1, dtype=np.float32),
            roughness=np.full(12, 0.9),
            overall_roughness=0.9,
        )
        for positions in (16, 700)
    ]
    draw_positions(models, tmp_path / "a.html", columns=[1], verdict="")
    with open_page((tmp_path / "a.html").as_uri(), width=width, height=900) as page:
        assert page.evaluate(FITS)
        sizes = page.evaluate(
            "[...document.querySelectorAll('section')].map((section) => [...section.querySelectorAll('canvas')]"
            ".map((canvas) => [canvas.getBoundingClientRect().width, canvas.getBoundingClientRect().height]))"
        )
        (matrix, similarity), (other_matrix, other_similarity) = sizes
        assert matrix == other_matrix
        assert similarity == other_similarity
        assert similarity[0] == pytest.approx(similarity[1], abs=2)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["signed", "share", "amount", "size"])
def test_maps_fit_and_say_their_figures(open_page: Any, tmp_path: Path, width: int, kind: Any) -> None:
    values = np.arange(12.0).reshape(2, 6) / 11
    maps = [HeatMap("Heads", values, ["0", "1"], list("012345")), HeatMap("Long", values, ["0", "1"], ["·word"] * 6)]
    draw_heat_maps(HeatMaps("m", "What to see.", maps, "a unit", kind), tmp_path / "a.html")
    with open_page((tmp_path / "a.html").as_uri(), width=width, height=900) as page:
        assert page.evaluate(FITS)
        cells = page.evaluate("[...document.querySelectorAll('.heat')][0].querySelectorAll('td').length")
        assert cells == 12
        first = page.evaluate("document.querySelector('.heat tbody tr:last-child td:nth-of-type(2)').textContent")
        assert first == "0.09", "row 0 is not at the bottom"
        grounds = page.evaluate(
            "new Set([...document.querySelectorAll('.heat td')].map((cell) => getComputedStyle(cell).backgroundColor))"
            ".size"
        )
        assert grounds > 6, "the cells have one colour"


@pytest.mark.parametrize("width", WIDTHS)
def test_lines_over_a_run_fit(open_page: Any, tmp_path: Path, width: int) -> None:
    values = {f"head {n}": [0.1 * n, 0.2 * n, 0.4 * n] for n in range(12)}
    draw_checkpoint_lines(CheckpointLines("r", "What to see.", [5, 10, 15], values, "share"), tmp_path / "a.html")
    with open_page((tmp_path / "a.html").as_uri(), width=width, height=900) as page:
        assert page.evaluate(FITS)
        assert page.evaluate("document.querySelectorAll('polyline').length") == 8
        assert "8 of 12" in page.evaluate("document.querySelector('#picture').textContent")


def inside(layers: int = 2, heads: int = 3, time: int = 5) -> InsideOfText:
    chance = np.random.default_rng(5)
    vectors = chance.normal(size=(time, 12)).astype(np.float32)
    block = [
        Operation(title, "What it does.", (time, 12), layer, vectors, np.linalg.norm(vectors, axis=1))
        for layer in range(layers)
        for title in ("Layer norm 1", "Projection")
    ]
    weights = np.tril(np.ones((layers, heads, time, time), dtype=np.float32))
    part = PartsOfLogit(
        "·the",
        3.0,
        chance.normal(size=(layers, heads)),
        chance.normal(size=(layers, 2)),
        {"token": 1.0, "position": 0.5},
    )
    return InsideOfText(
        name="m",
        facts={"layers": str(layers)},
        tokens=[f"·t{place}" for place in range(time)],
        token_ids=list(range(time)),
        operations=[Operation("Tokens", "Ids.", (time,)), *block, Operation("Head", "Logits.", (time, 50))],
        attention=weights / weights.sum(axis=-1, keepdims=True),
        candidates=[[[("·the", 0.5), ("·a", 0.25)]] * time] * (layers + 1),
        parts=[part] * time,
        stream=chance.random((layers + 1, time)),
        added={"attention": chance.random((layers, time)), "perceptron": chance.random((layers, time))},
    )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_inside_of_a_model_fits_and_follows_the_reader(
    open_page: Any, tmp_path: Path, width: int, dark: bool
) -> None:
    draw_inside(inside(), tmp_path / "a.html")
    with open_page((tmp_path / "a.html").as_uri(), width=width, height=900, dark=dark) as page:
        assert page.evaluate(FITS)
        shown = "[...document.querySelectorAll('.steps b')].map((step) => step.textContent).join()"
        assert page.evaluate(shown) == "Tokens,0 · Layer norm 1,0 · Projection,Head"
        strip = "document.querySelector('.strip').toDataURL()"
        before = page.evaluate(strip)
        page.evaluate("document.querySelectorAll('.chooser button')[1].click()")
        assert page.evaluate(strip) != before, "the numbers do not follow the token"
        assert "·t1" in page.evaluate("document.querySelector('.outcome').textContent")
        page.evaluate("document.querySelector('.folded button').click()")
        assert page.evaluate(shown) == "Tokens,1 · Layer norm 1,1 · Projection,Head"
        page.evaluate("document.querySelector('.heat td.choice').click()")  # the uppermost row is the last layer
        chosen = "[...document.querySelectorAll('select')].map((choice) => choice.value).join()"
        assert page.evaluate(chosen) == "1,1,0"
        page.evaluate("document.querySelectorAll('.heads button')[2].click()")
        assert page.evaluate(chosen) == "1,1,2"
        assert page.evaluate("document.querySelectorAll('.says tr').length") == 3
        assert page.evaluate(FITS)
