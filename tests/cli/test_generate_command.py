import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.main import main
from gpt25.generation import TextGenerator
from gpt25.model import GPTConfiguration, GPTModel, quantise_int8
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained


@pytest.fixture(scope="module")
def model_directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of 64 positions whose tokens are single bytes."""
    configuration = GPTConfiguration(
        block_size=64, vocabulary_size=257, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(1))
    directory = tmp_path_factory.mktemp("models") / "tiny"
    save_pretrained(model, Tokenizer.train(["any text"], vocabulary_size=257), directory)
    return str(directory)


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["generate", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["generate", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_json_has_what_was_promised(model_directory: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = answer(
        capsys, model_directory, "--prompt", "Hello", "--samples", "2", "--max-new-tokens", "12", "--seed", "4"
    )
    assert set(given) == {"prompt", "samples", "tokens_per_second", "seed", "model", "precision", "device"}
    assert (given["prompt"], given["seed"], given["model"]) == ("Hello", 4, model_directory)
    assert given["precision"] in ("float32", "bfloat16")
    assert given["device"]
    assert given["tokens_per_second"] > 0
    model, tokenizer = load_pretrained(model_directory, dtype=getattr(torch, given["precision"]))
    expected = TextGenerator(model, tokenizer).generate("Hello", samples=2, max_new_tokens=12, seed=4)
    assert given["samples"] == [
        {"text": sample.text, "token_ids": list(sample.token_ids), "finish_reason": sample.finish_reason}
        for sample in expected
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 0.3),
        ("top_k", 10),
        ("top_p", 0.2),
        ("min_p", 0.95),
        ("repetition_penalty", 1.8),
        ("frequency_penalty", 1.5),
        ("presence_penalty", 1.5),
        ("max_new_tokens", 40),
        ("samples", 3),
        ("seed", 9),
    ],
)
def test_every_flag_reaches_the_sampling(
    model_directory: str, capsys: pytest.CaptureFixture[str], field: str, value: float
) -> None:
    generator = TextGenerator(*load_pretrained(model_directory))
    usual = generator.generate("Hello", seed=8)
    expected = generator.generate("Hello", **{"seed": 8, field: value})  # type: ignore[arg-type]
    assert expected != usual, "a flag without effect would go unnoticed"
    words = ["--seed", "8", f"--{field.replace('_', '-')}", str(value), "--precision", "float32", "--device", "cpu"]
    given = answer(capsys, model_directory, "--prompt", "Hello", *words)
    assert (given["precision"], given["device"]) == ("float32", "cpu")
    assert [sample["token_ids"] for sample in given["samples"]] == [list(sample.token_ids) for sample in expected]


def test_biases_reach_the_sampling(model_directory: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [model_directory, "--seed", "8", "--precision", "float32"]
    (usual,) = answer(capsys, *words)["samples"]
    first, other = usual["token_ids"][0], usual["token_ids"][3]
    (biased,) = answer(capsys, *words, "--logit-bias", f"{first}:-100", "--logit-bias", f"{other}:-99.5")["samples"]
    expected = TextGenerator(*load_pretrained(model_directory)).generate(
        "", seed=8, logit_bias={first: -100, other: -99.5}
    )
    assert biased["token_ids"] == list(expected[0].token_ids)
    assert first not in biased["token_ids"]


@pytest.mark.parametrize(
    ("bias", "message"),
    [
        ("198", "the bias 198 cannot be read; write a token id, a colon and a number"),
        ("7:200", "must be a finite number"),
    ],
)
def test_a_bias_that_cannot_be_is_refused(bias: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "nowhere", "--logit-bias", bias]) == 2
    assert message in capsys.readouterr().err


def test_stop_may_be_given_several_times(model_directory: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [model_directory, "--seed", "8", "--precision", "float32"]
    (usual,) = answer(capsys, *words)["samples"]
    later, sooner = usual["text"][20:22], usual["text"][10:12]
    (stopped,) = answer(capsys, *words, "--stop", later, "--stop", sooner)["samples"]
    assert (stopped["text"], stopped["finish_reason"]) == (usual["text"][:10], "stop")


def test_without_a_seed_the_one_drawn_is_reported(model_directory: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = answer(capsys, model_directory, "--max-new-tokens", "20")
    again = answer(capsys, model_directory, "--max-new-tokens", "20", "--seed", str(first["seed"]))
    assert first["samples"] == again["samples"]


@pytest.mark.parametrize("flags", [[], ["--no-stream"]])
def test_without_json_every_sample_is_shown_in_order_and_what_ran(
    model_directory: str, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    words = ["--prompt", "Hello", "--samples", "3", "--max-new-tokens", "30", "--seed", "5", "--stop", "e"]
    texts = [sample["text"] for sample in answer(capsys, model_directory, *words)["samples"]]
    assert len({len(text) for text in texts}) > 1, "they should not all end together"
    assert main(["generate", model_directory, *words, *flags]) == 0
    said = capsys.readouterr()
    assert said.out == "".join(f"--- sample {number} of 3 ---\nHello{text}\n" for number, text in enumerate(texts, 1))
    assert re.fullmatch(
        r"(float32|bfloat16) on \w+(:\d+)? \(.+\), [\d.]+ tokens/s, seed 5 ", said.err.replace("\n", " ")
    )
    assert max(map(len, said.err.splitlines())) <= 80


def test_a_single_text_has_no_heading_and_streams(model_directory: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [model_directory, "--prompt", "Hello", "--max-new-tokens", "8", "--temperature", "0"]
    text = answer(capsys, *words)["samples"][0]["text"]
    assert main(["generate", *words]) == 0
    assert capsys.readouterr().out == f"Hello{text}\n"


def test_a_dash_reads_the_prompt_from_standard_input(
    model_directory: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for content, prompt in ((b"caf\xc3\xa9\n", "café"), (b"two\n\r\n", "two\n"), (b"", "")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert answer(capsys, model_directory, "--prompt", "-", "--max-new-tokens", "3")["prompt"] == prompt


def test_a_byte_order_mark_chooses_the_encoding_of_standard_input(
    model_directory: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for codec in ("utf-8", "utf-16-le", "utf-32-be"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffcafé\r\n".encode(codec))))
        assert answer(capsys, model_directory, "--prompt", "-", "--max-new-tokens", "1")["prompt"] == "café"


def test_special_tokens_of_a_prompt_are_parsed_where_asked_and_noticed_elsewhere(
    model_directory: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    original = Tokenizer.encode
    monkeypatch.setattr(Tokenizer, "encode", lambda *words, **named: seen.append(original(*words, **named)) or seen[-1])
    words = ["generate", model_directory, "--prompt", "a<|endoftext|>b", "--max-new-tokens", "1", "--json"]
    assert main(words) == 0
    assert "the prompt holds the name of a special token, read as text like any other" in capsys.readouterr().err
    assert main([*words, "--special-tokens", "parse"]) == 0
    assert "special token" not in capsys.readouterr().err
    assert len(seen[-1]) == 3 < len(seen[0])


def test_standard_input_that_is_no_utf8_is_refused(
    model_directory: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9 au lait")))
    assert complaint(capsys, model_directory, "--prompt", "-") == (
        "error: the prompt on standard input: byte 3 (0xe9) is not UTF-8: invalid continuation byte. Mend it, or "
        "convert it, for example with iconv -t utf-8.\n"
    )


@pytest.mark.parametrize(
    ("words", "mentioned"),
    [
        (["--temperature", "-1"], "temperature is -1.0"),
        (["--temperature", "nan"], "temperature is nan"),
        (["--temperature", "hot"], "hot"),
        (["--top-p", "2"], "--top-p is 2.0"),
        (["--top-k", "-5"], "--top-k is -5"),
        (["--samples", "1000000"], "samples is 1000000"),
        (["--max-new-tokens", "1000000000000"], "--max-new-tokens is 1000000000000"),
        (["--max-new-tokens", "64"], "at most 63"),
        (["--prompt", "x" * 500], "block size is 64"),
        (["--precision", "int4"], "int4"),
        (["--precision", "int8", "--device", "cuda"], "int8 weights are for the processor, and the device is cuda"),
        (["--device", "abacus"], "abacus"),
        (["--temprature", "1"], "--temperature"),
    ],
)
def test_wrong_words_are_refused_in_a_few_lines(
    model_directory: str, capsys: pytest.CaptureFixture[str], words: list[str], mentioned: str
) -> None:
    said = complaint(capsys, model_directory, *words)
    assert mentioned in said
    assert said.count("\n") < 12


def test_settings_are_checked_before_the_model_is_looked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert "temperature is -1.0" in complaint(capsys, "no/such/model", "--temperature", "-1")


def test_a_model_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing" in complaint(capsys, str(tmp_path / "nothing"), "--prompt", "x")


def test_a_model_without_a_tokenizer_is_refused(
    tmp_path: Path, model_directory: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model, _ = load_pretrained(model_directory)
    save_pretrained(model, None, tmp_path / "mute")
    assert "this model has no tokenizer" in complaint(capsys, str(tmp_path / "mute"), "--prompt", "x")


def test_int8_writes_what_the_quantised_model_writes_and_says_so(
    model_directory: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [model_directory, "--prompt", "Hello", "--samples", "2", "--max-new-tokens", "9", "--seed", "3"]
    given = answer(capsys, *words, "--precision", "int8")
    assert (given["precision"], given["device"]) == ("int8", "cpu")
    model, tokenizer = load_pretrained(model_directory)
    expected = TextGenerator(quantise_int8(model), tokenizer).generate("Hello", samples=2, max_new_tokens=9, seed=3)
    assert [sample["text"] for sample in given["samples"]] == [sample.text for sample in expected]
    assert main(["generate", *words, "--precision", "int8"]) == 0
    assert capsys.readouterr().err.startswith("int8 on cpu (asked for; a scale for every row, and float32 for all")
