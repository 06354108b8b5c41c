"""Words into arguments: nested flags, optional values, and short answers to wrong words."""

import io
import os
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
import tyro

from gpt25.cli.parsing import help_of, known_flags, parse, subcommands
from gpt25.errors import ConfigurationError


@dataclass(frozen=True)
class Shape:
    """The shape of a model."""

    number_of_layers: int = 12
    """How many blocks."""
    dropout: float = 0.0
    """How much is dropped."""


@dataclass(frozen=True)
class Arguments:
    """Words."""

    model: tyro.conf.Positional[str]
    """Which model."""
    prompt: str
    """Text to go on from."""
    top_k: int | None = None
    """The likeliest only."""
    output: Path | None = None
    """Where to."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format."""
    shape: Shape = field(default_factory=Shape)
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Encode:
    """Text to ids."""

    text: tyro.conf.Positional[str]
    """The text."""
    json: bool = False
    """Print one JSON object on standard output."""


@dataclass(frozen=True)
class Decode:
    """Ids to text."""

    ids: tyro.conf.Positional[tuple[int, ...]]
    """The ids."""
    json: bool = False
    """Print one JSON object on standard output."""


def module(arguments: object) -> types.ModuleType:
    made = types.ModuleType(
        "made", "A sentence about the command that is a good deal longer than what fits into 80 columns."
    )
    made.Arguments = arguments
    return made


COMMAND = module(Arguments)
FAMILY = module(Annotated[Encode, tyro.conf.subcommand("encode")] | Annotated[Decode, tyro.conf.subcommand("decode")])


def refusal(words: list[str], command: types.ModuleType = COMMAND) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(command, "made", words)
    message = str(caught.value)
    assert message.count("\n") < 10
    assert not set("╭│╰") & set(message)
    *sentences, last = message.splitlines()
    assert "gpt25 made" in last
    assert last.endswith("--help lists what there is.")
    return "\n".join(sentences)


def test_positional_flags_and_defaults() -> None:
    assert parse(COMMAND, "made", ["gpt2", "--prompt", "Hello"]) == Arguments(model="gpt2", prompt="Hello")


def test_hyphens_and_underscores_are_one() -> None:
    for flag in ("--top-k", "--top_k"):
        assert parse(COMMAND, "made", ["m", "--prompt", "x", flag, "5"]).top_k == 5


def test_nested_fields_are_flags() -> None:
    parsed = parse(COMMAND, "made", ["m", "--prompt", "x", "--shape.number-of-layers", "3", "--shape.dropout", "-1"])
    assert parsed.shape == Shape(number_of_layers=3, dropout=-1.0)


@pytest.mark.parametrize("word", ["none", "None"])
def test_none_switches_an_optional_value_off(word: str) -> None:
    assert parse(COMMAND, "made", ["m", "--prompt", "x", "--top-k", word, "--output", word]).top_k is None


def test_optional_path_is_a_path() -> None:
    assert parse(COMMAND, "made", ["m", "--prompt", "x", "--output", "a/b"]).output == Path("a/b")


def test_value_that_begins_with_a_hyphen() -> None:
    assert parse(COMMAND, "made", ["m", "--prompt=-x"]).prompt == "-x"
    assert refusal(["m", "--prompt", "-x"]) == (
        "gpt25 made: missing value for argument '--prompt'. A value that begins with - is written --flag=-value."
    )


def test_missing_words_are_named_with_their_meaning() -> None:
    assert refusal([]) == "gpt25 made: missing:\n    MODEL  Which model.\n    --prompt STR  Text to go on from."


def test_unknown_flag_names_the_nearest() -> None:
    assert refusal(["m", "--promt", "x"]) == "gpt25 made has no flag --promt; did you mean --prompt?"
    assert refusal(["m", "--prompt", "x", "--shape.number-of-layer=3"]) == (
        "gpt25 made has no flag --shape.number-of-layer; did you mean --shape.number-of-layers?"
    )


def test_unknown_flag_near_nothing_lists_the_flags() -> None:
    assert refusal(["m", "--zzzzzzzz", "x"]) == (
        "gpt25 made has no flag --zzzzzzzz; its flags are --help, --json, --output, --precision, --prompt, "
        "--shape.dropout, --shape.number-of-layers, --top-k."
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--top-k", "many"], "gpt25 made: --top-k: 'many' is not a whole number"),
        (["--shape.dropout", "hot"], "gpt25 made: --shape.dropout: 'hot' is not a number"),
        (
            ["--precision", "int4"],
            "gpt25 made: 'int4' is no choice of --precision; it is one of float32, bfloat16.",
        ),
        (["another"], "gpt25 made: no place for another"),
    ],
)
def test_unreadable_words(words: list[str], message: str) -> None:
    assert refusal(["m", "--prompt", "x", *words]) == message


class Terminal(io.StringIO):
    """A standard output that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_help_and_errors_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = help_of(COMMAND, "made", ["--help"], columns=80)
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert help_of(COMMAND, "made", ["--help"], columns=80) == elsewhere
    assert refusal(["m", "--promt", "x"]) == "gpt25 made has no flag --promt; did you mean --prompt?"
    assert refusal(["m"]) == "gpt25 made: missing:\n    --prompt STR  Text to go on from."


def test_help_without_utf8_has_plain_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    monkeypatch.setattr("sys.stdout", Terminal())
    assert help_of(COMMAND, "made", ["--help"], columns=80).isascii()


def test_subcommands() -> None:
    assert subcommands(FAMILY) == ["encode", "decode"]
    assert subcommands(COMMAND) == []
    assert parse(FAMILY, "made", ["decode", "1", "2"]) == Decode(ids=(1, 2))


def test_wrong_subcommands() -> None:
    assert refusal([], FAMILY) == "gpt25 made needs one more word: encode or decode"
    assert refusal(["--json"], FAMILY) == "gpt25 made needs one more word: encode or decode"
    assert refusal(["encod", "x"], FAMILY) == "gpt25 made has no 'encod'; did you mean encode?"
    assert refusal(["zzz"], FAMILY) == "gpt25 made has no 'zzz'; did you mean encode or decode?"


def test_wrong_words_of_a_subcommand() -> None:
    assert refusal(["encode", "x", "--jsn"], FAMILY) == "gpt25 made encode has no flag --jsn; did you mean --json?"
    assert refusal(["encode"], FAMILY) == "gpt25 made encode: missing:\n    TEXT  The text."


@pytest.mark.parametrize(("command", "words"), [(COMMAND, []), (FAMILY, []), (FAMILY, ["encode"]), (FAMILY, ["x"])])
def test_help_fits_80_columns(
    command: types.ModuleType, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert parse(command, "made", [*words, "--help"]) is None
    text = capsys.readouterr().out
    assert text.startswith("usage: gpt25 made")
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_help_says_words_not_types() -> None:
    text = help_of(COMMAND, "made", ["--help"], columns=80)
    assert "MODEL" in text
    assert "--top-k INT" in text
    assert "--no-json" not in text
    assert "default: False" not in text


def test_help_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "123")
    help_of(COMMAND, "made", ["--help"], columns=80)
    assert os.environ["COLUMNS"] == "123"


def test_known_flags() -> None:
    assert known_flags(FAMILY, "made", ["encode"]) == {"--help", "--json"}
    assert "--shape.number-of-layers" in known_flags(COMMAND, "made", [])


def test_defaults_depend_on_the_first_word(capsys: pytest.CaptureFixture[str]) -> None:
    command = module(Arguments)
    shape = Shape(number_of_layers=2)
    command.defaults = lambda words: (
        Arguments(model=words[0], prompt="p", shape=shape) if words and not words[0].startswith("-") else None
    )
    assert parse(command, "made", ["small", "--shape.dropout", "0.5"]).shape == Shape(number_of_layers=2, dropout=0.5)
    assert refusal(["--prompt", "x", "small"], command) == (
        "gpt25 made takes its flags after its first word, because their defaults depend on it; '--prompt' came first."
    )
    parse(command, "made", ["small", "--help"])
    assert "How many blocks. (default: 2)" in capsys.readouterr().out
    parse(command, "made", ["--help"])
    assert "How many blocks. (default: 12)" in capsys.readouterr().out


@dataclass(frozen=True)
class Switching:
    """Words."""

    model: tyro.conf.Positional[str]
    """Which model."""
    compile: bool | Literal["auto"] = "auto"
    """A switch."""
    shares: tyro.conf.FlagConversionOff[bool] = True
    """A switch of two words."""
    json: bool = False
    """Print one JSON object on standard output."""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "auto"),
        (["--compile"], True),
        (["--compile", "--json"], True),
        (["--compile", "true"], True),
        (["--compile", "False"], False),
        (["--compile=auto"], "auto"),
    ],
)
def test_a_switch_is_a_bare_flag_or_one_of_three_words(words: list[str], expected: object) -> None:
    assert parse(types.SimpleNamespace(Arguments=Switching), "make", ["m", *words]).compile == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("words", [["maybe"], ["true", "false"]])
def test_a_switch_takes_no_other_word(words: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="true, false or auto"):
        parse(types.SimpleNamespace(Arguments=Switching), "make", ["m", "--compile", *words])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "expected"), [([], True), (["--shares"], True), (["--shares", "false"], False), (["--shares=True"], True)]
)
def test_a_switch_of_two_words_is_a_bare_flag_or_one_of_them(words: list[str], expected: bool) -> None:
    assert parse(types.SimpleNamespace(Arguments=Switching), "make", ["m", *words]).shares is expected  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="expected true or false"):
        parse(types.SimpleNamespace(Arguments=Switching), "make", ["m", "--shares", "auto"])  # type: ignore[arg-type]


def test_the_flags_for_texts_have_one_name_in_every_command() -> None:
    from gpt25.cli.commands import data, tokenizer, train

    flags = {"--field", "--encoding", "--invalid-utf8", "--document-separator", "--largest-document-bytes"}
    assert flags <= known_flags(data, "data", ["prepare"])
    assert flags <= known_flags(tokenizer, "tokenizer", ["train"])
    words = ["--field", "body", "--encoding", "cp1252", "--policy=skip", "--output", "out"]
    prepared = parse(data, "data", ["prepare", "a.jsonl", "--tokenizer", "gpt2", *words])
    trained = parse(tokenizer, "tokenizer", ["train", "a.jsonl", "--vocabulary-size", "300", *words])
    configured = parse(train, "train", ["quickstart", "--texts", "a.jsonl", "b/", *words[:-2]])
    assert configured.data.texts == ("a.jsonl", "b/")
    for reading in (prepared.reading, trained.reading, configured.data.reading):
        assert (reading.field, reading.encoding, reading.invalid_utf8) == ("body", "cp1252", "skip")
    former = parse(train, "train", ["quickstart", "--data.json_field=body", "--data.policy", "replace"])
    assert (former.data.field, former.data.invalid_utf8) == ("body", "replace")


def test_a_flag_that_a_help_text_only_speaks_of_is_unknown() -> None:
    from gpt25.cli.commands import evaluate

    with pytest.raises(ConfigurationError, match="gpt25 evaluate has no flag --evaluations; did you mean"):
        parse(evaluate, "evaluate", ["gpt2", "--task", "lambada", "--evaluations", "a.json"])
