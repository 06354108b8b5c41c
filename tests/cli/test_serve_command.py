"""`gpt25 serve` as a command: what it prints, and what it needs. Faults of the running server: tests/server/."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import torch

from gpt25.cli.main import main
from gpt25.installation import install_command
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models."""
    folder = tmp_path_factory.mktemp("models")
    configuration = GPTConfiguration(
        block_size=32, vocabulary_size=257, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=8
    )
    tokenizer = Tokenizer.train(["any text"], vocabulary_size=257)
    for seed, name in enumerate(("first", "second")):
        save_pretrained(
            GPTModel(configuration, generator=torch.Generator().manual_seed(seed)), tokenizer, folder / name
        )
    return folder


def test_two_models_are_served_by_their_names_until_a_signal(models: Path) -> None:
    words = [sys.executable, "-m", "gpt25", "serve", str(models / "first"), f"other={models / 'second'}"]
    flags = ["--port", "0", "--json", "--precision", "float32", "--slots", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*words, *flags], **pipes) as process:  # type: ignore[call-overload]
        try:
            answer = json.loads(process.stdout.readline())
            assert answer["models"] == ["first", "other"]
            texts = set()
            for name in answer["models"]:
                body = json.dumps({"model": name, "prompt": "x", "seed": 1, "max_tokens": 20}).encode()
                request = urllib.request.Request(
                    f"{answer['url']}/v1/completions", body, {"Content-Type": "application/json"}
                )
                with urllib.request.urlopen(request, timeout=20) as response:
                    texts.add(json.load(response)["choices"][0]["text"])
            assert len(texts) == 2, "two models, two texts"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            said = process.stderr.read()
        finally:
            process.kill()
    assert "first: float32 on cpu" in said
    assert "POST /v1/completions 200" in said
    assert "Traceback" not in said


def test_two_models_of_one_name_are_refused(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(models / "first"), str(models / "first")]) == 2
    assert "two models would be called first" in capsys.readouterr().err


def test_the_key_may_lie_in_a_file(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    key.write_text("short\n")
    words = ["serve", str(models / "first"), "--port", "0", "--api-key-file", str(key)]
    assert main(words) == 2
    assert "the API key has 5 characters" in capsys.readouterr().err
    assert main([*words, "--api-key", "x" * 20]) == 2
    assert "--api-key and --api-key-file are both given" in capsys.readouterr().err
    key.write_text("k" * 5000)
    assert main(words) == 2
    assert "at most 4,096 are read" in capsys.readouterr().err
    key.write_text("a-key-of-many-letters\n")
    assert main([*words, "--host", "192.0.2.1"]) == 2, "the key is good, and the address is not"
    assert "192.0.2.1 is no address of this machine" in capsys.readouterr().err


def test_without_a_model_there_is_nothing_to_serve(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == 2
    assert "there is no model to serve" in capsys.readouterr().err


def test_without_the_extra_its_name_is_said(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from gpt25.cli.main import main\n"
        f"sys.exit(main(['serve', {str(models / 'first')!r}, '--port', '0']))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True)
    assert done.returncode == 2
    advice = install_command("serve")
    assert f"the server needs uvicorn, which is not installed; install it with: {advice}" in done.stderr
    assert "Traceback" not in done.stderr
