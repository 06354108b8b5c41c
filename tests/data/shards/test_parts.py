import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from gpt25.data import PreparedData, open_shards, prepare, read_documents, read_prepared_data, verify
from gpt25.data.sources.part import Part
from gpt25.errors import ConfigurationError, DataError
from gpt25.tokenizer import Tokenizer


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Files of every kind, of different sizes."""
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [f"row {number}" for number in range(300)]
    parquet.write_table(pyarrow.table({"text": rows}), folder / "a.parquet", row_group_size=11)
    rows_of_json = [{"text": f"line {number} ü" * (number % 9)} for number in range(400)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of_json)
    (folder / "b.jsonl").write_text(lines)
    (folder / "b2.jsonl").write_bytes(("\ufeff" + lines.replace("ü", "猫" * 9)).encode("utf-16-le"))
    (folder / "b3.json").write_text(json.dumps([{"text": f"entry {number}"} for number in range(50)]))
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(lines.replace("line", "packed").encode()))
    for number in range(9):
        (folder / f"d{number}.txt").write_text(f"text {number}\n" * 40 * number)
    return folder


def prepare_parts(
    sources: Path, tokenizer: Tokenizer, out: Path, count: int, numbers: list[int] | None = None, **words: float
) -> list[PreparedData]:
    numbers = list(range(1, count + 1)) if numbers is None else numbers
    readers = [read_documents([sources], part=Part(number, count)) for number in numbers]
    return [prepare(reader, tokenizer, out, number_of_processes=1, **words) for reader in readers]


@pytest.mark.parametrize("count", [2, 3, 7, 64, 1000])
def test_all_parts_one_after_the_other_are_the_whole(sources: Path, count: int) -> None:
    whole = [document.content for document in read_documents([sources])]
    parts = [read_documents([sources], part=Part(number, count)) for number in range(1, count + 1)]
    pieces = [[document.content for document in part] for part in parts]
    assert [content for piece in pieces for content in piece] == whole
    if count == 7:
        assert all(pieces)
    total = sum(path.stat().st_size for path in sources.iterdir())
    assert 0.9 * total < sum(part.source_bytes for part in parts) < 1.1 * total


@pytest.mark.parametrize("words", [{}, {"validation_tokens": 700}])
def test_prepared_in_parts_it_is_the_same_data_set(
    tmp_path: Path, sources: Path, tokenizer: Tokenizer, words: dict[str, float]
) -> None:
    whole = prepare(read_documents([sources]), tokenizer, tmp_path / "whole", **words)
    parts = prepare_parts(sources, tokenizer, tmp_path / "parts", 7, **words)
    assert len({part.directory for part in parts}) == 7
    joined = verify(tmp_path / "parts")
    assert joined == read_prepared_data(tmp_path / "parts")
    for name in ("train", "validation"):
        one, many = open_shards(tmp_path / "whole", name), open_shards(tmp_path / "parts", name, tokenizer=tokenizer)
        assert len(many.paths) >= 1
        assert one.number_of_tokens == many.number_of_tokens > 0
        assert one.number_of_bytes == many.number_of_bytes
        assert np.array_equal(one.tokens(0, one.number_of_tokens), many.tokens(0, many.number_of_tokens))
        assert joined.split(name).documents == whole.split(name).documents
    assert joined.counts == whole.counts
    assert Tokenizer.from_word(tmp_path / "parts").fingerprint == tokenizer.fingerprint
    assert prepare_parts(sources, tokenizer, tmp_path / "parts", 7, [3], **words) == [parts[2]]


def test_a_part_without_text_is_a_part(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a lone text")
    parts = prepare_parts(tmp_path / "in", tokenizer, tmp_path / "out", 3, validation_fraction=0.2)
    assert [(part.train.documents, part.validation.documents) for part in parts] == [(1, 1), (0, 0), (0, 0)]
    assert all(part.split_rule == "position" for part in parts)
    assert verify(tmp_path / "out").train.documents == 1


def test_of_few_documents_in_parts_a_piece_of_each_is_held_out(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "in").mkdir()
    for number in range(6):
        (tmp_path / "in" / f"{number}.txt").write_text(f"line of document {number}\n" * 50)
    whole = prepare(read_documents([tmp_path / "in"]), tokenizer, tmp_path / "whole")
    parts = prepare_parts(tmp_path / "in", tokenizer, tmp_path / "parts", 3)
    assert {part.split_rule for part in parts} == {whole.split_rule} == {"position"}
    joined = verify(tmp_path / "parts")
    assert (joined.train.tokens, joined.validation.tokens) == (whole.train.tokens, whole.validation.tokens)
    assert joined.validation.documents == 6


def test_parts_that_leave_nothing_to_validate_on_are_an_error(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a lone text")
    prepare_parts(tmp_path / "in", tokenizer, tmp_path / "out", 2, validation_fraction=0.001)
    for use in (verify, read_prepared_data):
        with pytest.raises(DataError, match=r"no text is left for the validation split: 1 document .* a larger one"):
            use(tmp_path / "out")


def test_what_does_not_fit_together_is_told(tmp_path: Path, sources: Path, tokenizer: Tokenizer) -> None:
    out = tmp_path / "out"
    prepare_parts(sources, tokenizer, out, 12, [1, 4])
    with pytest.raises(DataError, match=r"out: 10 of 12 parts are missing or not finished: 2/12, 3/12, 5/12, .* …"):
        verify(out)
    with pytest.raises(DataError, match=r"the same `gpt25 data prepare` and --part 2/12"):
        open_shards(out, "train")
    with pytest.raises(DataError, match=r"are made with the tokenizer .* not with gpt2 .*all parts need the same"):
        prepare_parts(sources, Tokenizer.gpt2(), out, 12, [2])
    with pytest.raises(DataError, match="out holds parts of a data set; choose another output directory"):
        prepare(read_documents([sources]), tokenizer, out)
    prepare_parts(sources, tokenizer, out, 5, [1])
    with pytest.raises(DataError, match="out holds parts of different divisions: of 5, of 12"):
        verify(out)
    prepare(read_documents([sources]), tokenizer, tmp_path / "whole")
    with pytest.raises(DataError, match="whole holds a complete data set; choose another output directory for parts"):
        prepare_parts(sources, tokenizer, tmp_path / "whole", 5, [1])


def test_a_part_that_is_there_twice_or_strange_is_told(tmp_path: Path, sources: Path, tokenizer: Tokenizer) -> None:
    out = tmp_path / "out"
    first, second, third = prepare_parts(sources, tokenizer, out, 3)

    def replaced(change: dict) -> None:
        index = json.loads((second.directory / "index.json").read_text())
        (third.directory / "index.json").write_text(json.dumps(index | change))

    shutil.copytree(third.directory, tmp_path / "kept")
    shutil.rmtree(third.directory)
    shutil.copytree(second.directory, third.directory)
    with pytest.raises(DataError, match=r"index\.json describes part 2/3, its folder's name says 3/3; a folder was"):
        verify(out)
    part = {"number": 3, "count": 3, "sources_sha256": "x"}
    replaced({"part": part})
    with pytest.raises(DataError, match=r"part 3/3 was cut from other files, or read with another --field"):
        verify(out)
    assert first.part is not None
    part["sources_sha256"] = first.part.sources_sha256
    replaced({"part": part})
    with pytest.raises(DataError, match="part-00002-of-00003 and part-00003-of-00003 hold the same text"):
        verify(out)
    replaced({"part": part, "tokenizer_fingerprint": "abc", "tokenizer_name": "other"})
    with pytest.raises(DataError, match=r"part 3/3 was made with the tokenizer other \(abc\), part 1 with"):
        verify(out)
    replaced({"part": part, "validation_fraction": 0.5})
    with pytest.raises(DataError, match=r"part 3/3 was split with the validation fraction 0\.5, part 1 with 0\.05"):
        verify(out)
    shutil.rmtree(third.directory)
    (tmp_path / "kept").rename(third.directory)
    assert verify(out).train.tokens == sum(part.train.tokens for part in (first, second, third))


def test_parts_that_hold_out_by_different_rules_do_not_fit(tmp_path: Path, sources: Path, tokenizer: Tokenizer) -> None:
    prepare_parts(sources, tokenizer, tmp_path / "out", 2, [1], validation_tokens=100)
    prepare_parts(sources, tokenizer, tmp_path / "out", 2, [2])
    with pytest.raises(DataError, match=r"part 2/2 was split with the validation fraction 0\.05, part 1 with 0\.0"):
        verify(tmp_path / "out")


def test_a_word_that_is_no_part_is_refused() -> None:
    assert Part.parse("3/64") == Part(3, 64)
    for word in ("3", "a/b", "3/64/2", "-1/4", ""):
        with pytest.raises(ConfigurationError, match=r"a part is written NUMBER/COUNT, such as 3/64, not "):
            Part.parse(word)
    for word in ("0/4", "5/4", "0/0"):
        with pytest.raises(ConfigurationError, match=r"there is no part \d of \d: parts go from 1/\d to \d/\d"):
            Part.parse(word)
