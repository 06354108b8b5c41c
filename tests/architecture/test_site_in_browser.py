"""The site as people see it: every page, wide and on a phone, light and dark. PICTURES=FOLDER keeps what was seen."""

import os
from pathlib import Path
from typing import Any

import pytest

SIZES = [(1280, 900), (390, 844)]
NOT_PAGES = {"genindex.html", "search.html"}
_PAPER = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_every_page_fits_and_is_whole(site: Path, open_page: Any, size: tuple[int, int]) -> None:
    files = [file for file in sorted(site.rglob("*.html")) if file.name not in NOT_PAGES and file.parent != site]
    assert len(files) > 30
    wrong = []
    with open_page(files[0].as_uri(), width=size[0], height=size[1]) as page:
        for file in files:
            name = file.relative_to(site).with_suffix("").as_posix()
            page.goto(file.as_uri())
            missing = page.evaluate("[...document.images].filter(each => each.complete && !each.naturalWidth).length")
            for shade in ("light", "dark"):
                page.emulate_media(color_scheme=shade)
                beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                paper = page.evaluate(_PAPER)
                if beyond > 0 or missing or (sum(paper) < 3 * 128) != (shade == "dark"):
                    wrong.append((name, shade, beyond, missing, paper))
                if folder := os.environ.get("PICTURES"):
                    page.screenshot(path=Path(folder) / f"{name.replace('/', '-')}-{size[0]}-{shade}.png")
    assert wrong == []
