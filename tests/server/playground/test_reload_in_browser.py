"""The page loaded again and again while its texts run: fault 28 as a reader brings it about."""

import time
from typing import Any

import pytest

from gpt25.server.driving.engine_driver import EngineDriver

RELOADS = 12


def test_a_page_that_is_loaded_again_gives_up_its_texts(
    server: Any, open_page: Any, wait_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, begun = EngineDriver._step, []

    def slow(driver: EngineDriver, engine: Any) -> None:
        begun.append(engine.running)
        time.sleep(0.02)
        step(driver, engine)

    monkeypatch.setattr(EngineDriver, "_step", slow)
    (model,) = server.serving.service.registry.models
    with open_page(server.url) as page:
        for _ in range(RELOADS):
            page.locator("#prompt").fill("x")
            page.locator("#setting-n").fill("8")
            page.locator("#setting-max_tokens").fill("120")
            page.locator("#start").click()
            page.wait_for_selector(".text.writing .token:nth-child(3)", state="attached")
            page.reload()
            page.wait_for_selector("#model option", state="attached")
            assert page.locator(".text").count() == 0
        wait_for(lambda: server.serving.driver.answering == 0 and model.engine.is_idle, "all slots are free")
        assert max(begun) > 2
        assert len(begun) < RELOADS * 110, "texts of 120 tokens went on"
        page.locator("#setting-max_tokens").fill("4")
        page.locator("#setting-n").fill("2")
        page.locator("#start").click()
        page.wait_for_selector("body[data-state=resting] .text")
        assert page.locator(".text:not(.writing)").count() == 2
