"""The tabs that look inside a model and at its run, in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt25.records import RunDirectory, Summary
from gpt25.storage import write_manifest

PICTURES = {
    "attention": "canvas",
    "lens": ".lens td",
    "attribution": ".bars i",
    "norms": ".graph polyline",
    "neurons": ".rows td",
    "heads": "canvas",
    "positions": ".graph polyline",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: Any) -> RunDirectory:
    return RunDirectory(tmp_path_factory.mktemp("runs") / "mine")


@pytest.fixture(scope="module")
def with_run(start_server: Any, model_directory: Path, run: RunDirectory) -> Iterator[Any]:
    shutil.copytree(model_directory, run.checkpoint_path(2))
    write_manifest(run.checkpoint_path(2))
    for update in (1, 2):
        run.append_metrics(
            {"update": update, "tokens": update * 10, "training_loss": 4.0 - update, "validation_loss": 3.0}
        )
    with start_server({"mine": str(run.path), "tiny": str(model_directory)}) as running:
        yield running


@pytest.mark.parametrize("width", [390, 1280])
def test_every_look_is_drawn_and_fits(server: Any, open_page: Any, width: int) -> None:
    with open_page(server.url, width=width, height=844) as page:
        page.locator("#tab-inside").click()
        page.locator("#inside-text").fill("Any text at all")
        for name, picture in PICTURES.items():
            page.locator(f"#looks [data-name={name}]").click()
            page.wait_for_selector(f"#picture:not([aria-busy]) {picture}")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
            if picture == "canvas":
                assert page.locator("#picture canvas").first.bounding_box()["width"] > 5
        assert page.locator("#problem").is_hidden()


def test_attention_shows_what_a_token_draws_from(server: Any, open_page: Any) -> None:
    weights = server.post("/inside/attention", {"prompt": "abcd", "layer": 1, "head": 1})[1]["weights"]
    with open_page(server.url) as page:
        page.locator("#tab-inside").click()
        page.locator("#inside-text").fill("abcd")
        page.locator("#layer").select_option("1")
        page.locator("#head").select_option("1")
        page.wait_for_selector("#picture canvas[aria-label*='layer 1, head 1']")
        page.locator("#inside-form button[type=submit]").click()
        page.wait_for_selector(".look-tokens button:nth-child(4):last-child")
        page.locator(".look-tokens button").nth(2).focus()
        said = [each.get_attribute("title") for each in page.locator(".look-tokens button").all()]
        assert said[3] == "later: not looked at"
        for words, weight in zip(said[:3], weights[2], strict=True):
            assert float(words.strip("< %")) == pytest.approx(100 * weight, rel=0.06, abs=0.06)


def test_a_look_that_is_refused_says_why(server: Any, open_page: Any) -> None:
    with open_page(server.url, allowed=("400",)) as page:
        page.locator("#tab-inside").click()
        page.wait_for_selector("#picture canvas")
        page.locator("#inside-text").fill("x" * 300)
        page.locator("#inside-form button[type=submit]").click()
        page.wait_for_selector("#problem:not([hidden])")
        assert "128" in page.locator("#problem").text_content()
        page.locator("#inside-text").fill("x")
        page.locator("#inside-form button[type=submit]").click()
        page.wait_for_selector("#problem[hidden]", state="attached")
        page.wait_for_selector("#picture canvas")


def test_a_written_text_can_be_looked_into(server: Any, open_page: Any) -> None:
    with open_page(server.url) as page:
        page.locator("#setting-max_tokens").fill("4")
        page.locator("#prompt").fill("abc")
        page.locator("#start").click()
        page.wait_for_selector("body[data-state=resting] .text")
        page.locator(".text footer button", has_text="Look inside").first.click()
        page.wait_for_selector("#picture canvas")
        assert page.locator("#inside-text").input_value().startswith("abc")
        assert page.locator("#tab-inside").get_attribute("aria-selected") == "true"


def test_tabs_go_by_arrows(server: Any, open_page: Any) -> None:
    with open_page(server.url) as page:
        page.wait_for_selector("#tab-training", state="hidden")
        page.locator("#tab-write").focus()
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.id") == "tab-inside"
        assert page.locator("#inside").is_visible()
        page.keyboard.press("ArrowRight")  # a model that is no run has no third tab
        assert page.evaluate("document.activeElement.id") == "tab-write"


def test_the_graph_of_a_run_follows_it(with_run: Any, run: RunDirectory, open_page: Any) -> None:
    with open_page(with_run.url) as page:
        page.locator("#tab-training").click()
        page.wait_for_selector("#run-graph polyline")
        assert "In training: update 2" in page.locator("#run-state").text_content()
        run.append_metrics({"update": 3, "tokens": 30, "training_loss": 0.5, "validation_loss": 1.2345})
        page.wait_for_selector("#run-figures dd:has-text('1.2345')")
        run.write_summary(Summary(title="GPT-2 on words", finished=True))
        page.wait_for_selector("#run-title:has-text('GPT-2 on words')")
        assert "Finished after 3 updates" in page.locator("#run-state").text_content()
        page.locator("#model").select_option("tiny")
        page.wait_for_selector("#tab-training", state="hidden")
        assert page.locator("#write").is_visible()
