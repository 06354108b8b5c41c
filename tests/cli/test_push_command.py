"""`gpt25 push` against a stand-in of the Hub's commit API: what is sent, who sees it, and every refusal."""

import hashlib
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt25.cli.main import main
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.records import RunDirectory
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

sys.path.insert(0, str(Path(__file__).parents[1]))
from commit_hub import READER, STRANGER, WRITER, CommitHub, Repository, Request, commit_hub

sys.path.pop(0)

MODEL_FILES = ["config.json", "generation_config.json", "merges.txt", "model.safetensors"]
MODEL_FILES += ["tokenizer.json", "tokenizer_config.json", "vocab.json"]
SENT = sorted([*MODEL_FILES, "README.md", "loss.png"])
Answer = tuple[int, str, str]


@pytest.fixture(scope="module")
def run(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    path = tmp_path_factory.mktemp("runs") / "mine"
    assert main(["train", str(recipe), "--run", str(path)]) == 0
    return RunDirectory(path)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommitHub]:
    with commit_hub(tmp_path_factory.mktemp("home")) as hub:
        yield hub


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return make_directory(tmp_path)


def make_directory(parent: Path) -> Path:
    """A model directory of others, with a card and things that are no part of it."""
    tokenizer = Tokenizer.train(["any text"], vocabulary_size=257)
    shape = GPTConfiguration(
        block_size=16, vocabulary_size=257, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=8
    )
    path = parent / "model"
    save_pretrained(GPTModel(shape), tokenizer, path)
    (path / "README.md").write_text("---\nlicense: mit\n---\nMy own words.\n")
    (path / "notes.txt").write_text("private")
    (path / "pytorch_model.bin").write_bytes(b"pickle")
    return path


def no_token_in(answers: list[Answer]) -> None:
    for _, said, noted in answers:
        for token in (WRITER, READER, STRANGER):
            assert token not in said + noted
        assert "Traceback" not in noted


@pytest.fixture(scope="module")
def pushed(run: RunDirectory, hub: CommitHub) -> tuple[list[Answer], list[Any]]:
    """One run pushed, once more, on top, and openly; and the requests that it took."""
    words = ["push", str(run.path), "me/first"]
    answers = hub.gpt25(
        (words, WRITER),
        (words, WRITER),
        ([*words, "--overwrite", "--json", "--licence", "mit", "--message", "Again"], WRITER),
        (["push", f"{run.path}@best", "an-organisation/open", "--public"], WRITER),
        (["push", str(run.path), "an-organisation/open", "--overwrite"], WRITER),
        (["show", "me/first", "--json"], WRITER),
    )
    no_token_in(answers)
    return answers, list(hub.store.requests)


def test_a_run_s_model_card_and_picture_are_sent_and_nothing_else(
    pushed: tuple[list[Answer], list[Any]], run: RunDirectory, hub: CommitHub
) -> None:
    (code, said, noted), *_ = pushed[0]
    assert code == 0, noted
    repository = hub.store.repositories["me/first"]
    assert repository.private
    assert sorted(repository.files) == sorted([*SENT, ".gitattributes"])
    checkpoint = run.find_checkpoint("newest")
    for name in MODEL_FILES:
        assert repository.files[name] == (checkpoint / name).read_bytes()
    assert repository.files["loss.png"].startswith(b"\x89PNG")
    assert b"![Training and validation loss against training tokens](loss.png)" in repository.files["README.md"]
    assert f"\n{hub.endpoint}/me/first\n9 files of " in said
    assert max(map(len, said.splitlines()[:-1])) <= 80
    assert "to be seen by you and those you let.\nTry it: " in said
    assert "generate me/first\n" in said
    assert noted == "not sent: MANIFEST.json, optimizer.safetensors, state.json\n", (
        "without a terminal nothing is drawn"
    )


def test_the_large_file_went_in_parts_and_no_storage_saw_the_token(
    pushed: tuple[list[Answer], list[Any]], hub: CommitHub
) -> None:
    weights = hashlib.sha256(hub.store.repositories["me/first"].files["model.safetensors"]).hexdigest()
    puts = {path: token for method, path, token in pushed[1] if method == "PUT"}
    assert f"/storage/{weights}/00002" in puts
    assert set(puts.values()) == {None}


def test_a_repository_that_holds_files_is_overwritten_only_where_asked(
    pushed: tuple[list[Answer], list[Any]], hub: CommitHub
) -> None:
    _, refused, again, *_ = pushed[0]
    assert refused[0] == 2
    assert "error: me/first is there already and holds README.md; add --overwrite to put a new commit on" in refused[2]
    assert again[0] == 0
    content = json.loads(again[1])
    repository = hub.store.repositories["me/first"]
    assert content == {
        "repository": "me/first",
        "private": True,
        "dry_run": False,
        "files": [{"name": name, "bytes": len(repository.files[name])} for name in SENT],
        "left_out": ["MANIFEST.json", "optimizer.safetensors", "state.json"],
        "model": content["model"],
        "url": f"{hub.endpoint}/me/first",
        "commit": repository.commit,
    }
    assert repository.messages == ["Add the model", "Again"]
    assert b"\nlicense: mit\n" in repository.files["README.md"]


def test_what_everybody_sees_is_written_to_with_public_only(
    pushed: tuple[list[Answer], list[Any]], hub: CommitHub
) -> None:
    *_, opened, closed, _ = pushed[0]
    assert opened[0] == 0
    assert "to be seen by everybody" in opened[1]
    assert not hub.store.repositories["an-organisation/open"].private
    assert closed[0] == 2
    assert "an-organisation/open is there already and everybody sees it; add --public if that is meant" in closed[2]
    assert hub.store.repositories["an-organisation/open"].messages == ["Add the model"]


def test_what_was_pushed_is_loaded_by_its_name(pushed: tuple[list[Answer], list[Any]], run: RunDirectory) -> None:
    code, said, _ = pushed[0][-1]
    assert code == 0
    assert json.loads(said)["parameters"] == run.read_summary().model_parameters


def test_transformers_loads_it_from_the_hub_with_the_card_s_own_lines(
    pushed: tuple[list[Answer], list[Any]], run: RunDirectory, hub: CommitHub
) -> None:
    card = hub.store.repositories["me/first"].files["README.md"].decode()
    lines = card.split("```python\n")[1].split("```")[0]
    compare = (
        "\nimport torch\nfrom gpt25 import load_pretrained\n"
        f"ours, _ = load_pretrained({str(run.path)!r})\nmodel.eval()\n"
        "ids = tokens['input_ids']\n"
        "torch.testing.assert_close(model(ids).logits, ours(ids))\n"
    )
    done = hub.python(lines + compare, HF_TOKEN=WRITER, HF_HUB_DISABLE_PROGRESS_BARS="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_a_dry_run_shows_files_and_card_and_asks_nobody(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket.socket, "connect", None)  # nobody can be asked
    monkeypatch.delenv("HF_TOKEN", raising=False)
    words = ["push", str(run.path), "me/never", "--dry-run"]
    assert main(words) == 0
    said = capsys.readouterr().out
    for name in SENT:
        assert f"\n{name} " in said
    assert "optimizer.safetensors" not in said
    assert "\nREADME.md:\n\n---\nlibrary_name: transformers\n" in said
    assert said.endswith("would go to me/never, private if it is new.\n")
    assert main([*words, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["dry_run"] is True
    assert content["card"].startswith("---\nlibrary_name: transformers\n")
    assert [file["name"] for file in content["files"]] == SENT


def test_a_directory_s_own_card_goes_as_it_is_and_foreign_files_stay(directory: Path, hub: CommitHub) -> None:
    hub.store.repositories["me/other"] = Repository(
        private=True,
        files={
            ".gitattributes": b"",
            "model.safetensors.index.json": b"{}",
            "model-00001-of-00001.safetensors": b"old",
            "added_tokens.json": b"{}",
            "picture.svg": b"theirs",
        },
    )
    ((code, _, noted),) = hub.gpt25((["push", str(directory), "me/other", "--overwrite"], WRITER))
    assert code == 0, noted
    assert "not sent: notes.txt, pytorch_model.bin" in noted
    files = hub.store.repositories["me/other"].files
    assert sorted(files) == sorted([*MODEL_FILES, "README.md", ".gitattributes", "picture.svg"])
    assert files["README.md"] == (directory / "README.md").read_bytes()


FAULTS = {
    "preupload-401": ("/preupload/", 401, "the Hub does not know the token (401); log in with `hf auth login`"),
    "preupload-403": ("/preupload/", 403, "the token may not write there (403); me must be you or an organisation"),
    "commit-409": ("/commit/", 409, "somebody else changes it at the same time (409); try again in a while"),
    "commit-412": ("/commit/", 412, "somebody else changes it at the same time (409); try again in a while"),
    "batch-413": (".git/info/lfs", 413, "the Hub takes no files that large (413)"),
    "commit-418": ("/commit/", 418, "the Hub answered 418; try again later"),
}


def refuse_by_name(request: Request) -> bool:
    """Refuse the requests of repositories that are named after a fault; what is said to them quotes the token."""
    for name, (where, status, _) in FAULTS.items():
        if name in request.path_only and where in request.path_only:
            request.refuse(status, f"refused, with your Bearer {WRITER}")
            return True
    return False


@pytest.fixture(scope="module")
def refused(hub: CommitHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What was said to the fault of every kind, to a card with a wrong head, and to weak tokens."""
    directory = make_directory(tmp_path_factory.mktemp("refused"))
    wrong = make_directory(tmp_path_factory.mktemp("wrong"))
    (wrong / "README.md").write_text("---\nlicense: [mit]\n---\n")
    push = ["push", str(directory)]
    calls = {
        **{name: ([*push, f"me/{name}"], WRITER) for name in FAULTS},
        "wrong head": (["push", str(wrong), "me/wrong-head"], WRITER),
        "no token": ([*push, "me/closed"], None),
        "stranger": ([*push, "me/closed"], STRANGER),
        "reader": ([*push, "me/closed"], READER),
        "foreign": ([*push, "you/closed"], WRITER),
        "odd token": ([*push, "me/closed"], "hf_secret\x0bsecret secret"),
    }
    hub.store.fault = refuse_by_name
    answers = hub.gpt25(*calls.values())
    hub.store.fault = None
    no_token_in(answers)
    (again,) = hub.gpt25(calls["commit-409"])
    return dict(zip(calls, answers, strict=True)) | {"again": again}


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_hub_refuses_is_one_sentence(refused: dict[str, Answer], name: str) -> None:
    code, _, noted = refused[name]
    assert code == 2
    assert f"error: cannot push to me/{name}: {FAULTS[name][2]}" in noted


def test_once_the_hub_can_the_same_words_go_on(refused: dict[str, Answer], hub: CommitHub) -> None:
    code, _, noted = refused["again"]
    assert code == 0, noted
    assert hub.store.repositories["me/commit-409"].messages == ["Add the model"]


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("wrong head", "cannot push to me/wrong-head: the Hub does not take the head of README.md: - wrong types."),
        ("no token", "there is no token for the Hub; log in with `hf auth login` or set HF_TOKEN, to a token that may"),
        ("stranger", "the Hub does not know the token (401)"),
        ("reader", "the token may not write there (403); me must be you or an organisation of yours"),
        ("foreign", "the token may not write there (403); you must be you or an organisation of yours"),
        ("odd token", "cannot push to me/closed: LocalProtocolError: Illegal header value b'Bearer (a token)'"),
    ],
)
def test_cards_and_tokens_that_do_not_do_are_one_sentence(
    refused: dict[str, Answer], hub: CommitHub, who: str, sentence: str
) -> None:
    code, _, noted = refused[who]
    assert code == 2
    assert sentence in noted
    assert "secret" not in noted
    assert not {"me/closed", "you/closed"} & set(hub.store.repositories)


def test_without_a_network_it_is_one_sentence(
    directory: Path, hub: CommitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["push", str(directory), "me/far-away"]
    ((code, _, noted),) = hub.gpt25((words, WRITER), HF_ENDPOINT="http://127.0.0.1:9")
    assert code == 2
    assert "error: cannot push to me/far-away: the Hub cannot be reached; check the connection, and HF_END" in noted
    assert main(words) == 2  # the tests' own surroundings are offline
    said = capsys.readouterr().err
    assert "error: cannot push to me/far-away: HF_HUB_OFFLINE forbids asking the Hub; unset it." in said


@pytest.mark.parametrize("name", ["mine", "me/", "/x", "me/a/b", "me/a--b", "me/a b", "me/x.git", "me/" + "x" * 96])
def test_names_that_the_hub_does_not_take_are_refused(
    name: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(directory), name, "--dry-run"]) == 2
    assert f"error: {name!r} is no name for a model on the Hub; one has the form owner/name" in capsys.readouterr().err


def test_what_is_no_model_of_this_machine_is_refused(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(directory, tmp_path / "weightless")
    (tmp_path / "weightless" / "model.safetensors").unlink()
    for word, said in (
        ("gpt2", "there is no directory gpt2. `gpt25 push` sends a run or a model directory of this machine."),
        ("openai-community/gpt2", "there is no directory openai-community/gpt2"),
        (str(tmp_path / "empty"), "holds neither config.json nor a run"),
        (str(tmp_path / "weightless"), "without weights it is no model"),
    ):
        assert main(["push", word, "me/x", "--dry-run"]) == 2
        assert said in capsys.readouterr().err
