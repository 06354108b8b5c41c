"""The report as people see it, on a desk and on a phone, light and dark. PICTURES=FOLDER keeps what was seen."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from matplotlib.image import imread

from gpt25.plots import ReportSettings, write_report
from gpt25.records import RunDirectory

if TYPE_CHECKING:
    from conftest import MakeRun

PHONE, DESK = (390, 2600), (1000, 2600)
TRUE_OF_THE_SIZE = "document.documentElement.scrollWidth <= window.innerWidth"


@pytest.fixture
def report(make_run: "MakeRun", tmp_path: Path) -> Path:
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
def test_the_page_is_painted(open_page: Any, report: Path, size: tuple[int, int], dark: bool) -> None:
    width, height = size
    picture = Path(os.environ.get("PICTURES", report.parent)) / f"report-{width}-{'dark' if dark else 'light'}.png"
    with open_page(report.as_uri(), width=width, height=height, dark=dark) as page:
        assert page.evaluate("window.innerWidth") == width
        assert page.evaluate(TRUE_OF_THE_SIZE)  # what is wider scrolls inside its own box
        page.screenshot(path=picture)
        charts = page.evaluate("[...document.querySelectorAll('svg')].filter(svg => svg.clientWidth > 0).length")
    assert charts == 7  # losses by tokens, time and money, HellaSwag, rate, gradient norm, speed: of one width each
    pixels = imread(picture)[..., :3]  # (height, width, colours)
    assert pixels.shape[1] == width
    paper = pixels[5, 5].mean()
    assert paper < 0.2 if dark else paper > 0.95
    blue = (pixels[..., 2] - pixels[..., 0] > 0.35).sum()  # the first run's line
    orange = (pixels[..., 0] - pixels[..., 2] > 0.35).sum()  # the second's
    assert min(blue, orange) > 200


def test_no_letter_of_a_chart_leaves_it(open_page: Any, report: Path) -> None:
    outside = """[...document.querySelectorAll('svg text')].filter(letter => {
        const box = letter.getBoundingClientRect(), frame = letter.ownerSVGElement.getBoundingClientRect();
        return box.width > 0 && (box.left < frame.left - 1 || box.right > frame.right + 1);
    }).map(letter => letter.textContent)"""
    for width, height in (PHONE, DESK):
        with open_page(report.as_uri(), width=width, height=height) as page:
            assert page.evaluate(outside) == []


def test_the_browser_reads_the_graphs_and_the_words(open_page: Any, report: Path) -> None:
    with open_page(report.as_uri(), width=1000, height=800) as page:
        assert "crosses GPT-2 124M (3.42496)" in page.evaluate("document.body.innerText")
        assert page.evaluate("document.querySelectorAll('polyline').length") >= 12


def test_scores_need_no_scrolling_on_a_phone(open_page: Any, report: Path) -> None:
    table = "document.querySelector('table.scores')"
    with open_page(report.as_uri(), width=390, height=800) as page:
        assert page.evaluate(f"{table}.scrollWidth <= {table}.parentElement.clientWidth")
        assert "0.2945" in page.evaluate(f"{table}.innerText")


def wait_until(page: Any, code: str) -> None:
    """Return when an expression has become true; playwright's own way is to evaluate words, which the page forbids."""
    limit = time.monotonic() + 20
    while not page.evaluate(code):
        assert time.monotonic() < limit, f"{code} did not come true"
        page.wait_for_timeout(50)


def live(run: RunDirectory, page: Path, seconds: float | None = 0.2) -> None:
    write_report(run, page, settings=ReportSettings(reload_seconds=seconds))


@pytest.mark.parametrize("size", [(390, 700), (1000, 700)])
def test_a_live_page_shows_what_is_new_and_stays_where_the_reader_is(
    open_page: Any, make_run: "MakeRun", tmp_path: Path, size: tuple[int, int]
) -> None:
    file, run = tmp_path / "live.html", make_run("live")
    summary = run.summary_path.read_text()
    run.summary_path.unlink()
    live(run, file)
    with open_page(file.as_uri(), width=size[0], height=size[1]) as page:
        wait_until(page, "document.documentElement.dataset.live === 'yes'")
        page.evaluate("window.untouched = true; document.querySelector('details').open = false; scrollTo(0, 900)")
        version = page.evaluate("document.documentElement.dataset.version")
        graph = "document.querySelector('svg')"
        page.evaluate(f"window.graph = {graph}; true")
        live(run, file)  # written anew, and nothing in it is new
        page.wait_for_timeout(1500)
        assert page.evaluate(f"window.graph === {graph}")
        row = {"update": 601, "tokens": 601 * 16_384, "training_loss": 2.2, "elapsed_seconds": 583.0}
        run.append_metrics({**row, "validation_loss": 1.2345})
        live(run, file)
        wait_until(page, f"document.documentElement.dataset.version !== '{version}'")
        assert "last 1.234" in page.evaluate("document.body.innerText")
        assert page.evaluate("window.untouched")  # the page itself was not loaded again
        assert page.evaluate("scrollY") == 900
        assert not page.evaluate("document.querySelector('details').open")
        run.summary_path.write_text(summary)
        live(run, file, seconds=None)  # the end: a page at rest
        wait_until(page, "!window.untouched && document.readyState === 'complete' && !document.querySelector('script')")
        assert "Still in training" not in page.evaluate("document.body.innerText")
