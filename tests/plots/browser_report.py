"""The report in a real browser: `make test-browser`, which fails where there is no Chromium.

Out of the suite for its needs: Debian's packages chromium, or CHROMIUM=/path/to/it. The suite itself checks structure
and policy of the page.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from matplotlib.image import imread

from gpt25.plots import ReportSettings, write_report

if TYPE_CHECKING:
    from conftest import MakeRun

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
PHONE, DESK = (390, 2600), (1000, 2600)


@pytest.fixture
def page(make_run: "MakeRun", tmp_path: Path) -> Path:
    runs = [make_run("muon", final_loss=3.1), make_run("adamw", final_loss=3.3)]
    for run in runs:
        run.recipe_path.write_text(f'[model]\nvocabulary_size = 50257\n[optimizer]\nname = "{run.path.name}"\n')
    settings = ReportSettings(data_set="fineweb", price_per_hour=24.0)
    write_report(runs, tmp_path / "report.html", settings=settings)
    return tmp_path / "report.html"


def browse(page: Path, *words: str) -> str:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "no Chromium: install Debian's package chromium, or name one with CHROMIUM=/path/to/it"
    command = [chromium, *FLAGS, f"--user-data-dir={page.parent / 'profile'}", *words, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert "Refused to" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_the_page_is_painted(page: Path, size: tuple[int, int], dark: bool) -> None:
    picture = page.with_suffix(".png")
    words = ["--blink-settings=preferredColorScheme=0"] if dark else []
    browse(page, f"--screenshot={picture}", f"--window-size={size[0]},{size[1]}", "--enable-logging=stderr", *words)
    pixels = imread(picture)[..., :3]  # (height, width, colours)
    paper = pixels[5, 5].mean()
    assert paper < 0.2 if dark else paper > 0.95
    blue = (pixels[..., 2] - pixels[..., 0] > 0.35).sum()  # the first run's line
    orange = (pixels[..., 0] - pixels[..., 2] > 0.35).sum()  # the second's
    assert min(blue, orange) > 200


def test_the_browser_reads_the_graphs_and_the_words(page: Path) -> None:
    shown = browse(page, "--dump-dom")
    assert "crosses GPT-2 124M (3.42496)" in shown
    assert len(re.findall(r"<polyline", shown)) >= 12


def test_a_page_that_follows_may_run_its_script(make_run: "MakeRun", tmp_path: Path) -> None:
    page = tmp_path / "live.html"
    write_report(make_run("live"), page, settings=ReportSettings(reload_seconds=60))
    assert 'data-live="yes"' in browse(page, "--dump-dom")  # set by the script that the policy allows by its hash
