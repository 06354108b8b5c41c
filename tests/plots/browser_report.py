"""The report in a real browser: `make test-browser`, which fails where there is no Chromium.

Out of the suite for its needs: Debian's package chromium, or CHROMIUM=/path/to/it. The suite itself checks structure
and policy of the page.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from matplotlib.image import imread

from gpt25.plots import ReportSettings, write_report
from gpt25.records import RunDirectory

sys.path.insert(0, str(Path(__file__).parent))
from headless_browser import Browser, open_browser

sys.path.pop(0)

if TYPE_CHECKING:
    from conftest import MakeRun

PHONE, DESK = (390, 2600), (1000, 2600)
TRUE_OF_THE_SIZE = "document.documentElement.scrollWidth <= window.innerWidth"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(make_run: "MakeRun", tmp_path: Path) -> Path:
    runs = [make_run("muon", final_loss=3.1), make_run("adamw", final_loss=3.3)]
    for run in runs:
        run.recipe_path.write_text(f'[model]\nvocabulary_size = 50257\n[optimizer]\nname = "{run.path.name}"\n')
        evaluation = {"task": "hellaswag", "update": 600, "limit": None, "metrics": {"accuracy_norm": 0.31}}
        definitions = {"accuracy_norm": "the likeliest continuation is the right one; log-likelihood per token"}
        run.write_evaluation({**evaluation, "standard_errors": {"accuracy_norm": 0.0046}, "definitions": definitions})
    elsewhere = {"task": "hellaswag", "model": "/a/path/to/another-model", "metrics": {"accuracy_norm": 0.3}}
    settings = ReportSettings(data_set="fineweb", price_per_hour=24.0, evaluations=[elsewhere])
    write_report(runs, tmp_path / "report.html", settings=settings)
    return tmp_path / "report.html"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_page_is_painted(browser: Browser, page: Path, size: tuple[int, int], dark: bool) -> None:
    width, height = size
    browser.complaints.clear()
    browser.look_at(page, width=width, height=height, dark=dark)
    assert browser.run("window.innerWidth") == width
    assert browser.run(TRUE_OF_THE_SIZE)  # what is wider scrolls inside its own box
    picture = Path(os.environ.get("PICTURES", page.parent)) / f"report-{width}-{'dark' if dark else 'light'}.png"
    browser.picture(picture)
    pixels = imread(picture)[..., :3]  # (height, width, colours)
    assert pixels.shape[1] == width
    paper = pixels[5, 5].mean()
    assert paper < 0.2 if dark else paper > 0.95
    blue = (pixels[..., 2] - pixels[..., 0] > 0.35).sum()  # the first run's line
    orange = (pixels[..., 0] - pixels[..., 2] > 0.35).sum()  # the second's
    assert min(blue, orange) > 200
    charts = browser.run("[...document.querySelectorAll('svg')].filter(svg => svg.clientWidth > 0).length")
    assert charts == 7  # losses by tokens, time and money, HellaSwag, rate, gradient norm, speed: of one width each
    assert browser.complaints == []


def test_no_letter_of_a_chart_leaves_it(browser: Browser, page: Path) -> None:
    outside = """[...document.querySelectorAll('svg text')].filter(letter => {
        const box = letter.getBoundingClientRect(), frame = letter.ownerSVGElement.getBoundingClientRect();
        return box.width > 0 && (box.left < frame.left - 1 || box.right > frame.right + 1);
    }).map(letter => letter.textContent)"""
    for width, height in (PHONE, DESK):
        browser.look_at(page, width=width, height=height)
        assert browser.run(outside) == []


def test_the_browser_reads_the_graphs_and_the_words(browser: Browser, page: Path) -> None:
    browser.look_at(page, width=1000, height=800)
    assert "crosses GPT-2 124M (3.42496)" in browser.run("document.body.innerText")
    assert browser.run("document.querySelectorAll('polyline').length") >= 12


def test_scores_need_no_scrolling_on_a_phone(browser: Browser, page: Path) -> None:
    browser.look_at(page, width=390, height=800)
    table = "document.querySelector('table.scores')"
    assert browser.run(f"{table}.scrollWidth <= {table}.parentElement.clientWidth")
    assert "0.2945" in browser.run(f"{table}.innerText")


def live(run: RunDirectory, page: Path, seconds: float | None = 0.2) -> None:
    write_report(run, page, settings=ReportSettings(reload_seconds=seconds))


@pytest.mark.parametrize("size", [(390, 700), (1000, 700)])
def test_a_live_page_shows_what_is_new_and_stays_where_the_reader_is(
    browser: Browser, make_run: "MakeRun", tmp_path: Path, size: tuple[int, int]
) -> None:
    page, run = tmp_path / "live.html", make_run("live")
    summary = run.summary_path.read_text()
    run.summary_path.unlink()
    live(run, page)
    browser.complaints.clear()
    browser.look_at(page, width=size[0], height=size[1])
    browser.wait_until("document.documentElement.dataset.live === 'yes'")
    browser.run("window.untouched = true; document.querySelector('details').open = false; scrollTo(0, 900)")
    version = browser.run("document.documentElement.dataset.version")
    graph = "document.querySelector('svg')"
    browser.run(f"window.graph = {graph}")
    live(run, page)  # written anew, and nothing in it is new
    time.sleep(1.5)
    assert browser.run(f"window.graph === {graph}")
    row = {"update": 601, "tokens": 601 * 16_384, "training_loss": 2.2, "elapsed_seconds": 583.0}
    run.append_metrics({**row, "validation_loss": 1.2345})
    live(run, page)
    browser.wait_until(f"document.documentElement.dataset.version !== '{version}'")
    assert "last 1.234" in browser.run("document.body.innerText")
    assert browser.run("window.untouched")  # the page itself was not loaded again
    assert browser.run("scrollY") == 900
    assert not browser.run("document.querySelector('details').open")
    run.summary_path.write_text(summary)
    live(run, page, seconds=None)  # the end: a page at rest
    browser.wait_until("!window.untouched && document.readyState === 'complete' && !document.querySelector('script')")
    assert "Still in training" not in browser.run("document.body.innerText")
    assert browser.complaints == []
