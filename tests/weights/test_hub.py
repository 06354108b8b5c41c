"""The Hub's client against a small Hub on this machine. It reads its variables at import: hence the processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

COMMIT = "0123456789abcdef0123456789abcdef01234567"
# What the Hub answers for repositories that are not to be had: status, and the code that its client reads.
REFUSALS = {
    "absent": (404, "RepoNotFound"),
    "gated": (403, "GatedRepo"),
    "forbidden": (403, ""),
    "denied": (401, ""),
    "private": (401, "RepoNotFound"),
    "busy": (429, ""),
    "broken": (500, ""),
    "old": (404, "RevisionNotFound"),
    "nowhere": (404, ""),
}
ETAG_TIMEOUT_SECONDS = 1
PROGRAM = """
import json, sys
from gpt25.errors import GPT25Error
from gpt25.weights import load_pretrained, resolve_model
for word in sys.argv[1:]:
    try:
        directory = resolve_model(word)
        model, tokenizer = load_pretrained(directory)
        files = sorted(path.name for path in directory.iterdir())
        print(json.dumps([word, directory.name, files, tokenizer is not None]))
    except GPT25Error as problem:
        print(json.dumps([word, str(problem)]))
"""


def refuse(request: Any, path: Path) -> bool:
    """Answer as the table above says, or too late."""
    name = path.parent.name
    if name == "slow":
        time.sleep(ETAG_TIMEOUT_SECONDS + 0.5)
    else:
        status, code = REFUSALS[name]
        request.send(status, code=code)
    return True


def ask(home: Path, endpoint: str, words: list[str], **variables: str) -> dict[str, list[Any]]:
    """Resolve and load every word in a fresh process; the answer or the message by word."""
    environment = os.environ | {
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_ETAG_TIMEOUT": str(ETAG_TIMEOUT_SECONDS),
        "HF_HUB_OFFLINE": "0",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], env=environment, capture_output=True, text=True, check=True
    )
    return {word: answer for word, *answer in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """Folders as the Hub has them: a whole model, one in two files, one without tokenizer, one that is a pickle."""
    from safetensors.torch import load_file, save_file

    root = tmp_path_factory.mktemp("repositories")
    shape = GPTConfiguration(
        block_size=4, vocabulary_size=280, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=2
    )
    for name in ("whole", "sharded", "pickle", "foreign"):
        save_pretrained(GPTModel(shape), tokenizer if name == "whole" else None, root / name)
    (root / "whole" / "pytorch_model.bin").write_bytes(b"never asked for")
    (root / "pickle" / "model.safetensors").rename(root / "pickle" / "pytorch_model.bin")
    config = json.loads((root / "foreign" / "config.json").read_text())
    (root / "foreign" / "config.json").write_text(json.dumps({**config, "model_type": "llama"}))
    tensors = load_file(root / "sharded" / "model.safetensors")
    (root / "sharded" / "model.safetensors").unlink()
    places = {name: f"model-0000{number % 2 + 1}-of-00002.safetensors" for number, name in enumerate(tensors)}
    for place in set(places.values()):
        save_file({name: tensors[name] for name in tensors if places[name] == place}, root / "sharded" / place)
    (root / "sharded" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return root


GOOD = ["some/whole", "some/sharded"]
BAD = [f"some/{name}" for name in (*REFUSALS, "slow", "pickle", "foreign", "empty")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def online(repositories: Path, home: Path, serve_hub: Callable[..., Any]) -> dict[str, list[Any]]:
    """Every repository's answer while the Hub is up; "requests" holds what it was asked."""
    with serve_hub(repositories, dict.fromkeys([*REFUSALS, "slow"], refuse)) as (endpoint, requests):
        answers = ask(home, endpoint, [*GOOD, *BAD])
    return answers | {"requests": requests}


def test_a_whole_model_is_fetched_from_one_commit_and_no_pickle(online: dict[str, list[Any]]) -> None:
    commit, files, has_tokenizer = online["some/whole"]
    assert commit == COMMIT
    assert files == [
        "config.json",
        "generation_config.json",
        "merges.txt",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.json",
    ]
    assert has_tokenizer
    assert not any("pytorch_model.bin" in request for request in online["requests"])
    names = {"model.safetensors", "vocab.json", "tokenizer.json"}
    asked = [request for request in online["requests"] if request.split("/")[-1] in names and "/whole/" in request]
    assert asked
    assert all(f"/resolve/{COMMIT}/" in request for request in asked)


def test_all_files_of_a_model_in_parts_are_fetched(online: dict[str, list[Any]]) -> None:
    _commit, files, has_tokenizer = online["some/sharded"]
    assert [name for name in files if name.startswith("model")] == [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ]
    assert not has_tokenizer


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "there is no such repository, or it is private; check the name, or log in with `hf auth login`"),
        ("gated", "it is gated; ask for access on its page and log in"),
        ("forbidden", "access is denied (403); log in"),
        ("denied", "access is denied (401); log in with `hf auth login` or set HF_TOKEN"),
        ("private", "there is no such repository, or it is private; check the name, or log in"),
        ("busy", "the Hub refuses so many requests (429); wait a few minutes, or log in"),
        ("broken", "the Hub answered 500; try again later"),
        ("old", "there is no such branch, tag or commit"),
        ("nowhere", "there is nothing at its address (404); check the name, and HF_ENDPOINT if it is set"),
        ("slow", "the Hub did not answer in time; try again, or raise HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD"),
        ("pickle", "some/pickle on the Hub holds no model.safetensors. gpt25 never opens pickle files"),
        ("empty", "the repository has no such file, so it is no GPT-2 that can be loaded"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(online: dict[str, list[Any]], name: str, message: str) -> None:
    (said,) = online[f"some/{name}"]
    assert message in said
    assert f"some/{name}" in said
    assert "\n" not in said


def test_what_is_no_gpt2_is_refused_before_its_weights_are_fetched(online: dict[str, list[Any]]) -> None:
    (said,) = online["some/foreign"]
    assert "config.json has model_type 'llama'" in said
    asked = {request.split("/")[-1] for request in online["requests"] if "/foreign/" in request}
    assert asked == {"config.json"}


def test_a_refusal_is_not_asked_for_again_and_again(online: dict[str, list[Any]]) -> None:
    for name in ("busy", "broken", "slow"):
        assert sum(f"/{name}/" in request for request in online["requests"]) == 1


def test_offline_the_cache_is_used_and_its_absence_explained(home: Path, online: dict[str, list[Any]]) -> None:
    answers = ask(home, "http://127.0.0.1:9", [*GOOD, "some/uncached"], HF_HUB_OFFLINE="1")
    assert {word: answers[word] for word in GOOD} == {word: online[word] for word in GOOD}
    assert "it is not in the cache and HF_HUB_OFFLINE forbids asking" in answers["some/uncached"][0]


def test_without_a_connection_the_cache_is_used_and_its_absence_explained(
    home: Path, online: dict[str, list[Any]]
) -> None:
    answers = ask(home, "http://127.0.0.1:9", [*GOOD, "some/uncached", "some/--no--id"])
    assert {word: answers[word] for word in GOOD} == {word: online[word] for word in GOOD}
    assert "the Hub cannot be reached; check the connection, or set HF_HUB_OFFLINE=1" in answers["some/uncached"][0]
    assert "A model is one of" in answers["some/--no--id"][0]
