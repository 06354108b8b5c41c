"""The page's files: what they are sent with, what they may fetch, and that they hold together."""

import re
import urllib.request
from typing import Any

import pytest

from gpt25.server.playground.page_files import page_files
from gpt25.server.playground.page_routes import POLICY


def test_the_page_may_load_its_own_files_only(server: Any) -> None:
    with urllib.request.urlopen(server.url + "/", timeout=30) as response:
        assert response.headers["Content-Security-Policy"] == POLICY
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers.get_content_type() == "text/html"
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY


@pytest.mark.parametrize("name", sorted(page_files()))
def test_every_file_is_served_as_what_it_is(server: Any, name: str) -> None:
    address = f"{server.url}/playground/{name}"
    with urllib.request.urlopen(address, timeout=30) as response:
        assert response.read() == page_files()[name].content
        assert response.headers["Content-Type"] == page_files()[name].kind
        tag = response.headers["ETag"]
    with pytest.raises(urllib.error.HTTPError) as known:
        urllib.request.urlopen(urllib.request.Request(address, headers={"If-None-Match": tag}), timeout=30)
    assert known.value.code == 304
    known.value.close()


@pytest.mark.parametrize("name", ["nope.js", "..%2fpage_files.py", "%2e%2e/page_files.py", "page.css/"])
def test_nothing_else_is_served(server: Any, name: str) -> None:
    status, content = server.get(f"/playground/{name}")
    assert (status, content["error"]["message"]) == (404, "there is nothing at this address.")


def test_the_files_name_no_other_place_and_nothing_that_the_policy_refuses() -> None:
    for name, file in page_files().items():
        text = file.content.decode("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|(?<![\w:])//\w", re.sub(r"^\s*//.*$|\s// .*$", "", text, flags=re.M)), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), name
        if name.endswith(".html"):
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text), name


def test_the_files_refer_to_files_and_parts_that_are_there() -> None:
    texts = {name: file.content.decode("utf-8") for name, file in page_files().items()}
    named = set(re.findall(r"/playground/([\w.]+)", "".join(texts.values())))
    assert named | {"index.html"} == set(texts)
    parts = set(re.findall(r"""part\("([\w-]+)"\)""", "".join(texts.values())))
    ids = set(re.findall(r'\sid="([\w-]+)"', texts["index.html"]))
    assert parts <= ids, parts - ids


def test_the_page_asks_for_the_key_like_everything_else(start_server: Any, model_directory: Any) -> None:
    key = "a-key-of-the-tests"
    with start_server({"tiny": str(model_directory)}, api_key=key) as server:
        for path in ("/", "/playground/main.js"):
            assert server.get(path)[0] == 401
            assert server.get(path, Authorization=f"Bearer {key}")[0] == 200
