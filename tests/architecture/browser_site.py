"""The site as people see it: every page in Chromium, wide and on a phone, light and dark. Run by `make test-browser`.

PICTURES=FOLDER keeps what was seen.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SIZES = [(1280, 900), (390, 844)]
NOT_PAGES = {"genindex.html", "search.html"}


def headless_browser(root: Path) -> ModuleType:
    path = root / "tests" / "plots" / "headless_browser.py"
    specification = importlib.util.spec_from_file_location("headless_browser", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    words = ["-q", "-W", "-b", "html", "-c", "docs/site", "-d", str(target / "read"), ".", str(target / "html")]
    subprocess.run([sys.executable, "-m", "sphinx", *words], cwd=root, check=True)
    return target / "html"


@pytest.fixture(scope="module")
def browser(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with headless_browser(root).open_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_every_page_fits_and_is_whole(site: Path, browser: Any, size: tuple[int, int], dark: bool) -> None:
    width, height = size
    pages = [page for page in sorted(site.rglob("*.html")) if page.name not in NOT_PAGES and page.parent != site]
    assert len(pages) > 30
    wrong = []
    for page in pages:
        name = page.relative_to(site).with_suffix("").as_posix()
        browser.complaints.clear()
        browser.look_at(page, width=width, height=height, dark=dark)
        beyond = browser.run("document.documentElement.scrollWidth - innerWidth")
        missing = browser.run("[...document.images].filter(each => each.complete && !each.naturalWidth).length")
        paper = browser.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
        is_dark = sum(paper) < 3 * 128
        if beyond > 0 or missing or browser.complaints or is_dark != dark:
            wrong.append((name, beyond, missing, browser.complaints[:1], paper))
        if folder := os.environ.get("PICTURES"):
            browser.picture(Path(folder) / f"{name.replace('/', '-')}-{width}-{'dark' if dark else 'light'}.png")
    assert wrong == []
