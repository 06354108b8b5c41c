"""Pages in headless Chromium, driven by playwright, with everything noted that they complain of or ask of others.

The one home of the rule when such tests run: where Chromium or playwright is missing they are skipped with the reason
and the command, and with BROWSER_TESTS=required they fail with them.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

FLAGS = ["--disable-gpu", "--disable-quic", "--no-sandbox", "--disable-background-networking"]
_PATIENCE_MILLISECONDS = 20_000
_WIDEST_PHONE = 600
_NOWHERE = ("data:", "blob:")


def missing_part() -> str | None:
    """What a browser test lacks here, in words; None where nothing does."""
    try:
        import playwright  # noqa: F401
    except ModuleNotFoundError:
        return "playwright is not installed here; make test installs it"
    if chromium() is None:
        return "there is no Chromium here: apt install chromium, or CHROMIUM=/path/to/it; then make test-browser"
    return None


def chromium() -> str | None:
    """The program, which Debian's package puts on the path."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for the tests of a module: while playwright is open, its thread can run no event loop of asyncio."""
    missing = missing_part()
    if missing is not None and os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(f"BROWSER_TESTS=required, and {missing}", pytrace=False)
    if missing is not None:
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def open_page(browser: Any) -> Callable[..., AbstractContextManager[Any]]:
    """Open a page of a server or of the disk: `with open_page(url, width=390, dark=True) as page`.

    A narrow window is a phone's. At its end the page must have complained of nothing and asked nobody but its own
    server; `allowed` are words of complaints that a test provokes.
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
        phone = width < _WIDEST_PHONE
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            is_mobile=phone,
            has_touch=phone,
            **more,
        )
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MILLISECONDS)
        complaints: list[str] = []
        elsewhere: list[str] = []

        def note(words: str) -> None:
            complaints.append(f"{page.url}: {words}")

        own = ("/".join(url.split("/")[:3]) + "/", *_NOWHERE)
        page.on("console", lambda message: note(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda problem: note(str(problem)))
        page.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
        page.goto(url)
        yield page
        context.close()
        assert [each for each in complaints if not any(words in each for words in allowed)] == []
        assert elsewhere == []

    return opened
