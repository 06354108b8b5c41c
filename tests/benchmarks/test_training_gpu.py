"""The benchmark of training on a GPU, on a processor: the same code, a tiny model, and a stand-in for nanoGPT."""

import dataclasses
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend

from gpt25.recipes import load_recipe

OURS = ["gpt25 AdamW", "gpt25 Muon"]

STAND_IN = """
from dataclasses import dataclass

import torch


@dataclass
class GPTConfig:
    block_size: int = 1024
    vocab_size: int = 50304
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True


class GPT(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        print("a line that is no answer")
        assert (config.vocab_size, config.dropout, config.bias) == (50304, 0.0, True)
        self.embeddings = torch.nn.Embedding(config.vocab_size, config.n_embd)
        self.head = torch.nn.Linear(config.n_embd, config.vocab_size, bias=False)

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        assert device_type == "cpu"
        return torch.optim.AdamW(self.parameters(), lr=learning_rate, betas=betas, weight_decay=weight_decay)

    def forward(self, ids, targets):
        logits = self.head(self.embeddings(ids))
        return logits, torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
"""


def run(scripts: Any, folder: Path, *arguments: str) -> tuple[str, dict]:
    """What the benchmark prints, and what it writes."""
    small = ["--device", "cpu", "--rounds", "2", "--updates", "1", "--micro-batch-rows", "2", "--work", str(folder)]
    printed = scripts.run("training_gpu", *small, "--json", str(folder / "found.json"), *arguments)
    return printed, json.loads((folder / "found.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the token shards are made once for all tests."""
    return tmp_path_factory.mktemp("work")


def checkout(folder: Path, text: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(text)
    return str(folder)


def test_everybody_trains_in_turns_and_is_compared(scripts: Any, folder: Path, tmp_path: Path) -> None:
    printed, found = run(scripts, folder, "--nanogpt", checkout(tmp_path, STAND_IN))
    rows = {row["name"]: row for row in found["contenders"]}
    assert [*rows] == ["transformers Trainer", "nanoGPT", *OURS]
    assert found["tokens_per_update"] == 2 * 2 * 32
    assert found["matrix_product_flops_per_second"] > 0
    for row in rows.values():
        assert [one["tokens"] for one in row["rounds"]] == [128, 128]
        rates = [one["tokens"] / one["seconds"] for one in row["rounds"]]
        assert row["tokens_per_second"] == pytest.approx(sum(rates) / 2)
        assert row["peak_bytes"] > 1e8
        assert 0 < row["share_of_matrix_rate"] < 1
        assert row["ratios"].keys() == {"nanoGPT", "transformers Trainer"}
        for base, ratio in row["ratios"].items():
            assert ratio == pytest.approx(row["tokens_per_second"] / rows[base]["tokens_per_second"])
        assert f"{row['name']} " in printed
    for name in OURS:
        ratio = rows[name]["ratios"]["nanoGPT"]
        verdict = "met" if ratio >= 1.5 else "missed"
        assert f"{name}: {ratio:.2f} times nanoGPT where the target is 1.5: {verdict}\n" in printed
    assert printed.endswith("These targets are one H200's; on a processor they say nothing.\n")


def test_one_that_fails_is_said_and_the_others_go_on(scripts: Any, folder: Path, tmp_path: Path) -> None:
    path = checkout(tmp_path, 'raise RuntimeError("this checkout is broken")\n')
    printed, found = run(scripts, folder, "--nanogpt", path, "--contenders", "nanoGPT", "gpt25 AdamW")
    assert "failed: RuntimeError: this checkout is broken\n" in printed
    broken, ours = found["contenders"]
    assert broken == {"name": "nanoGPT", "problem": "RuntimeError: this checkout is broken"}
    assert ours["tokens_per_second"] > 0
    assert ours["ratios"] == {}


def test_an_ablation_switches_off_one_optimisation_at_a_time(scripts: Any, folder: Path) -> None:
    _, found = run(scripts, folder, "--ablation", "flash attention", "a short residual stream", "--optimizer", "Muon")
    rows = {row["name"]: row for row in found["contenders"]}
    assert [*rows] == ["everything", "without flash attention", "with a short residual stream"]
    assert all(row["tokens_per_second"] > 0 for row in rows.values())
    assert rows["everything"]["ratios"] == {"everything": 1.0}


def test_every_optimisation_is_one_field_of_a_recipe(importable_benchmarks: None) -> None:
    table = importlib.import_module("training_gpu_variants")
    found, recipe = table.variants([]), load_recipe("gpt2_124m")
    assert len(found) == 1 + len(table.ABLATIONS) + len(table.ADDITIONS)
    everything = fields_of(found.pop("everything"))
    for changes in found.values():
        assert len(fields_of(changes) - everything) == 1
        for section in ("speed", "loop"):
            dataclasses.replace(getattr(recipe, section), **changes.get(section, {}))
        if "attention" in changes:
            assert changes["attention"]["kernel"] in SDPBackend.__members__


def fields_of(changes: dict[str, dict[str, Any]]) -> set[tuple[str, str, Any]]:
    return {(section, name, value) for section, fields in changes.items() for name, value in fields.items()}


@pytest.mark.parametrize(
    ("device", "visible", "expected"),
    [
        ("cuda", None, "0"),
        ("cuda:3", None, "3"),
        ("cuda:1", "4, 6", "6"),
        ("cuda", "GPU-5", "GPU-5"),
        ("cpu", "4", "4"),
    ],
)
def test_every_contender_sees_the_chosen_gpu_alone(
    device: str, visible: str | None, expected: str, importable_benchmarks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = importlib.import_module("training_gpu")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert benchmark.environment_for(torch.device(device))["CUDA_VISIBLE_DEVICES"] == expected


def test_a_folder_without_nanogpt_is_told(scripts: Any, tmp_path: Path) -> None:
    said = scripts.refusal("training_gpu", "--device", "cpu", "--nanogpt", str(tmp_path))
    assert said.endswith("has no model.py: --nanogpt names a checkout of github.com/karpathy/nanoGPT\n")
