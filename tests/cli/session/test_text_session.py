"""What the entries of a session do, without a terminal: texts compared with what the generator writes by itself."""

import dataclasses
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpt25.cli.commands.generate import Arguments
from gpt25.cli.output import Output
from gpt25.cli.session.session_commands import COMMANDS, help_lines
from gpt25.cli.session.session_settings import SETTING_NAMES
from gpt25.cli.session.text_session import TextSession
from gpt25.generation import SamplingSettings, TextGenerator

GREEDY = SamplingSettings(temperature=0, max_new_tokens=10)


class Typed:
    """Entries, as if somebody typed them; an exception among them is raised."""

    def __init__(self, *entries: str | BaseException) -> None:
        self._entries = iter(entries)

    def next(self) -> str:
        entry = next(self._entries, EOFError())
        if isinstance(entry, BaseException):
            raise entry
        return entry


@pytest.fixture
def session(generator: TextGenerator, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Hold a session of these entries; returns what was said."""

    def hold(*entries: str | BaseException, settings: SamplingSettings = GREEDY, **changes: Any) -> str:
        fields = {"settings": settings, "special_tokens": "text", "stream": True, "output": Output()} | changes
        TextSession(generator, **fields).run(Typed(*entries))
        said = capsys.readouterr()
        return said.out + said.err

    return hold


def of(generator: TextGenerator, prompt: Any, **settings: Any) -> str:
    return generator.generate(prompt, settings=GREEDY.changed(settings))[0].text


def text_shown(said: str) -> str:
    """What /show printed, as the last of the entries."""
    return said.split("writes on]\n")[-1].partition("\n[")[0]


def test_what_is_typed_is_continued_and_accounted_for(generator: TextGenerator, session: Callable[..., str]) -> None:
    said = session("Hello", "/seed 7", "There")
    first, second = of(generator, "Hello"), of(generator, "There")
    assert re.fullmatch(
        re.escape(first) + r"\n\[10 tokens, [\d.]+ tokens/s, seed \d+; /continue writes on\]\n/seed 7\n"
        + re.escape(second) + r"\n\[10 tokens, [\d.]+ tokens/s, seed 7; /continue writes on\]\n",
        said,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("temperature", "0.3", 0.3),
        ("top_k", "10", 10),
        ("top_p", "0.2", 0.2),
        ("min_p", "0.95", 0.95),
        ("repetition_penalty", "1.8", 1.8),
        ("frequency_penalty", "1.5", 1.5),
        ("presence_penalty", "1.5", 1.5),
        ("logit_bias", "101:-100 32:1.5", {101: -100, 32: 1.5}),
        ("max_new_tokens", "20", 20),
        ("samples", "2", 2),
        ("seed", "9", 9),
        ("stop", r"'a b' e \n", ("a b", "e", "\n")),
    ],
)
def test_every_setting_has_a_command(
    generator: TextGenerator, session: Callable[..., str], name: str, words: str, value: Any
) -> None:
    usual = SamplingSettings(seed=8, max_new_tokens=40)
    expected = generator.generate("Hello", settings=usual.changed({name: value}))
    assert expected != generator.generate("Hello", settings=usual), "a setting without effect would go unnoticed"
    said = session(f"/{name.replace('_', '-')} {words}", "Hello", settings=usual)
    for sample in expected:
        assert f"\n{sample.text}\n" in said
    assert f"{sum(len(sample.token_ids) for sample in expected)} tokens" in said


def test_the_commands_of_settings_are_all_that_the_sampler_and_the_flags_have() -> None:
    fields = {field.name for field in dataclasses.fields(SamplingSettings)}
    assert {name.replace("-", "_") for name in SETTING_NAMES} == fields
    assert fields <= {field.name for field in dataclasses.fields(Arguments)}


def test_a_setting_is_shown_switched_off_and_put_back(session: Callable[..., str]) -> None:
    said = session("/top-k", "/top_k 5", "/top-k", "/top-k none", r"/stop 'a b' \n", "/stop none", "/reset")
    assert said.splitlines()[:7] == [
        "/top-k none",
        "/top-k 5",
        "/top-k 5",
        "/top-k none",
        r"/stop 'a b' '\n'",
        "/stop none",
        "/temperature 0",
    ]
    assert "/max-new-tokens 10\n" in said
    assert session("/temperature 3", "/settings").count("/temperature 3\n") == 2


def test_continue_writes_on_exactly_where_the_text_ended(generator: TextGenerator, session: Callable[..., str]) -> None:
    said = session("Hello", "/continue", "/continue", "/show")
    assert text_shown(said) == "Hello" + of(generator, "Hello", max_new_tokens=30)


def test_continue_adds_what_stands_behind_it(generator: TextGenerator, session: Callable[..., str]) -> None:
    said = session("Hello", "/continue and so", "/show")
    so_far = "Hello" + of(generator, "Hello") + " and so"
    assert text_shown(said) == so_far + of(generator, so_far)


def test_retry_takes_the_next_seed_and_the_place_of_the_last_try(
    generator: TextGenerator, session: Callable[..., str]
) -> None:
    settings = SamplingSettings(seed=5, max_new_tokens=10)
    tries = [generator.generate("Hello", settings=settings.changed({"seed": seed}))[0].text for seed in (5, 6, 7)]
    assert len(set(tries)) == 3
    said = session("Hello", "/retry", "/retry", "/show", settings=settings)
    assert re.findall(r"seed (\d)", said) == ["5", "6", "7"]
    assert all(f"{text}\n[10 tokens" in said for text in tries)
    assert text_shown(said) == f"Hello{tries[2]}"


def test_undo_takes_back_step_by_step(generator: TextGenerator, session: Callable[..., str]) -> None:
    said = session("Hello", "/continue", "/undo", "/show", "/undo", "/undo", "/continue", "/show")
    shown = "Hello" + of(generator, "Hello")
    assert f"[the text ends again: {shown!r}]\n{shown}\n[15 tokens; the model reads at most 64 at once" in said
    assert "[there is no text any more]\n" in said
    assert said.count("error: there is no text yet; type the beginning of one, or /new.\n") == 3


def test_of_several_samples_one_is_picked(generator: TextGenerator, session: Callable[..., str]) -> None:
    settings = SamplingSettings(seed=5, max_new_tokens=10, samples=3)
    samples = generator.generate("Hello", settings=settings)
    entries = ("Hello", "/pick 3", "/samples 1", "/temperature 0", "/continue", "/show", "/pick 2")
    said = session(*entries, settings=settings)
    assert said.startswith(
        "".join(f"--- sample {number} of 3 ---\n{sample.text}\n" for number, sample in enumerate(samples, start=1))
    )
    assert "/continue goes on with sample 1, /pick\nchooses another of 3]" in said
    text = f"Hello{samples[2].text}"
    assert f"[/continue goes on with: {text!r}]" in said.replace("\n", " ")
    ids = [*generator.tokenizer.encode("Hello"), *samples[2].token_ids]
    assert f"{text}{of(generator, ids)}\n[25 tokens; " in said
    assert said.endswith("error: /pick takes the number of one of the last samples, from 1 to 1.\n")


def test_new_begins_as_a_document_does(generator: TextGenerator, session: Callable[..., str]) -> None:
    settings = SamplingSettings(seed=3, max_new_tokens=10)
    (sample,) = generator.generate("", settings=settings)
    assert len(sample.token_ids) == 10
    assert session("/new", settings=settings).startswith(f"{sample.text}\n[10 tokens")


def test_several_lines_and_slashes_can_be_text(generator: TextGenerator, session: Callable[..., str]) -> None:
    for typed, text in (('"""\n/a\nb\n"""', "/a\nb"), ('"""a"""', "a"), ("//help", "/help"), ("a\nb\n", "a\nb\n")):
        assert session(typed).startswith(of(generator, text) + "\n[10 tokens")


def test_a_text_beyond_the_block_is_gone_on_with_from_its_end(
    generator: TextGenerator, session: Callable[..., str]
) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(60))
    said = session(text, "/continue", "/show")
    first = of(generator, text[-54:])
    assert said.startswith(
        "[the text has 60 tokens, and the model reads at most 64 with what it writes: it\n"
        f"goes on from the last 54 and knows nothing of the first 6]\n{first}\n"
    )
    assert "[the text has 70 tokens," in said
    assert text_shown(said) == text + first + of(generator, (text + first)[-54:])


def test_fewer_new_tokens_than_asked_for_are_said(session: Callable[..., str]) -> None:
    said = session("x" * 40, settings=SamplingSettings(temperature=0, max_new_tokens=50))
    assert said.startswith("[only 24 new tokens of 50 fit the block of 64]\n")
    assert "[24 tokens, " in said


def test_a_stop_string_is_no_part_of_what_is_gone_on_with(
    generator: TextGenerator, session: Callable[..., str]
) -> None:
    settings = SamplingSettings(seed=8, max_new_tokens=20)
    usual = generator.generate("Hello", settings=settings)[0].text
    stop = usual[8:10]
    said = session(f"/stop '{stop}'", "Hello", "/stop none", "/temperature 0", "/continue", "/show", settings=settings)
    text = "Hello" + usual[: usual.index(stop)]
    assert f"{usual[: usual.index(stop)]}\n[" in said
    assert "the text ends here by itself]" in said.replace("\n", " ")
    assert text_shown(said) == text + of(generator, text, max_new_tokens=20)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("interrupts", [1, 2])
def test_ctrl_c_stops_the_text_and_not_the_session(
    generator: TextGenerator,
    session: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    stream: bool,
    interrupts: int,
) -> None:
    whole = of(generator, "Hello", max_new_tokens=40)
    original = TextGenerator.stream

    def interrupted(*words: Any, **named: Any) -> Iterator[Any]:
        for number, piece in enumerate(original(*words, **named), start=1):
            if number == 4:
                for _ in range(interrupts):
                    signal.raise_signal(signal.SIGINT)
            yield piece

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(TextGenerator, "stream", interrupted)
    said = session("Hello", "/show", "/help", settings=GREEDY.changed({"max_new_tokens": 40}), stream=stream)
    length = 4 if interrupts == 1 else 3  # the second one comes in the middle of the fourth step
    assert re.match(re.escape(whole[:length]) + rf"\n\[{length} tokens, [\d.]+ tokens/s, seed \d+; stopped\]\n", said)
    assert f"\nHello{whole[:length]}\n[" in said
    assert said.endswith("\n".join(help_lines()) + "\n")
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_between_texts_is_no_end(session: Callable[..., str]) -> None:
    assert session(KeyboardInterrupt(), "/seed").endswith("(Ctrl-D or /quit ends the session.)\n/seed none\n")


def test_quit_ends_and_blank_entries_do_nothing(session: Callable[..., str]) -> None:
    assert session("", "  \n", "/quit", "/seed") == ""


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("/temprature 1", "there is no command /temprature; did you mean /temperature?"),
        ("/temperature hot", "temperature is 'hot'; it must be a finite number of at least 0"),
        ("/top-k -1", "top_k is -1; it must be a whole number from 1"),
        ("/top-k 1.5", "top_k is 1.5; it must be a whole number"),
        (f"/seed {'9' * 5000}", "seed is inf"),
        ("/samples none", "samples is none; it must be a whole number"),
        ("/stop 'a", "the stop strings 'a cannot be read: No closing quotation"),
        ("/undo 3", "/undo takes no words, and '3' stands behind it."),
        ("/retry", "there is no text yet"),
        ("/pick 1", "there is no text yet"),
        ("half a character \udc80", "which is not UTF-8 there"),
    ],
)
def test_what_cannot_be_done_is_said_and_the_session_goes_on(
    session: Callable[..., str], entry: str, said: str
) -> None:
    everything = session(entry, "/seed")
    assert said in everything.replace("\n", " ")
    assert "error: " in everything
    assert "/seed none\n" in everything
    assert max(map(len, everything.splitlines())) <= 80


def test_help_lists_everything_in_80_columns(session: Callable[..., str]) -> None:
    said = session("/help")
    assert max(map(len, said.splitlines())) <= 80
    for name in (*COMMANDS, *SETTING_NAMES):
        assert f"/{name}" in said


def test_special_tokens_are_text_unless_they_are_to_be_parsed(
    generator: TextGenerator, session: Callable[..., str]
) -> None:
    end = generator.tokenizer.end_of_text_id
    said = session("a<|endoftext|>b")
    assert said.startswith("[what you typed holds the name of a special token, read as text like any other")
    parsed = session("a<|endoftext|>b", special_tokens="parse")
    assert parsed.startswith(of(generator, [*generator.tokenizer.encode("a"), end, *generator.tokenizer.encode("b")]))
