"""Which checkpoint of which run a MODEL word means, and where its scores are kept."""

from pathlib import Path

import pytest

from gpt25.cli.run_checkpoint import checkpoint_of
from gpt25.errors import CorruptFileError
from gpt25.records import RunDirectory
from gpt25.storage import write_json, write_manifest


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "mine")
    for update in (5, 10):
        run.checkpoint_path(update).mkdir(parents=True)
        write_json(run.checkpoint_path(update) / "state.json", {"update": update, "tokens": 100 * update})
        write_manifest(run.checkpoint_path(update))
    return run


def test_a_word_is_pinned_to_its_update(run: RunDirectory) -> None:
    for word, update in ((f"{run.path}", 10), (f"{run.path}@newest", 10), (f"{run.path}@5", 5)):
        checkpoint = checkpoint_of(word)
        assert checkpoint is not None
        assert checkpoint.word == f"{run.path}@{update}"
    assert checkpoint_of("gpt2") is None
    assert checkpoint_of("owner/name@main") is None


def test_scores_are_kept_with_update_and_tokens(run: RunDirectory) -> None:
    checkpoint = checkpoint_of(f"{run.path}@5")
    assert checkpoint is not None
    content = {"task": "hellaswag", "limit": None, "metrics": {"accuracy": 0.3}}
    assert checkpoint.keep(content).name == "hellaswag-update-000005.json"
    assert checkpoint.keep({**content, "limit": 20}).name == "hellaswag-update-000005-first-20.json"
    kept = run.evaluations()
    assert [(each["update"], each["tokens"], each["limit"]) for each in kept] == [(5, 500, 20), (5, 500, None)]
    (run.evaluations_path / "x.json").write_text("[]")
    with pytest.raises(CorruptFileError, match=r"x\.json holds a list, not an object"):
        run.evaluations()
