"""A page in headless Chromium, with everything noted that it complains of or asks of other servers."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

FLAGS = ["--disable-gpu", "--disable-quic", "--no-sandbox", "--disable-background-networking"]
_PATIENCE_MILLISECONDS = 20_000
_HOW = "make test-browser, after: apt install chromium"


def missing_part() -> str | None:
    """What a browser test lacks here, in words; None where nothing does."""
    try:
        import playwright  # noqa: F401
    except ModuleNotFoundError:
        return f"playwright is not installed (pip install playwright); then {_HOW}"
    if not chromium():
        return f"there is no Chromium here, nor CHROMIUM=/path/to/it; {_HOW}"
    return None


def chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by playwright: skipped where one is missing, but not under `make test-browser`."""
    missing = missing_part()
    if missing is not None:
        assert os.environ.get("BROWSER_TESTS") != "required", missing
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def open_page(browser: Any) -> Callable[..., AbstractContextManager[Any]]:
    """Open a page of a server: `with open_page(url, width=390, dark=True) as page`; at its end nothing may be amiss.

    `allowed`: words of complaints that a test provokes.
    """

    @contextmanager
    def opened(
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        allowed: tuple[str, ...] = (),
        **more: Any,
    ) -> Iterator[Any]:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", **more
        )
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MILLISECONDS)
        complaints, elsewhere = [], []
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.on("request", lambda request: None if request.url.startswith(url) else elsewhere.append(request.url))
        page.goto(url)
        yield page
        context.close()
        assert [each for each in complaints if not any(words in each for words in allowed)] == []
        assert elsewhere == []

    return opened
