import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers

from gpt25.errors import StorageError, TokenizerError
from gpt25.tokenizer import Tokenizer, hugging_face_parts, hugging_face_reader

FAST = "tokenizer.json"
PAIR = ("vocab.json", "merges.txt")
CONFIGURATION = "tokenizer_config.json"


@pytest.fixture
def saved(small: Tokenizer, tmp_path: Path) -> Path:
    small.save(tmp_path / "saved")
    return tmp_path / "saved"


def keep(directory: Path, *names: str) -> Path:
    for path in directory.iterdir():
        if path.name not in names:
            path.unlink()
    return directory


def change(path: Path, edit: Callable[[dict], object]) -> None:
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def fast_engine(directory: Path) -> tokenizers.Tokenizer:
    engine = tokenizers.Tokenizer.from_file(str(directory / FAST))
    engine.encode_special_tokens = True
    return engine


def test_a_saved_and_loaded_twin_is_the_same(small: Tokenizer, saved: Path, hostile_texts: list[str]) -> None:
    assert sorted(path.name for path in saved.iterdir()) == sorted([FAST, *PAIR, CONFIGURATION])
    twin = Tokenizer.load(saved)
    assert (twin.fingerprint, twin.name, twin.end_of_text_id) == (small.fingerprint, small.name, small.end_of_text_id)
    assert [twin.encode(text) for text in hostile_texts] == [small.encode(text) for text in hostile_texts]


@pytest.mark.parametrize("names", [(FAST,), PAIR, (*PAIR, CONFIGURATION)])
def test_either_form_of_the_files_is_enough(names: tuple[str, ...], small: Tokenizer, saved: Path) -> None:
    assert Tokenizer.load(keep(saved, *names)).fingerprint == small.fingerprint


def test_openai_names_of_the_pair_are_read(small: Tokenizer, saved: Path) -> None:
    keep(saved, *PAIR)
    (saved / "vocab.json").rename(saved / "encoder.json")
    (saved / "merges.txt").rename(saved / "vocab.bpe")
    assert Tokenizer.load(saved).fingerprint == small.fingerprint


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le"])
def test_a_merge_list_with_a_mark_and_line_ends_of_windows_is_read(codec: str, small: Tokenizer, saved: Path) -> None:
    path = keep(saved, *PAIR) / "merges.txt"
    path.write_bytes(("\ufeff" + path.read_text().replace("\n", "\r\n")).encode(codec))
    assert Tokenizer.load(saved).fingerprint == small.fingerprint


def test_merges_may_be_pairs_or_strings(small: Tokenizer, saved: Path) -> None:
    change(saved / FAST, lambda file: file["model"].update(merges=[merge.split() for merge in file["model"]["merges"]]))
    assert Tokenizer.load(keep(saved, FAST)).fingerprint == small.fingerprint


def test_gpt2_is_recognised_after_saving_and_loading(tmp_path: Path) -> None:
    Tokenizer.gpt2().save(tmp_path)
    twin = Tokenizer.load(tmp_path)
    assert (twin.name, twin.fingerprint) == ("gpt2", Tokenizer.gpt2().fingerprint)


def test_gpt2_as_this_package_writes_it_is_taken_from_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the hash of tokenizer.json: where the writer changes, so does `_GPT2_SHA256`."""
    Tokenizer.gpt2().save(tmp_path)
    path = tmp_path / "tokenizer.json"
    slowly: list[Path] = []
    monkeypatch.setattr(
        hugging_face_reader,
        "read_fast_file",
        lambda path: slowly.append(path) or hugging_face_parts.read_fast_file(path),
    )
    found = hugging_face_reader.read_vocabulary(tmp_path)
    assert (path.stat().st_size, slowly) == (hugging_face_reader._GPT2_BYTES, [])
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace('"version": "1.0"', '"version": "1.1"'), encoding="utf-8")
    read = hugging_face_reader.read_vocabulary(tmp_path)
    assert slowly == [path]
    assert read == found
    assert list(read.ordinary.items()) == list(found.ordinary.items())
    path.write_text(content, encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"eos_token": "!"}')
    hugging_face_reader.read_vocabulary(tmp_path)
    assert slowly == [path, path]


def test_saving_where_nothing_can_be_written_is_refused(small: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write .*file: a file stands there. Move it away or choose another"):
        small.save(tmp_path / "file")


def add_tokens(directory: Path, *tokens: dict) -> None:
    usual = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    change(directory / FAST, lambda file: file["added_tokens"].extend(usual | token for token in tokens))


def test_added_tokens_are_special_or_stand_for_their_text(small: Tokenizer, saved: Path, tmp_path: Path) -> None:
    chat = {"id": 400, "content": "<|im_start|>"}
    shorter = {"id": 401, "content": "<user", "special": False}
    longer = {"id": 402, "content": "<user> says", "special": False}
    add_tokens(keep(saved, FAST), chat, shorter, longer)
    tokenizer = Tokenizer.load(saved)
    assert tokenizer.vocabulary_size == 403
    assert tokenizer.special_tokens == {"<|endoftext|>": 399, "<|im_start|>": 400}
    text = "<|im_start|>a<user> says b<user>c<|endoftext|>"
    ids = tokenizer.encode(text)
    assert [identifier for identifier in ids if identifier >= 399] == [402, 401]
    assert tokenizer.decode(ids) == text
    assert tokenizer.decode([400, 402, 401]) == "<|im_start|><user> says<user"
    assert fast_engine(saved).encode(text).ids == ids
    tokenizer.save(tmp_path / "again")
    assert Tokenizer.load(tmp_path / "again").fingerprint == tokenizer.fingerprint != small.fingerprint
    assert fast_engine(tmp_path / "again").encode(text).ids == ids


def test_added_tokens_beside_the_pair_are_read(saved: Path) -> None:
    keep(saved, *PAIR)
    (saved / "added_tokens.json").write_text('{"<user>": 400, "<pad>": 401}')
    described = {"400": {"content": "<user>", "special": False}, "402": {"content": "<end>", "special": True}}
    (saved / CONFIGURATION).write_text(
        json.dumps({"added_tokens_decoder": described, "eos_token": {"content": "<end>"}})
    )
    tokenizer = Tokenizer.load(saved)
    assert tokenizer.special_tokens == {"<|endoftext|>": 399, "<pad>": 401, "<end>": 402}
    assert tokenizer.end_of_text_id == 402
    assert tokenizer.encode("<user>")[0] == 400


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("content", ["!", "er", "the"])
def test_an_added_token_that_merges_make_too_is_matched_before_them(
    content: str, special: bool, small: Tokenizer, saved: Path, many_texts: list[str]
) -> None:
    (identifier,) = small.encode(content)
    add_tokens(keep(saved, FAST), {"id": identifier, "content": content, "special": special})
    tokenizer, engine = Tokenizer.load(saved), tokenizers.Tokenizer.from_file(str(saved / FAST))
    texts = [text for text in [*many_texts, "then the theme!! there"] if "<|endoftext|>" not in text]
    assert [tokenizer.encode(text) for text in texts] == [engine.encode(text).ids for text in texts]
    assert tokenizer.fingerprint != small.fingerprint
    assert tokenizer.vocabulary_size == small.vocabulary_size
    assert tokenizer.decode(tokenizer.encode("then!")) == "then!"
    tokenizer.save(saved)
    again = Tokenizer.load(saved)
    assert again.fingerprint == tokenizer.fingerprint
    assert [again.encode(text) for text in texts] == [tokenizer.encode(text) for text in texts]


def test_an_added_token_of_another_id_than_merges_give_it_is_refused(saved: Path) -> None:
    add_tokens(keep(saved, FAST), {"id": 400, "content": "!"})
    with pytest.raises(
        TokenizerError, match=r"tokenizer\.json: '!' has id \d+ in the vocabulary, 400 as an added token"
    ):
        Tokenizer.load(saved)


@pytest.mark.parametrize("names", [(FAST,), PAIR])
def test_ids_may_have_gaps(names: tuple[str, ...], small: Tokenizer, saved: Path) -> None:
    keep(saved, *names)
    if names == PAIR:
        (saved / "added_tokens.json").write_text('{"<|pad|>": 405}')
    else:
        add_tokens(saved, {"id": 405, "content": "<|pad|>", "special": True})
    tokenizer = Tokenizer.load(saved)
    assert tokenizer.vocabulary_size == 406
    assert tokenizer.special_tokens["<|pad|>"] == 405
    assert tokenizer.decode([*small.encode("the"), 402, 405]) == "the<|pad|>"
    assert tokenizer.encode("the dog") == small.encode("the dog")
    table = tokenizer.table()
    assert (table.texts[402], table.kinds[402]) == ("[UNUSED402]", "unused")
    tokenizer.save(saved)
    assert "[UNUSED402]" not in (saved / FAST).read_text()
    assert Tokenizer.load(saved).fingerprint == tokenizer.fingerprint
    assert tokenizers.Tokenizer.from_file(str(saved / FAST)).token_to_id("<|pad|>") == 405


def test_tokens_that_nothing_makes_are_special(saved: Path) -> None:
    change(keep(saved, FAST) / FAST, lambda file: file["model"]["vocab"].update({"madeupword0000": 400, "Ġà": 401}))
    tokenizer = Tokenizer.load(saved)
    assert tokenizer.vocabulary_size == 402
    assert {400, 401}.isdisjoint(tokenizer.encode("madeupword0000"))
    assert tokenizer.token_bytes(401) == b" \xe0"


def test_ids_in_another_order_than_the_merges_are_kept(small: Tokenizer, saved: Path, hostile_texts: list[str]) -> None:
    change(
        keep(saved, FAST) / FAST,
        lambda file: (
            file["model"].update(vocab={text: 399 - identifier for text, identifier in file["model"]["vocab"].items()}),
            file["added_tokens"][0].update(id=0),
        ),
    )
    tokenizer = Tokenizer.load(saved)
    assert tokenizer.end_of_text_id == 0
    assert tokenizer.fingerprint != small.fingerprint
    for text in hostile_texts:
        ids = tokenizer.encode(text)
        assert ids == [399 - identifier for identifier in small.encode(text)] == fast_engine(saved).encode(text).ids
        assert tokenizer.decode(ids) == text
    assert tokenizer.encode_bytes(b"\xff") == [399 - identifier for identifier in small.encode_bytes(b"\xff")]


def test_special_tokens_may_come_first(small: Tokenizer, saved: Path) -> None:
    change(
        keep(saved, FAST) / FAST,
        lambda file: (
            file["model"].update(
                vocab={text: (identifier + 1) % 400 for text, identifier in file["model"]["vocab"].items()}
            ),
            file["added_tokens"][0].update(id=0),
        ),
    )
    tokenizer = Tokenizer.load(saved)
    assert tokenizer.encode("the dog") == [identifier + 1 for identifier in small.encode("the dog")]


@pytest.mark.parametrize("place", [CONFIGURATION, "special_tokens_map.json"])
def test_the_declared_end_of_text_wins(place: str, saved: Path) -> None:
    keep(saved, FAST)
    add_tokens(saved, {"id": 400, "content": "<end>", "special": False})
    (saved / place).write_text('{"eos_token": "<end>"}')
    tokenizer = Tokenizer.load(saved)
    assert tokenizer.end_of_text_id == 400
    assert 400 not in tokenizer.encode("<end>")


def model(**changes: object) -> Callable[[dict], object]:
    return lambda file: file["model"].update(changes)


def without(text: str) -> Callable[[dict], object]:
    return lambda file: file["model"]["vocab"].pop(text)


MALFORMED: dict[str, tuple[Callable[[dict], object], str]] = {
    "another model": (model(type="Unigram"), "its model is 'Unigram', not 'BPE'. Only byte-level BPE"),
    "no model": (lambda file: file.pop("model"), "its model is None, not 'BPE'"),
    "normaliser": (lambda file: file.update(normalizer={"type": "NFC"}), "changes the text first (normalizer 'NFC')"),
    "splitter": (lambda file: file.update(pre_tokenizer={"type": "Metaspace"}), "(pre_tokenizer 'Metaspace')"),
    "no splitter": (lambda file: file.update(pre_tokenizer=None), "splits text by another rule (pre_tokenizer None)"),
    "own split": (lambda file: file["pre_tokenizer"].update(use_regex=False), "splits text by another rule"),
    "prefix space": (lambda file: file["pre_tokenizer"].update(add_prefix_space=True), "a space before every text"),
    "byte fallback": (model(byte_fallback=True), "its model has byte_fallback True"),
    "word ends": (model(end_of_word_suffix="</w>"), "its model has end_of_word_suffix '</w>'"),
    "whole words": (model(ignore_merges=True), "its model has ignore_merges True"),
    "vocabulary list": (model(vocab=[1]), "the vocabulary is a list, expected an object of ids"),
    "no vocabulary": (model(vocab=None), "the vocabulary is null, expected an object of ids"),
    "id text": (
        lambda file: file["model"]["vocab"].update({"a": "64"}),
        "the id of 'a' is '64', expected a whole number",
    ),
    "id true": (lambda file: file["model"]["vocab"].update({"a": True}), "the id of 'a' is True, expected a whole"),
    "no byte": (without("Ā"), "1 of the 256 bytes have no token, the first is 0x00 ('Ā'), so this is not a byte-level"),
    "far away": (
        lambda file: file["added_tokens"].append({"id": 1 << 20, "content": "<x>"}),
        "'<x>' has id 1048576; ids are from 0 to 1,048,575",
    ),
    "twice": (
        lambda file: file["added_tokens"].append({"id": 7, "content": "<x>"}),
        "id 7 is given twice, to '(' and to '<x>'; every id has one token",
    ),
    "negative": (lambda file: file["added_tokens"].append({"id": -1, "content": "<x>"}), "'<x>' has id -1; ids are"),
    "two ids": (lambda file: file["added_tokens"][0].update(id=5), "has id 399 in the vocabulary, 5 as an added token"),
    "added list": (lambda file: file.update(added_tokens={"a": 1}), "added_tokens is an object, expected a list"),
    "merges": (lambda file: file["model"].update(merges=True), "model.merges is true or false, expected a list"),
    "added id": (
        lambda file: file["added_tokens"].append({"content": "<x>"}),
        "{'content': '<x>'} lacks its content or",
    ),
    "added text": (lambda file: file["added_tokens"].append({"id": 400, "content": ""}), "lacks its content or its id"),
    "added word": (
        lambda file: file["added_tokens"].append("<x>"),
        "the added token '<x>' lacks its content or its id",
    ),
    "stripping": (
        lambda file: file["added_tokens"].append({"id": 400, "content": "<x>", "special": False, "lstrip": True}),
        "its added token '<x>' is matched in text with lstrip",
    ),
    "unknown in merge": (
        lambda file: file["model"]["merges"].append("xyz a"),
        "merge 144 ('xyz', 'a') needs the unknown token 'xyz'",
    ),
    "merge of three": (
        lambda file: file["model"]["merges"].append("a b c"),
        "merge 144 is 'a b c', expected two tokens",
    ),
    "merge of none": (lambda file: file["model"]["merges"].append(["a", ""]), "merge 144 is ['a', ''], expected two"),
    "no end": (
        lambda file: (file["model"]["vocab"].pop("<|endoftext|>"), file.update(added_tokens=[])),
        "there is no end-of-text token: neither <|endoftext|> nor an eos_token that is a token of its own (it is None)",
    ),
    "merges lost": (
        lambda file: file["model"].update(vocab=file["model"]["vocab"] | {f"w{n}": 400 + n for n in range(1100)}),
        "1,100 tokens of the vocabulary, the first is 'w0', are made by none of the 143 merges",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_fast_file_is_named_with_what_is_wrong(case: str, saved: Path) -> None:
    edit, message = MALFORMED[case]
    change(keep(saved, FAST) / FAST, edit)
    with pytest.raises(TokenizerError) as raised:
        Tokenizer.load(saved)
    assert str(raised.value).startswith(f"{saved / FAST}: ")
    assert message in str(raised.value)


@pytest.mark.parametrize("name", [FAST, "vocab.json", CONFIGURATION, "added_tokens.json", "special_tokens_map.json"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1, "b', "is not JSON: .* It may have been cut off: fetch or save it again"),
        ("[1, 2]", "holds a list, expected an object"),
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_is_no_json_object_is_named(name: str, content: str, message: str, saved: Path) -> None:
    keep(saved, *(PAIR if name != FAST else ()))
    (saved / name).write_text(content)
    with pytest.raises(TokenizerError, match=f"{saved / name} {message}"):
        Tokenizer.load(saved)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text[:-3], "does not end with a line break, so it was probably cut off"),
        (lambda text: "", "does not end with a line break"),
        (lambda text: text + "q\n", r": merge 144 is 'q', expected two tokens"),
        (lambda text: text + "xyz a\n", r": merge 144 \('xyz', 'a'\) needs the unknown token 'xyz'"),
        (lambda text: text.replace("\n", "\nt h e\n", 1), r": merge 1 is 't h e', expected two tokens"),
    ],
)
def test_a_damaged_merge_list_is_named(edit: Callable[[str], str], message: str, saved: Path) -> None:
    path = keep(saved, *PAIR) / "merges.txt"
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(TokenizerError, match=f"{path} ?{message}"):
        Tokenizer.load(saved)


def test_a_merge_list_that_is_no_text_is_named(saved: Path) -> None:
    (keep(saved, *PAIR) / "merges.txt").write_bytes(b"\xff\xfe\n")
    with pytest.raises(TokenizerError, match=r"merges\.txt: byte 2 .* is not UTF-16"):
        Tokenizer.load(saved)


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"tokenizer_class": "Qwen2Tokenizer"}, "its tokenizer_class is 'Qwen2Tokenizer'. Only byte-level BPE"),
        ({"tokenizer_class": "CLIPTokenizerFast"}, "its tokenizer_class is 'CLIPTokenizerFast'"),
        ({"add_prefix_space": True}, "it puts a space before every text (add_prefix_space)"),
        ({"added_tokens_decoder": [1]}, "added_tokens_decoder is [1], expected an object"),
        ({"added_tokens_decoder": {"x": {"content": "<x>"}}}, "lacks its content or its id"),
    ],
)
def test_a_configuration_of_another_kind_is_refused(configuration: dict, message: str, saved: Path) -> None:
    path = keep(saved, *PAIR) / CONFIGURATION
    path.write_text(json.dumps(configuration))
    with pytest.raises(TokenizerError) as raised:
        Tokenizer.load(saved)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)


@pytest.mark.parametrize("names", [(), ("vocab.json",), ("merges.txt", CONFIGURATION)])
def test_half_a_tokenizer_is_refused_with_what_is_missing(names: tuple[str, ...], saved: Path) -> None:
    keep(saved, *names)
    with pytest.raises(
        TokenizerError, match=r"saved holds neither tokenizer\.json nor both vocab\.json and merges\.txt"
    ):
        Tokenizer.load(saved)
    assert not Tokenizer.is_in(saved)
