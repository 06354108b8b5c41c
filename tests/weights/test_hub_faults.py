"""Bodies that break off, stall, lie or lie elsewhere: one line, nothing half in the cache, and the next try works."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.weights import save_pretrained

WEIGHTS = "model.safetensors"
DEADLINE_SECONDS = 60
# Small pieces, so that a small body can break off behind the first of them, as a large one does behind ten megabytes.
PROGRAM = """
import json, sys
from huggingface_hub import constants
from gpt25.errors import GPT25Error
from gpt25.weights import load_pretrained, resolve_model
constants.DOWNLOAD_CHUNK_SIZE = 256
for word in sys.argv[1:]:
    try:
        directory = resolve_model(word)
        model, tokenizer = load_pretrained(directory)
        print(json.dumps([word, str(directory), float(model.transformer.final_layer_norm.weight[0])]))
    except GPT25Error as problem:
        print(json.dumps([word, str(problem)]))
"""


def break_off(request: Any, path: Path) -> bool:
    """Announce the whole body, send half of it, and hang up; whoever asks for the rest gets the first half again."""
    content = path.read_bytes()
    if request.command != "GET":
        return False
    request.send(200, content=content[: len(content) // 2], Content_Length=str(len(content)), ETag=tag(content))
    return True


def break_off_once(request: Any, path: Path) -> bool:
    """The same, and then the rest as it was asked for."""
    first = f"GET {request.path}" not in request.requests[:-1]
    if first or request.command != "GET":
        return break_off(request, path)
    content = path.read_bytes()
    begin = int(request.headers["Range"].removeprefix("bytes=").partition("-")[0])
    request.send(
        206,
        content=content[begin:],
        ETag=tag(content),
        Content_Range=f"bytes {begin}-{len(content) - 1}/{len(content)}",
    )
    return True


def stall(request: Any, path: Path) -> bool:
    """Announce the whole body and send nothing of it."""
    if request.command != "GET":
        return False
    request.send(200, Content_Length=str(path.stat().st_size))
    time.sleep(DEADLINE_SECONDS)
    return True


def shrink(request: Any, path: Path) -> bool:
    """A body that is whole and yet shorter than what HEAD announced."""
    content = path.read_bytes()
    if request.command != "GET":
        return False
    request.send(200, content=content[:-8], ETag=tag(content))
    return True


def replace(request: Any, path: Path) -> bool:
    """A body of the right size with other numbers in it."""
    content = path.read_bytes()
    if request.command != "GET":
        return False
    request.send(200, content=content[:-4] + b"\0\0\x80\x3f", ETag=tag(content))
    return True


def move(request: Any, path: Path) -> bool:
    """A repository under a new name: a redirect on the same host, as the Hub answers."""
    request.send(307, Location=request.path.replace("/moved/", "/whole/"))
    return True


def store_elsewhere(request: Any, path: Path) -> bool:
    """A large file, kept on another host (here another path): the Hub tells its size and hash and sends one there."""
    content = path.read_bytes()
    address = f"http://{request.headers['Host']}/storage/whole/resolve/elsewhere/{path.name}"
    request.send(302, Location=address, X_Linked_ETag=tag(content), X_Linked_Size=str(len(content)))
    return True


def tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()}"'


def of_weights(fault: Callable[[Any, Path], bool]) -> Callable[[Any, Path], bool]:
    return lambda request, path: path.name == WEIGHTS and fault(request, path)


FAULTS = {
    "broken": of_weights(break_off),
    "interrupted": of_weights(break_off_once),
    "stalled": of_weights(stall),
    "shrunk": of_weights(shrink),
    "replaced": of_weights(replace),
    "moved": move,
    "elsewhere": of_weights(store_elsewhere),
}
MENDED = ["interrupted", "moved", "elsewhere"]
REFUSED = {
    "broken": "the connection broke off before the end of the file; try again",
    "stalled": "the Hub did not answer in time; try again, or raise HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT",
    "shrunk": "what arrived has not the size that the Hub announced; try again",
    "replaced": "arrived from the Hub with SHA-256",
}


def start(home: Path, endpoint: str, words: list[str]) -> subprocess.Popen[str]:
    environment = os.environ | {
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "1",
        "HF_HUB_OFFLINE": "0",
        "TQDM_POSITION": "-1",  # shows the bar without a terminal
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(process: subprocess.Popen[str]) -> tuple[dict[str, list[Any]], str]:
    said, progress = process.communicate(timeout=5 * DEADLINE_SECONDS)
    assert process.returncode == 0, progress
    return {word.partition("/")[2]: answer for word, *answer in map(json.loads, said.splitlines())}, progress


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repositories")
    shape = GPTConfiguration(
        block_size=4, vocabulary_size=280, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=2
    )
    save_pretrained(GPTModel(shape), None, root / "whole")
    for name in set(FAULTS) - {"moved"}:
        shutil.copytree(root / "whole", root / name)
    return root


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def seen(repositories: Path, home: Path, serve_hub: Callable[..., Any]) -> dict[str, list[Any]]:
    """Every repository's answer, each of the slow ones in a process of its own, and what of them lies in the cache."""
    with serve_hub(repositories, FAULTS) as (endpoint, requests):
        slow = ["broken", "stalled"]
        groups = [[f"some/{name}"] for name in slow] + [[f"some/{name}" for name in FAULTS if name not in slow]]
        told: dict[str, list[Any]] = {}
        for process in [start(home, endpoint, words) for words in groups]:
            said, progress = answers(process)
            told |= said
            told["progress"] = [*told.get("progress", []), progress]
    cached = {
        name: sorted(path.name for path in home.rglob("*") if f"models--some--{name}" in str(path)) for name in FAULTS
    }
    return told | {"cached": [cached], "requests": requests}


@pytest.mark.parametrize("name", MENDED)
def test_what_the_client_can_mend_is_mended(seen: dict[str, list[Any]], home: Path, name: str) -> None:
    directory, gain = seen[name]
    assert gain == 1.0
    assert Path(directory).is_relative_to(home)


def test_a_body_that_broke_off_is_gone_on_with_and_not_begun_again(seen: dict[str, list[Any]]) -> None:
    asked = [request for request in seen["requests"] if request.startswith("GET /some/interrupted/resolve/")]
    assert sum(request.endswith(WEIGHTS) for request in asked) == 2


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_mended_is_one_line_and_not_in_the_cache(seen: dict[str, list[Any]], name: str) -> None:
    (said,) = seen[name]
    assert REFUSED[name] in said
    assert f"{WEIGHTS} of some/{name}" in said
    assert "\n" not in said
    cached = seen["cached"][0][name]
    assert "config.json" in cached
    assert WEIGHTS not in cached


def test_a_server_that_always_breaks_off_is_given_up(seen: dict[str, list[Any]]) -> None:
    for name in ("broken", "stalled"):
        asked = [request for request in seen["requests"] if request.startswith(f"GET /some/{name}/")]
        assert 1 < sum(request.endswith(WEIGHTS) for request in asked) < 10


def test_the_same_words_work_once_the_hub_does(
    seen: dict[str, list[Any]], repositories: Path, home: Path, serve_hub: Callable[..., Any]
) -> None:
    assert seen
    with serve_hub(repositories) as (endpoint, _):
        told, _ = answers(start(home, endpoint, [f"some/{name}" for name in REFUSED]))
    assert {name: answer[1] for name, answer in told.items()} == dict.fromkeys(REFUSED, 1.0)


def test_a_bar_shows_the_progress(seen: dict[str, list[Any]]) -> None:
    assert any(WEIGHTS in line and "100%" in line for progress in seen["progress"] for line in progress.split("\r"))
