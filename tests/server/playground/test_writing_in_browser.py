"""The tab that writes, in a real browser: typing, streaming, stopping, alternatives, keys and errors."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.server.driving.engine_driver import EngineDriver
from gpt25.weights import save_pretrained

WRITTEN = ".text:not(.writing)"


@pytest.fixture(scope="module")
def two_models(start_server: Any, model_directory: Path, byte_tokenizer: Any, tmp_path_factory: Any) -> Iterator[Any]:
    """Two models, of which each text takes long enough to be watched."""
    configuration = GPTConfiguration(
        block_size=1024, vocabulary_size=257, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=8
    )
    other = GPTModel(configuration, generator=torch.Generator().manual_seed(5))
    directory = tmp_path_factory.mktemp("other") / "other"
    save_pretrained(other, byte_tokenizer, directory)
    with start_server({"long": str(directory), "tiny": str(model_directory)}, slots=8) as running:
        yield running


@pytest.fixture(scope="module")
def letters(start_server: Any, byte_tokenizer: Any, tmp_path_factory: Any) -> Iterator[Any]:
    """A model that writes no half letters: the bias of its last layer norm points away from their rows of the head."""
    configuration = GPTConfiguration(
        block_size=128, vocabulary_size=257, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(4))
    halves = [token for token in range(257) if max(byte_tokenizer.token_bytes(token)) > 126]
    with torch.no_grad():
        model.transformer.word_token_embeddings.weight.mul_(20)
        model.transformer.final_layer_norm.bias[0] = 5
        model.transformer.word_token_embeddings.weight[halves, 0] = -20
    directory = tmp_path_factory.mktemp("letters") / "letters"
    save_pretrained(model, byte_tokenizer, directory)
    with start_server({"letters": str(directory)}) as running:
        yield running


def set_slider(page: Any, name: str, value: float) -> None:
    page.locator(f"#setting-{name}").fill(str(value))


def written(page: Any) -> list[str]:
    """The texts, prompts included, once all are there."""
    page.wait_for_selector("body[data-state=resting] .text")
    return [each.text_content() for each in page.locator(".text .tokens").all()]


def test_what_is_typed_is_continued_as_the_api_continues_it(server: Any, open_page: Any) -> None:
    with open_page(server.url) as page:
        page.locator("#prompt").fill("Once more")
        set_slider(page, "max_tokens", 12)
        set_slider(page, "n", 3)
        page.locator("#setting-seed").fill("7")
        page.locator("#start").click()
        texts = written(page)
        assert page.locator(f"{WRITTEN} .token").count() == 36
        assert "36 tokens in" in page.locator("#status").text_content()
        shades = {each.evaluate("it => getComputedStyle(it).backgroundColor") for each in page.locator(".token").all()}
        assert len(shades) > 5
    answer = server.complete(model="tiny", prompt="Once more", max_tokens=12, n=3, seed=7)
    assert texts == ["Once more" + choice["text"] for choice in answer["choices"]]


def test_a_text_grows_and_stops(two_models: Any, open_page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    step, growing = EngineDriver._step, []

    def slow(driver: EngineDriver, engine: Any) -> None:
        growing.append(engine)
        time.sleep(0.02)
        step(driver, engine)

    monkeypatch.setattr(EngineDriver, "_step", slow)
    with open_page(two_models.url) as page:
        set_slider(page, "n", 1)
        set_slider(page, "max_tokens", 900)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".token:nth-child(4)")
        page.wait_for_selector(".token:nth-child(14)")
        assert page.locator(".text.writing").count() == 1
        page.keyboard.press("Escape")
        page.wait_for_selector("body[data-state=resting]")
        assert "stopped" in page.locator(".text header").text_content()
        there = page.locator(".token").count()
        page.wait_for_timeout(150)
        assert page.locator(".token").count() == there < 900
    page_has_gone = two_models.serving.driver
    for _ in range(200):
        if not page_has_gone.answering:
            break
        time.sleep(0.02)
    assert not page_has_gone.answering
    assert len(growing) < 500  # the model stopped too


def test_another_token_goes_on_from_there(letters: Any, open_page: Any) -> None:
    with open_page(letters.url) as page:
        page.locator("#prompt").fill("ab")
        set_slider(page, "n", 1)
        set_slider(page, "max_tokens", 10)
        set_slider(page, "temperature", 0)
        page.locator("#start").click()
        written(page)
        page.locator(".token").nth(4).hover()
        page.wait_for_selector("#alternatives:not([hidden])")
        assert page.locator("#alternatives button").count() == 5
        page.locator(".token").nth(4).click()
        other = page.locator("#alternatives button:not(.here):not(:disabled)").first
        other.click()
        page.wait_for_selector(".text:not(.writing) .token:nth-child(11)")
        (text,) = written(page)
        assert page.locator(".token.chosen").count() == 1
        assert page.locator(".token").nth(4).get_attribute("class").split() == ["token", "chosen"]
        start = text[: len("ab") + 5]
    answer = letters.complete(model="letters", prompt=start, max_tokens=5, temperature=0)
    assert text == start + answer["choices"][0]["text"]


def test_alternatives_by_keyboard_alone(letters: Any, open_page: Any) -> None:
    with open_page(letters.url) as page:
        page.locator("#prompt").fill("ab")
        set_slider(page, "n", 1)
        set_slider(page, "max_tokens", 6)
        page.keyboard.press("Control+Enter")
        written(page)
        page.locator(".text .tokens").focus()
        for key in ("ArrowRight", "ArrowRight", "Enter"):
            page.keyboard.press(key)
        assert page.evaluate("document.activeElement.closest('#alternatives') !== null")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.dataset.place") == "1"
        assert page.locator("#alternatives").is_hidden()


def test_the_token_at_which_a_text_ends_is_shown_and_no_part_of_it(letters: Any, open_page: Any) -> None:
    with open_page(letters.url) as page:
        page.route("**/v1/completions", lambda route: route.continue_(post_data=ending(route.request.post_data_json)))
        page.locator("#prompt").fill("ab")
        set_slider(page, "n", 1)
        page.locator("#start").click()
        assert written(page) == ["ab"]
        assert page.locator(".token.end").count() == 1
        assert "ended by itself" in page.locator(".text header").text_content()
        page.locator(".text footer button", has_text="Take as prompt").click()
        assert page.locator("#prompt").input_value() == "ab"


def ending(body: dict[str, Any]) -> str:
    """The same request, with the end of text made certain."""
    return json.dumps({**body, "logit_bias": {"256": 100}})


def test_two_models_stand_side_by_side_with_one_seed(two_models: Any, open_page: Any) -> None:
    with open_page(two_models.url) as page:
        page.locator("#beside").select_option("tiny")
        set_slider(page, "max_tokens", 8)
        page.locator("#setting-seed").fill("3")
        page.locator("#start").click()
        texts = written(page)
        titles = [each.text_content() for each in page.locator(".text header b").all()]
    assert titles == ["long, text 1", "long, text 2", "tiny, text 1", "tiny, text 2"]
    prompt = "Hello, I'm a language model,"
    expected = [
        prompt + choice["text"]
        for model in ("long", "tiny")
        for choice in two_models.complete(model=model, prompt=prompt, n=2, max_tokens=8, seed=3)["choices"]
    ]
    assert texts == expected


def test_errors_are_words(server: Any, open_page: Any) -> None:
    with open_page(server.url, allowed=("400",)) as page:
        page.locator("#prompt").fill("x" * 200)
        page.locator("#start").click()
        page.wait_for_selector("#problem:not([hidden])")
        words = page.locator("#problem").text_content()
        assert "do not fit the block size of 128" in words or "max_tokens can be at most" in words or "128" in words
        assert not words.startswith("{")
        page.locator("#prompt").fill("x")
        page.locator("#start").click()
        written(page)
        assert page.locator("#problem").is_hidden()


def test_a_server_that_has_gone_is_said_so(start_server: Any, model_directory: Path, open_page: Any) -> None:
    with start_server({"tiny": str(model_directory)}) as server:
        context = open_page(server.url, allowed=("ERR_CONNECTION_REFUSED",))
        page = context.__enter__()
    page.locator("#start").click()
    page.wait_for_selector("#problem:not([hidden])")
    assert page.locator("#problem").text_content() == "The server does not answer. Is it still running?"
    context.__exit__(None, None, None)


def test_the_key_is_asked_for_once_and_kept_nowhere(start_server: Any, model_directory: Path, open_page: Any) -> None:
    key = "a-key-of-the-tests"
    with start_server({"tiny": str(model_directory)}, api_key=key) as server:
        credentials = {"username": "any", "password": key, "origin": server.url}
        with open_page(server.url, http_credentials=credentials) as page:
            page.wait_for_selector("#model option", state="attached")
            page.locator("#start").click()
            assert len(written(page)) == 2
            stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
            assert json.loads(stored) == [{}, {}, ""]


def test_a_key_that_is_no_longer_right_is_asked_for_in_the_page(
    start_server: Any, model_directory: Path, open_page: Any
) -> None:
    old, new = "the-key-of-before", "the-key-of-today"
    with start_server({"tiny": str(model_directory)}, api_key=old) as first:
        credentials = {"username": "any", "password": old, "origin": first.url}
        opened = open_page(first.url, http_credentials=credentials, allowed=("401",))
        page = opened.__enter__()
        page.wait_for_selector("#model option", state="attached")
    with start_server({"tiny": str(model_directory)}, api_key=new, port=first.address[1]):
        page.locator("#start").click()
        page.wait_for_selector("#key[open]")
        page.locator("#key-field").fill(new)
        page.keyboard.press("Enter")
        assert len(written(page)) == 2
        page.locator("#start").click()
        assert len(written(page)) == 2
        assert page.locator("#key").is_hidden()
        assert page.locator("#key-field").input_value() == ""
        opened.__exit__(None, None, None)


def test_the_request_is_shown_for_elsewhere(server: Any, open_page: Any) -> None:
    with open_page(server.url) as page:
        page.locator("#prompt").fill('it\'s\n"so"')
        set_slider(page, "top_k", 5)
        page.locator("#copy").click()
        shown = page.locator("#copying-text")
        curl = shown.text_content()
        page.locator("#copying-choice button", has_text="Python").click()
        python = shown.text_content()
        page.locator("#copying-choice button", has_text="Command").click()
        command = shown.text_content()
        page.locator("#copying-copy").click()
        page.wait_for_selector("#copying-copy:has-text('Copied')")
        page.keyboard.press("Escape")
        page.locator("#prompt").fill("")
        page.locator("#prompt").focus()
        page.keyboard.press("Control+V")
        assert page.locator("#prompt").input_value() == command
    assert server.url in curl
    body = json.loads(shlex.split(curl.replace("\\\n", " "))[-1])
    assert server.complete(**body)["choices"]
    assert body["prompt"] == 'it\'s\n"so"'
    called: dict[str, Any] = {}

    class Client:
        def __init__(self, **fields: Any) -> None:
            self.completions = self

        def create(self, **fields: Any) -> Any:
            called.update(fields)
            return type("Answer", (), {"choices": []})

    code = compile(python.replace("from openai import OpenAI", ""), "shown", "exec")
    exec(code, {"OpenAI": Client})
    assert called["extra_body"] == {"top_k": 5}
    assert {**{name: value for name, value in called.items() if name != "extra_body"}, "top_k": 5} == body
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:5] == ["gpt25", "generate", "tiny", "--prompt", 'it\'s\n"so"']
    from gpt25.cli.commands import generate
    from gpt25.cli.parsing import known_flags

    assert {word for word in words if word.startswith("--")} <= set(known_flags(generate, "generate", []))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_window(server: Any, open_page: Any, width: int, dark: bool) -> None:
    with open_page(server.url, width=width, height=844, dark=dark) as page:
        set_slider_is_there = page.locator("#setting-n")
        if not set_slider_is_there.is_visible():
            page.locator("#sampler summary").click()
        set_slider(page, "max_tokens", 20)
        page.locator("#start").click()
        written(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(18, 21, 28)" if dark else "rgb(255, 255, 255)")
        if width < 600:
            page.locator(".token").nth(3).tap()
            box = page.locator("#alternatives").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
