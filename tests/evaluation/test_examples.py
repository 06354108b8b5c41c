import json
from pathlib import Path

import pytest

from gpt25.errors import DataError, EvaluationError
from gpt25.evaluation import TASKS, ScoringSettings, find_task, read_examples, score
from gpt25.evaluation.core.core import missing_core_tasks
from gpt25.evaluation.protocols.last_word import LastWordItem
from gpt25.evaluation.sets.harness_wikitext import harness_page, harness_pages
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
        assert bool(task.hub) == (task.name not in ("loss", "climbmix", "openwebtext", "core")), task.name
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


def test_line_ends_of_windows_and_a_mark_change_nothing(tmp_path: Path) -> None:
    plain, other = tmp_path / "wiki.raw", tmp_path / "other.raw"
    plain.write_text(WIKITEXT)
    for content in (WIKITEXT.replace("\n", "\r\n"), "\ufeff" + WIKITEXT, WIKITEXT.replace("\n", "\r")):
        other.write_bytes(content.encode())
        for name in ("wikitext2", "wikitext2-articles", "1bw"):
            assert read_examples(TASKS[name], str(other)).texts == read_examples(TASKS[name], str(plain)).texts
    other.write_bytes(b"a\r\nb")
    assert read_examples(TASKS["enwik8"], str(other)).texts[0].bytes == 4  # what is measured by bytes keeps them


def test_a_text_that_is_not_cut_into_words_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "wiki.txt"
    path.write_text("It was detokenised already, you see.\nAll of it.\n")
    assert "(no line of it was de-tokenised: " in read_examples(TASKS["wikitext2"], str(path)).source
    assert read_examples(TASKS["enwik8"], str(path)).source == str(path)
    path.write_text(WIKITEXT)
    assert read_examples(TASKS["wikitext2"], str(path)).source == str(path)


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


GOOD = {"ctx": "He", "endings": ["ran", "sat"], "label": "0"}


def test_rows_that_do_not_fit_are_named(tmp_path: Path) -> None:
    unknown = r"set.jsonl, row 2 has no field 'endings'. The task hellaswag does not know rows with the fields query"
    with pytest.raises(DataError, match=unknown):
        read_examples(TASKS["hellaswag"], lines(tmp_path, GOOD, {"query": "He"}))
    wrong = (
        r"set.jsonl, row 1 cannot be read by the task hellaswag: label is '5', expected a whole number from 0 to 1\."
    )
    with pytest.raises(DataError, match=wrong) as raised:
        read_examples(TASKS["hellaswag"], lines(tmp_path, GOOD | {"label": "5"}))
    assert "does not know" not in str(raised.value)
    assert "with --skip-invalid" in str(raised.value)
    with pytest.raises(DataError, match="row 1 cannot be read by the task lambada: a passage needs at least two words"):
        read_examples(TASKS["lambada"], lines(tmp_path, {"text": "word"}))
    with pytest.raises(DataError, match="row 1 cannot be read by the task lambada: continuation is empty"):
        read_examples(TASKS["lambada"], lines(tmp_path, {"context": "He sat", "continuation": " "}))


@pytest.mark.parametrize("label", ["", None, -1])
def test_a_set_without_answers_is_its_test_split(tmp_path: Path, label: object) -> None:
    path = lines(tmp_path, *[GOOD | {"label": label}] * 3)
    for skip_invalid in (False, True):
        with pytest.raises(DataError, match="set.jsonl has no answers, as the test splits of many sets") as raised:
            read_examples(TASKS["hellaswag"], path, skip_invalid=skip_invalid)
        assert str(raised.value).startswith(f"{path}, row 1 does not say which answer is right: label is ")
    with pytest.raises(DataError, match="row 2 does not say which answer is right: label is .*--skip-invalid"):
        read_examples(TASKS["hellaswag"], lines(tmp_path, GOOD, GOOD | {"label": label}))


def test_a_bad_row_is_left_out_and_counted_where_that_is_asked(tmp_path: Path) -> None:
    path = lines(tmp_path, GOOD, GOOD | {"label": 7}, GOOD | {"endings": "sat"}, GOOD)
    examples = read_examples(TASKS["hellaswag"], path, skip_invalid=True)
    assert len(examples.choices) == 2
    assert [words.partition(" cannot")[0] for words in examples.left_out] == [f"{path}, row 2", f"{path}, row 3"]
    assert "(2 rows left out: " in examples.source
    assert ", row 2 cannot be read by the task hellaswag: label is 7" in examples.source
    with pytest.raises(DataError, match="row 1 cannot be read"):
        read_examples(TASKS["hellaswag"], lines(tmp_path, GOOD | {"label": 7}), skip_invalid=True)


def test_rows_of_arc_are_not_run_as_piqa(tmp_path: Path) -> None:
    path = lines(tmp_path, {"query": "Question: Which?", "choices": ["a", "b", "c", "d"], "gold": 0})
    assert len(read_examples(TASKS["arc-easy"], path).choices) == 1
    with pytest.raises(DataError, match="choices has 4 entries, expected 2; it may be of another set"):
        read_examples(TASKS["piqa"], path)


def test_the_pages_of_the_harness_come_from_its_own_set_or_the_release(tmp_path: Path) -> None:
    (tmp_path / "wiki.raw").write_text(WIKITEXT)
    texts = read_examples(TASKS["wikitext2-harness"], str(tmp_path / "wiki.raw")).texts
    pages = [{"page": page} for page in harness_pages(WIKITEXT)]
    assert len(pages) == 2
    assert read_examples(TASKS["wikitext2-harness"], lines(tmp_path, *pages)).texts == texts
    assert texts == [harness_page(page["page"]) for page in pages]


def test_a_whole_text_knows_its_articles_or_lines(tmp_path: Path) -> None:
    path = tmp_path / "wiki.raw"
    path.write_text(WIKITEXT)
    for name, kind, number in (("wikitext2", "articles", 2), ("ptb", "lines", 12), ("enwik8", "lines", 12)):
        (whole,) = read_examples(TASKS[name], str(path)).texts
        assert (whole.kind_of_parts, len(whole.parts)) == (kind, number)
        for field in ("words", "bytes", "characters"):
            assert sum(getattr(part, field) for part in whole.parts) == getattr(whole, field)
        assert whole.text == "".join(part.text for part in whole.parts)


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
