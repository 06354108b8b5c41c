import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.errors import StorageError, WeightsError
from gpt25.model import GPTModel
from gpt25.storage import atomic_directory
from gpt25.tokenizer import Tokenizer
from gpt25.weights import save_pretrained, write_model_files

FILES = {
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "vocab.json",
    "merges.txt",
    "tokenizer.json",
    "tokenizer_config.json",
}


def test_the_directory_holds_what_transformers_wants_and_nothing_else(directory: Path, tokenizer: Tokenizer) -> None:
    assert {path.name for path in directory.iterdir()} == FILES
    assert [path.name for path in directory.parent.iterdir()] == ["model"]
    config = json.loads((directory / "config.json").read_text())
    assert (config["model_type"], config["architectures"]) == ("gpt2", ["GPT2LMHeadModel"])
    assert config["n_ctx"] == config["n_positions"] == 12
    assert config["bos_token_id"] == config["eos_token_id"] == tokenizer.end_of_text_id == 279
    generation = json.loads((directory / "generation_config.json").read_text())
    assert generation == {"bos_token_id": 279, "eos_token_id": 279}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_transformers_loads_the_same_weights_without_a_complaint(
    model: GPTModel, tokenizer: Tokenizer, tmp_path: Path, caplog: pytest.LogCaptureFixture, dtype: torch.dtype
) -> None:
    from transformers import GPT2LMHeadModel
    from transformers.utils import logging

    from gpt25.weights.names import tensor_names

    logging.disable_progress_bar()
    save_pretrained(model.to(dtype), tokenizer, tmp_path / "saved")
    twin, report = GPT2LMHeadModel.from_pretrained(tmp_path / "saved", output_loading_info=True)
    assert not any(report.values()), report
    assert not caplog.records
    assert twin.dtype == dtype
    for name in tensor_names(model.configuration):
        theirs = twin.get_parameter(name.hugging_face)
        assert torch.equal(theirs.t() if name.transposed else theirs, model.get_parameter(name.ours)), name
    indices = torch.arange(12)[None]
    if dtype == torch.float32:
        with torch.no_grad():
            torch.testing.assert_close(twin(indices).logits, model(indices), rtol=0, atol=1e-5)


def test_transformers_finds_the_tokenizer_and_generates(directory: Path, tokenizer: Tokenizer) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    theirs = AutoTokenizer.from_pretrained(directory)
    assert theirs("the lazy fox")["input_ids"] == tokenizer.encode("the lazy fox")
    twin = AutoModelForCausalLM.from_pretrained(directory)
    prompt = torch.tensor([[1, 2, 3]])
    mask = torch.ones_like(prompt)
    written = twin.generate(prompt, attention_mask=mask, max_new_tokens=2, do_sample=False, pad_token_id=279)
    assert written.shape[1] in (4, 5)


def test_without_a_tokenizer_the_last_id_ends_a_text(model: GPTModel, tmp_path: Path) -> None:
    save_pretrained(model, None, tmp_path / "saved")
    assert {path.name for path in (tmp_path / "saved").iterdir()} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
    }
    assert json.loads((tmp_path / "saved" / "config.json").read_text())["eos_token_id"] == 279


def test_the_same_files_go_into_a_checkpoint(model: GPTModel, tokenizer: Tokenizer, directory: Path) -> None:
    checkpoint = directory.parent / "update-000001"
    with atomic_directory(checkpoint) as temporary:
        write_model_files(model, tokenizer, temporary)
        (temporary / "state.json").write_text("{}")
    for name in FILES:
        assert (checkpoint / name).read_bytes() == (directory / name).read_bytes()


def test_an_older_model_is_replaced_whole(make_model: Callable[..., GPTModel], directory: Path) -> None:
    save_pretrained(make_model(number_of_layers=3), None, directory)
    assert json.loads((directory / "config.json").read_text())["n_layer"] == 3
    assert not (directory / "vocab.json").exists()


def test_a_directory_that_holds_anything_else_is_left_alone(model: GPTModel, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(StorageError, match=r"holds thesis\.txt, which is no part of a model, and would be replaced"):
        save_pretrained(model, None, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "three years of work"


def test_a_file_is_not_replaced_by_a_directory(model: GPTModel, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("mine")
    with pytest.raises(StorageError, match="is a file; a model is saved as a directory"):
        save_pretrained(model, None, tmp_path / "model")
    assert (tmp_path / "model").read_text() == "mine"


def test_a_head_of_its_own_is_not_saved(model: GPTModel, tmp_path: Path) -> None:
    head = model.language_modeling_head
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    with pytest.raises(WeightsError, match=r"head is no longer the token embeddings' own.+tie_head"):
        save_pretrained(model, None, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_a_tokenizer_that_does_not_fit_is_not_saved(
    make_model: Callable[..., GPTModel], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match="has 280 tokens and the model embeds only 100; they do not belong together"):
        save_pretrained(make_model(vocabulary_size=100), tokenizer, tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_a_failure_leaves_the_older_model_untouched(
    model: GPTModel, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in directory.iterdir()}

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gpt25.weights.save.write_safetensors", fail)
    with pytest.raises(StorageError, match="No space left on device"):
        save_pretrained(model, None, directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert [path.name for path in directory.parent.iterdir()] == ["model"]
