import json
from pathlib import Path

import pytest

from gpt25.errors import DataError, EvaluationError
from gpt25.evaluation import TASKS, ScoringSettings, find_task, read_examples, score
from gpt25.evaluation.core.core import missing_core_tasks
from gpt25.evaluation.protocols.last_word import LastWordItem
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer

WIKITEXT = " \n = First = \n \n The cat sat . \n \n = = Part = = \n \n It ran . \n \n = Second = \n \n More . \n"


def lines(tmp_path: Path, *rows: object) -> str:
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_task_is_found_by_its_name_or_the_nearest_is_offered() -> None:
    assert find_task("hellaswag") is TASKS["hellaswag"]
    with pytest.raises(EvaluationError, match=r"there is no task 'WikiText-2'. Did you mean 'wikitext2'\? The"):
        find_task("WikiText-2")


def test_every_task_that_is_fetched_has_a_place_on_the_hub() -> None:
    for task in TASKS.values():
        assert bool(task.hub) == (task.name not in ("loss", "openwebtext", "core")), task.name
        assert all(part.repository.count("/") == 1 for part in task.hub)
        assert (task.read is not None) == (task.kind in ("multiple choice", "minimal pairs"))
    assert len(TASKS["blimp"].hub) == 67
    assert TASKS["arc-easy"].hub[0].file == "ARC-Easy/test/0000.parquet"


def test_shards_are_fetched_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt25.evaluation.examples.fetch_set", lambda part: Path("cache") / part.file)
    examples = read_examples(TASKS["fineweb"], None)
    assert examples.shards == str(Path("cache") / "fineweb_val_000000.bin")
    assert examples.source == "kjj0/fineweb10B-gpt2 on the Hub"


def test_the_sets_of_core_that_the_hub_has_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt25.evaluation.examples.fetch_set", lambda part: Path(part.repository) / part.file)
    examples = read_examples(TASKS["core"], None)
    assert examples.core is not None
    assert examples.source == f"{len(examples.core)} sets on the Hub" == "13 sets on the Hub"
    assert examples.core["coqa"] == Path("stanfordnlp/coqa/default/validation/0000.parquet")
    assert missing_core_tasks(examples.core) == [
        "jeopardy",
        "bigbench_qa_wikidata",
        "commonsense_qa",
        "bigbench_dyck_languages",
        "agi_eval_lsat_ar",
        "bigbench_cs_algorithms",
        "bigbench_operators",
        "bigbench_repeat_copy_logic",
        "bigbench_language_identification",
    ]


def test_passages_are_read_in_three_forms(tmp_path: Path) -> None:
    expected = [LastWordItem("I saw", " Shane")]
    for row in ({"text": "I saw Shane\n"}, {"context": "I saw", "continuation": "Shane"}):
        assert read_examples(TASKS["lambada"], lines(tmp_path, row)).last_words == expected
    (tmp_path / "plain.txt").write_text("I saw Shane\n")
    assert read_examples(TASKS["lambada"], str(tmp_path / "plain.txt")).last_words == expected


def test_another_release_is_named(tmp_path: Path) -> None:
    examples = read_examples(TASKS["lambada"], lines(tmp_path, {"text": "i saw shane"}, {"text": "so did ann"}))
    assert examples.source.endswith(
        "(the lower-cased release, not OpenAI's text: the published figures are of another)"
    )
    assert " (" not in read_examples(TASKS["lambada"], lines(tmp_path, {"text": "I saw"}, {"text": "a b"})).source
    path = tmp_path / "wiki.tokens"
    path.write_text(WIKITEXT.replace("cat", "<unk>"))
    for name in ("wikitext2", "wikitext2-articles", "wikitext103"):
        source = read_examples(TASKS[name], str(path)).source
        assert source == f"{path} (the release with <unk>, not the raw one: the published figures are of another)"
    assert read_examples(TASKS["1bw"], str(path)).source == str(path)


def test_texts_are_one_document_or_lines_or_articles(tmp_path: Path) -> None:
    path = tmp_path / "wiki.raw"
    path.write_text(WIKITEXT)
    (whole,) = read_examples(TASKS["wikitext2"], str(path)).texts
    assert whole.text.split("\n")[3] == "The cat sat."
    assert (whole.bytes, whole.words) == (len(WIKITEXT), len(WIKITEXT.split()))
    first, second = read_examples(TASKS["wikitext2-articles"], str(path)).texts
    assert "It ran." in first.text
    assert second.text.startswith("= Second =")
    assert len(read_examples(TASKS["1bw"], str(path)).texts) == 6


@pytest.mark.parametrize("name", ["enwik8", "text8"])
def test_of_a_whole_file_the_last_part_is_scored(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt25.evaluation.examples._WHOLE_BYTES", 100)
    monkeypatch.setattr("gpt25.evaluation.examples._TEST_BYTES", 5)
    path = tmp_path / name
    path.write_text("x" * 95 + "tests")
    assert [document.text for document in read_examples(TASKS[name], str(path)).texts] == ["tests"]
    path.write_text("shorter")
    assert [document.text for document in read_examples(TASKS[name], str(path)).texts] == ["shorter"]
    assert "last 5,000,000" in TASKS[name].note


def test_rows_that_do_not_fit_are_named(tmp_path: Path) -> None:
    good = {"ctx": "He", "endings": ["ran", "sat"], "label": "0"}
    with pytest.raises(DataError, match=r"set.jsonl, row 2 has no field 'ctx'. The task hellaswag does not know rows"):
        read_examples(TASKS["hellaswag"], lines(tmp_path, good, {"query": "He"}))
    with pytest.raises(DataError, match=r"row 1 cannot be read: invalid literal .* the fields ctx, endings, label\."):
        read_examples(TASKS["hellaswag"], lines(tmp_path, good | {"label": "x"}))
    with pytest.raises(DataError, match="row 1 cannot be read: an item has 2 contexts, 2 continuations and"):
        read_examples(TASKS["hellaswag"], lines(tmp_path, good | {"label": 5}))
    with pytest.raises(DataError, match="row 1 cannot be read: a passage needs at least two words"):
        read_examples(TASKS["lambada"], lines(tmp_path, {"text": "word"}))


def test_data_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no items for the task piqa"):
        read_examples(TASKS["piqa"], lines(tmp_path))
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(DataError, match="empty.txt holds no text for the task ptb"):
        read_examples(TASKS["ptb"], str(tmp_path / "empty.txt"))
    with pytest.raises(DataError, match="absent is no file; --data takes one file of the set ptb"):
        read_examples(TASKS["ptb"], str(tmp_path / "absent"))
    with pytest.raises(EvaluationError, match="the task loss needs --data DIRECTORY with token shards"):
        read_examples(TASKS["loss"], None)
    with pytest.raises(DataError, match="absent is no directory; CORE needs one that holds its sets' files"):
        read_examples(TASKS["core"], str(tmp_path / "absent"))


@pytest.mark.parametrize("name", ["limit", "batch_tokens", "stride"])
def test_settings_below_one_are_refused(name: str) -> None:
    with pytest.raises(EvaluationError, match=f"{name} is 0; it must be at least 1"):
        ScoringSettings(**{name: 0})


def test_a_text_needs_a_tokenizer(tiny_model: GPTModel, tmp_path: Path) -> None:
    examples = read_examples(TASKS["lambada"], lines(tmp_path, {"text": "two words"}))
    with pytest.raises(EvaluationError, match="the model has no tokenizer, and lambada is made of text. Put tokenizer"):
        score(TASKS["lambada"], examples, tiny_model, None)


def test_the_published_losses_are_of_gpt2s_tokens(tiny_model: GPTModel, byte_tokenizer: Tokenizer) -> None:
    with pytest.raises(EvaluationError, match="fineweb is the loss on tokens of GPT-2, and this model's"):
        score(TASKS["fineweb"], read_examples(TASKS["fineweb"], "shards"), tiny_model, byte_tokenizer)
