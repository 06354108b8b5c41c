"""`gpt25 generate` without torch: that it is so, and that the texts are those that torch's way of loading gives."""

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.cli.output import Output
from gpt25.cli.session.generating_model import load_generating_model, say_what_is_awaited
from gpt25.generation import TextGenerator, choose_generating_precision, generating_precision
from gpt25.generation.engine import Engine, Request, Runners
from gpt25.generation.sampling_settings import SamplingSettings
from gpt25.model import GPTConfiguration, GPTModel, ModelArrays, quantise_int8
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained

# Every attempt in one process: the words, what was printed, and which of what is slow has been imported by then.
ATTEMPTS = """
import contextlib, io, json, sys
import gpt25.cli.commands.generate as command
import gpt25.cli.session.typed_texts as typed
from gpt25.cli.main import main
from gpt25.generation import generating_precision

class Typed:
    def __init__(self, words, *, note):
        self.left = ["Once upon", "/samples 2", "/continue", "/quit"]
    def next(self):
        return self.left.pop(0)

generating_precision.may_have_gpu = lambda: False
typed.TerminalTexts = Typed
found = []
for words in json.loads(sys.argv[1]):
    command.at_terminal = lambda: "--prompt" not in words and "--prompts" not in words
    said, noted = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(noted):
        exit_code = main(["generate", *words])
    slow = [name for name in ("torch", "scipy") if name in sys.modules]
    found.append([exit_code, said.getvalue(), noted.getvalue(), slow])
print(json.dumps(found))
"""
SETTINGS: list[dict[str, Any]] = [
    {"temperature": 0},
    {},
    {"temperature": 0.7, "top_k": 20, "top_p": 0.8, "samples": 3},
    {"temperature": 1.3, "min_p": 0.05, "repetition_penalty": 1.4, "frequency_penalty": 0.5, "presence_penalty": -0.5},
    {"temperature": 0.9, "logit_bias": {101: -100, 32: 3.5, 256: -100}, "stop": ["e", "\n\n"], "samples": 2},
]


@pytest.fixture(scope="module")
def model_directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that is worth the kernels, and whose predictions are far from even."""
    configuration = GPTConfiguration(
        block_size=64, vocabulary_size=300, number_of_layers=1, number_of_heads=4, number_of_embedding_dimensions=256
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(4)
    directory = tmp_path_factory.mktemp("models") / "small"
    save_pretrained(model, Tokenizer.train(["any text"], vocabulary_size=257), directory)
    return str(directory)


def attempt(*attempts: list[str]) -> list[tuple[int, str, str, list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, json.dumps(attempts)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found: list[tuple[int, str, str, list[str]]] = json.loads(done.stdout)
    return found


def test_no_way_of_writing_imports_torch(model_directory: str, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("One\nTwo\n")
    usual = [model_directory, "--max-new-tokens", "5", "--seed", "3"]
    found = attempt(
        [*usual, "--prompt", "Hello", "--precision", "auto"],
        [*usual, "--prompt", "Hello", "--precision", "float32", "--device", "cpu", "--samples", "3", "--json"],
        [*usual, "--prompt", "Hello", "--precision", "int8", "--repetition-penalty", "1.2", "--logit-bias", "3:-5"],
        [*usual, "--prompts", str(prompts)],
        usual,
    )
    assert [(exit_code, imported) for exit_code, _, _, imported in found] == [(0, [])] * 5, found
    assert [len(sample["token_ids"]) for sample in json.loads(found[1][1])["samples"]] == [5] * 3
    assert found[4][1].count("tokens/s, seed 3") == 2, found[4]


def test_what_needs_torch_still_gets_it(model_directory: str) -> None:
    (found,) = attempt([model_directory, "--prompt", "Hello", "--max-new-tokens", "2", "--precision", "bfloat16"])
    assert found[0] == 0, found
    assert "torch" in found[3]


@pytest.mark.parametrize("precision", ["auto", "float32", "int8"])
def test_the_texts_are_those_of_a_model_of_torchs(
    model_directory: str, monkeypatch: pytest.MonkeyPatch, precision: Any
) -> None:
    monkeypatch.setattr(generating_precision, "may_have_gpu", lambda: False)
    chosen = choose_generating_precision("auto", precision)
    arrays, tokenizer = load_generating_model(model_directory, chosen, checkpoint="newest", revision=None)
    assert isinstance(arrays, ModelArrays)
    loaded, _ = load_pretrained(model_directory)
    if precision == "int8":
        quantise_int8(loaded)
    without, with_torch = TextGenerator(arrays, tokenizer), TextGenerator(loaded, tokenizer)
    texts = set()
    for changes in SETTINGS:
        for seed in (0, 7, 1 << 32, (1 << 63) - 1):
            expected = with_torch.generate("Hello", seed=seed, max_new_tokens=30, **changes)
            assert without.generate("Hello", seed=seed, max_new_tokens=30, **changes) == expected
            texts.add(expected[0].text)
    assert len(texts) > 12


def test_log_probabilities_are_those_of_a_model_of_torchs(model_directory: str) -> None:
    chosen = choose_generating_precision("cpu", "float32")
    arrays, tokenizer = load_generating_model(model_directory, chosen, checkpoint="newest", revision=None)
    assert tokenizer is not None
    asked = Request((72, 101), SamplingSettings(seed=1), 6, log_probabilities=3, prompt_log_probabilities=True)
    given = []
    for model in (arrays, load_pretrained(model_directory)[0]):
        engine = Engine(Runners(model).runner(slots=1, capacity=16), tokenizer, end_ids=frozenset([256]))
        ticket = engine.submit(asked)
        while not ticket.is_finished:
            engine.step()
        given.append((ticket.prompt_probabilities, list(ticket.pieces)))
    assert given[0] == given[1]
    assert given[0][0]


def test_a_tiny_model_and_half_precision_are_left_to_torch(model_directory: str, tmp_path: Path) -> None:
    tiny = GPTModel(
        GPTConfiguration(
            block_size=8, vocabulary_size=257, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=8
        )
    )
    save_pretrained(tiny, None, tmp_path / "tiny")
    save_pretrained(load_pretrained(model_directory)[0].bfloat16(), None, tmp_path / "half")
    chosen = choose_generating_precision("cpu", "float32")
    for name in ("tiny", "half"):
        loaded, _ = load_generating_model(str(tmp_path / name), chosen, checkpoint="newest", revision=None)
        assert isinstance(loaded, GPTModel)
        assert loaded.dtype == torch.float32


def test_what_is_loaded_is_no_garbage_to_look_through(model_directory: str) -> None:
    before = gc.get_freeze_count()
    try:
        load_generating_model(
            model_directory, choose_generating_precision("cpu", "float32"), checkpoint="newest", revision=None
        )
        assert gc.get_freeze_count() > before
        assert gc.isenabled()
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(("kept", "precision", "said"), [(False, "int8", 1), (True, "int8", 0), (False, "bfloat16", 0)])
def test_a_first_compilation_is_announced(
    model_directory: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kept: bool,
    precision: Any,
    said: int,
) -> None:
    monkeypatch.setattr("gpt25.generation.engine.kernels_are_kept", lambda: kept)
    chosen = choose_generating_precision("cpu", precision)
    model, _ = load_generating_model(model_directory, chosen, checkpoint="newest", revision=None)
    say_what_is_awaited(model, chosen, Output())
    assert capsys.readouterr().err.count("compiling the kernels for this processor") == said
