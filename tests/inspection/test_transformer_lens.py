"""The line of docs/inside.md that opens a run in TransformerLens, where it is installed: it is too heavy to require."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gpt25.inspection import record
from gpt25.model import GPTModel
from gpt25.records import RunDirectory
from gpt25.storage import write_json, write_manifest, write_text
from gpt25.weights import write_model_files

NAMES = {
    "blocks.{}.hook_resid_pre": "residual_before",
    "blocks.{}.hook_resid_mid": "residual_middle",
    "blocks.{}.hook_resid_post": "residual_after",
    "blocks.{}.attn.hook_pattern": "attention.pattern",
    "blocks.{}.hook_attn_out": "attention",
    "blocks.{}.hook_mlp_out": "multi_layer_perceptron",
}


@pytest.mark.skipif(
    importlib.util.find_spec("transformer_lens") is None,
    reason="TransformerLens is not installed (pip install transformer-lens brings wandb, datasets and more)",
)
@pytest.mark.filterwarnings("ignore")
def test_a_run_opens_in_transformer_lens(make_model: Callable[..., GPTModel], tmp_path: Path) -> None:
    model = make_model()
    checkpoint = RunDirectory(tmp_path).checkpoint_path(5)
    checkpoint.mkdir(parents=True)
    write_text(tmp_path / "run.toml", "")
    write_model_files(model, None, checkpoint)
    write_json(checkpoint / "state.json", {"update": 5, "metrics": {}})
    write_manifest(checkpoint)
    from transformer_lens.model_bridge import TransformerBridge

    theirs = TransformerBridge.boot_transformers(str(RunDirectory(tmp_path).find_checkpoint("newest")))
    tokens = torch.tensor([[3, 1, 4, 1, 5, 9, 2]])
    with torch.no_grad():
        logits, cache = theirs.run_with_cache(tokens)
        assert (logits - model(tokens)).abs().max() < 1e-4
    found = record(model, tokens, "*")
    for layer in range(3):
        for name, ours in NAMES.items():
            own = found[f"transformer.hidden.{layer}.{ours}"]
            assert (cache[name.format(layer)] - own).abs().max() < 1e-4, name
