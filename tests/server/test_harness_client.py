"""lm-evaluation-harness's client of completions, unchanged, against a server: the figures are those in-process.

A server that answers echo and log-probabilities wrongly lets it score chance without a word, so this compares items.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained

SCRIPT = Path(__file__).with_name("harness_items.py")
UPDATES = 60
WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "far", "away", "home", "café", "it's", "12", "sun"]


@pytest.fixture(scope="module")
def trained_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows the words of the items and no order of them, so that its figures are no extremes."""
    chance = random.Random(1)
    text = " ".join(chance.choice(WORDS) for _ in range(4000))
    tokenizer = Tokenizer.train([text], vocabulary_size=290)
    configuration = GPTConfiguration(
        block_size=64, vocabulary_size=290, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=32
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    tokens = torch.tensor(tokenizer.encode(text))
    for update in range(UPDATES):
        rows = torch.stack([tokens[start : start + 33] for start in range(update, len(tokens) - 33, 211)])
        _, loss = model(rows[:, :-1], rows[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    directory = tmp_path_factory.mktemp("trained") / "tiny"
    save_pretrained(model.eval(), tokenizer, directory)
    return directory


def test_hellaswag_and_lambada_over_http_are_those_in_process(
    start_server: Callable[..., Any], trained_directory: Path, tmp_path: Path
) -> None:
    with start_server({"tiny": str(trained_directory)}, slots=8) as server:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), server.url, str(trained_directory), str(tmp_path), *WORDS],
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "HF_HOME": str(tmp_path / "hub"), "HF_DATASETS_OFFLINE": "1"},
        )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    ours, theirs = result["in-process"], result["over HTTP"]
    for task, answers in ours["answers"].items():
        assert len(answers) == {"hellaswag_items": 96, "lambada_items": 24}[task]
        for ((log_likelihood, greedy),), ((over_http, greedy_over_http),) in zip(
            answers, theirs["answers"][task], strict=True
        ):
            assert over_http == pytest.approx(log_likelihood, abs=2e-5)
            assert greedy_over_http == greedy
        for name, value in ours["figures"][task].items():
            if isinstance(value, float) and "stderr" not in name:
                assert f"{theirs['figures'][task][name]:.4f}" == f"{value:.4f}", name
    assert ours["figures"]["hellaswag_items"]["acc,none"] not in (0.0, 0.25, 1.0), "that would show nothing"
    assert 2 < ours["figures"]["lambada_items"]["perplexity,none"] < 100
