"""The pages of `gpt25 plot` in a real browser: `make test-browser`, which fails where there is no Chromium."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gpt25.plots import (
    AttentionOfText,
    PositionsOfModel,
    PredictionsOfText,
    draw_attention,
    draw_positions,
    draw_predictions,
)

sys.path.insert(0, str(Path(__file__).parent))
from headless_browser import Browser, open_browser

sys.path.pop(0)

WIDTHS = (390, 1280)
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def attention(layers: int, heads: int, time: int = 6) -> AttentionOfText:
    weights = np.tril(np.ones((layers, heads, time, time), dtype=np.float32))
    weights /= weights.sum(axis=-1, keepdims=True)
    return AttentionOfText("m", ["·word"] * time, list(range(layers)), list(range(heads)), weights)


@pytest.mark.parametrize("width", WIDTHS)
def test_one_head_fills_its_page_and_offers_no_choice(browser: Browser, tmp_path: Path, width: int) -> None:
    draw_attention(attention(1, 1), tmp_path / "a.html")
    browser.look_at(tmp_path / "a.html", width=width, height=900)
    browser.wait_until("document.querySelector('.matrix canvas').getBoundingClientRect().width > 0")
    assert browser.run(FITS)
    assert not browser.run("document.querySelector('.controls').checkVisibility()")
    assert not browser.run("document.querySelector('.heads').checkVisibility()")
    side = browser.run("document.querySelector('.matrix canvas').getBoundingClientRect().width")
    assert side >= (300 if width > 1000 else 200)
    if width > 1000:  # text and matrix beside one another, the whole of it on the first screen
        text, matrix = (
            browser.run(f"(() => {{ const box = document.querySelector('{name}').getBoundingClientRect();"
                        " return [box.left, box.right, box.top, box.bottom]; })()")
            for name in (".tokens", ".matrix")
        )  # fmt: skip
        assert text[1] < matrix[0]
        assert matrix[3] < 900
    steps = browser.run("[...document.querySelectorAll('.scale span')].map((step) => step.textContent).join()")
    assert steps == "0 %,1 %,5 %,20 %,50 %,100 %"
    assert "square root" in browser.run("document.querySelector('.looking').textContent")


def test_several_heads_can_be_chosen_among(browser: Browser, tmp_path: Path) -> None:
    draw_attention(attention(2, 3), tmp_path / "a.html")
    browser.look_at(tmp_path / "a.html", width=1280, height=900)
    assert browser.run("document.querySelector('.controls').checkVisibility()")
    assert browser.run("document.querySelectorAll('.heads button').length") == 3


def test_the_lens_shows_probabilities_without_a_pointer(browser: Browser, tmp_path: Path) -> None:
    cell = [("·the", 0.5), ("·a", 0.25)]
    draw_predictions(PredictionsOfText("m", ["a", "b"], [[cell] * 2] * 3), tmp_path / "a.html")
    browser.look_at(tmp_path / "a.html", width=1280, height=900)
    shown = browser.run("[...document.querySelectorAll('.lens td')].map((cell) => cell.innerText).join('|')")
    assert shown.replace("\n", " ") == "|".join(["·the 50 %"] * 6)


@pytest.mark.parametrize("width", WIDTHS)
def test_models_of_other_sizes_have_panels_of_one_height_and_a_square(
    browser: Browser, tmp_path: Path, width: int
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
    browser.look_at(tmp_path / "a.html", width=width, height=900)
    assert browser.run(FITS)
    sizes = browser.run(
        "[...document.querySelectorAll('section')].map((section) => [...section.querySelectorAll('canvas')]"
        ".map((canvas) => [canvas.getBoundingClientRect().width, canvas.getBoundingClientRect().height]))"
    )
    (matrix, similarity), (other_matrix, other_similarity) = sizes
    assert matrix == other_matrix
    assert similarity == other_similarity
    assert similarity[0] == pytest.approx(similarity[1], abs=2)
