"""OpenAI's original layout, with a stand-in for TensorFlow's reader.

tests/weights/tensorflow_release.py reads checkpoints that TensorFlow itself wrote: `make test-tensorflow`.
"""

import builtins
import json
import os
import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpt25.cli.main import main
from gpt25.errors import CorruptFileError, MissingExtraError, WeightsError
from gpt25.installation import install_command
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import describe_model, load_pretrained, resolve_model, save_pretrained
from gpt25.weights.names import tensor_names
from gpt25.weights.openai import tensorflow_reader
from gpt25.weights.openai.openai_release import read_hparams

Variables = dict[str, np.ndarray]
TRUE_READER = tensorflow_reader.open_checkpoint


class StandIn:
    """What tf.train.load_checkpoint returns, as far as it is used."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.dtype_name: str | None = None  # bfloat16, which numpy lacks, is given as whole numbers of the same bits
        self.read: list[str] = []

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        return {name: list(numbers.shape) for name, numbers in self.variables.items()}

    def get_variable_to_dtype_map(self) -> dict[str, Any]:
        names = {name: self.dtype_name or numbers.dtype.name for name, numbers in self.variables.items()}
        return {name: types.SimpleNamespace(name=dtype_name) for name, dtype_name in names.items()}

    def get_tensor(self, name: str) -> np.ndarray:
        self.read.append(name)
        return self.variables[name].copy()


@pytest.fixture
def variables(model: GPTModel) -> Variables:
    """The model as OpenAI's code has it; written down here once more, for the table in names.py is what is tested."""
    weights = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    found = {
        "model/wte": weights["transformer.word_token_embeddings.weight"],
        "model/wpe": weights["transformer.word_positional_embeddings.weight"],
        "model/ln_f/g": weights["transformer.final_layer_norm.weight"],
        "model/ln_f/b": weights["transformer.final_layer_norm.bias"],
    }
    for layer in range(model.configuration.number_of_layers):
        ours, theirs = f"transformer.hidden.{layer}", f"model/h{layer}"
        for norm in (1, 2):
            found[f"{theirs}/ln_{norm}/g"] = weights[f"{ours}.layer_norm_{norm}.weight"]
            found[f"{theirs}/ln_{norm}/b"] = weights[f"{ours}.layer_norm_{norm}.bias"]
        for part, words in {
            "attn/c_attn": "attention.query_key_value",
            "attn/c_proj": "attention.projection",
            "mlp/c_fc": "multi_layer_perceptron.expansion",
            "mlp/c_proj": "multi_layer_perceptron.projection",
        }.items():
            found[f"{theirs}/{part}/w"] = weights[f"{ours}.{words}.weight"].T[None]  # (1, in, out)
            found[f"{theirs}/{part}/b"] = weights[f"{ours}.{words}.bias"]
    return {name: np.ascontiguousarray(numbers) for name, numbers in found.items()}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set to keep TensorFlow quiet is undone after each test."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.fixture
def reader(variables: Variables, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn(variables)
    monkeypatch.setattr(tensorflow_reader, "open_checkpoint", lambda prefix: stand_in)
    return stand_in


@pytest.fixture
def release(reader: StandIn, tokenizer: Tokenizer, tmp_path: Path) -> Path:
    """A directory as OpenAI's download script leaves it; the checkpoint's bytes are the stand-in's business."""
    directory = tmp_path / "124M"
    tokenizer.save(directory)
    (directory / "vocab.json").rename(directory / "encoder.json")
    (directory / "merges.txt").rename(directory / "vocab.bpe")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (directory / name).unlink()
    sizes = {"n_vocab": 280, "n_ctx": 12, "n_embd": 8, "n_head": 2, "n_layer": 2}
    (directory / "hparams.json").write_text(json.dumps(sizes))
    state = 'model_checkpoint_path: "model.ckpt"\nall_model_checkpoint_paths: "model.ckpt"\n'
    (directory / "checkpoint").write_text(state)
    for suffix in ("index", "meta", "data-00000-of-00001"):
        (directory / f"model.ckpt.{suffix}").write_bytes(b"")
    return directory


def test_a_release_is_the_model(release: Path, model: GPTModel, tokenizer: Tokenizer) -> None:
    loaded, own = load_pretrained(release)
    assert loaded.configuration == model.configuration
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter), name
    assert loaded.language_modeling_head.weight is loaded.transformer.word_token_embeddings.weight
    assert own is not None
    assert own.fingerprint == tokenizer.fingerprint
    indices = torch.arange(12)[None]
    with torch.no_grad():
        assert torch.equal(loaded(indices), model(indices))


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16])
def test_half_precision_is_read_as_well(
    release: Path, reader: StandIn, model: GPTModel, stored: torch.dtype, wanted: torch.dtype
) -> None:
    halves = {name: torch.from_numpy(numbers).to(stored) for name, numbers in reader.variables.items()}
    reader.dtype_name = str(stored).removeprefix("torch.")
    reader.variables = {name: half.view(torch.int16).numpy().view(np.float16) for name, half in halves.items()}
    loaded, _ = load_pretrained(release, dtype=wanted)
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter.to(stored).to(wanted)), name
    assert {tensor["dtype"] for tensor in describe_model(release)["tensors"]} == {reader.dtype_name}


def test_every_command_takes_it(
    release: Path, model: GPTModel, tokenizer: Tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import gguf

    save_pretrained(model, tokenizer, tmp_path / "twin")
    shown = []
    for directory in (release, tmp_path / "twin"):
        assert main(["show", str(directory), "--statistics", "--json"]) == 0
        assert (
            main(["generate", str(directory), "--prompt", "the", "--max-new-tokens", "5", "--seed", "1", "--json"]) == 0
        )
        described, generated = map(json.loads, capsys.readouterr().out.splitlines())
        shown.append((described, [sample["token_ids"] for sample in generated["samples"]]))
    assert shown[0] == shown[1]
    assert main(["export", str(release), "--output", str(tmp_path / "a.gguf")]) == 0
    assert gguf.GGUFReader(tmp_path / "a.gguf").fields["general.name"].contents() == "124M"


def test_showing_reads_no_weights(release: Path, reader: StandIn) -> None:
    assert describe_model(release)["parameters"] == sum(numbers.size for numbers in reader.variables.values())
    assert reader.read == []
    load_pretrained(release)
    assert sorted(reader.read) == sorted(reader.variables)


def test_what_differs_is_shown_under_openais_names(release: Path, reader: StandIn) -> None:
    variables = reader.variables
    del variables["model/h1/mlp/c_fc/w"]
    variables["model/wpe"] = np.zeros((13, 8), np.float32)
    variables["model/ln_f/b"] = np.zeros(8, np.int64)
    variables["model/h0/attn/c_attn/w"] = variables["model/h0/attn/c_attn/w"].swapaxes(1, 2)
    variables["model/h0/attn/c_attn/w/Adam"] = np.zeros((1, 8, 24), np.float32)
    with pytest.raises(WeightsError) as caught:
        load_pretrained(release)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("124M are not those of the GPT-2 that its hparams.json describes:")
    for row in (
        r"model/wpe +12 × 8 +13 × 8 F32",
        r"model/h0/attn/c_attn/w +8 × 24 +24 × 8 F32 \(transposed",
        r"model/h1/mlp/c_fc/w +8 × 32 +nothing",
        r"model/ln_f/b +8 F32 or F16 or BF16 or F64 +8 int64",
        r"model/h0/attn/c_attn/w/Adam +nothing of this name +1 × 8 × 24 F32",
    ):
        assert any(re.search(row, line) for line in lines), row
    assert lines[-1] == ("Is hparams.json of another model, or did a training program keep tensors of its own there?")


def test_numbers_that_are_not_finite_are_found(release: Path, reader: StandIn) -> None:
    reader.variables["model/h1/mlp/c_proj/w"][0, 3, :2] = np.nan
    with pytest.raises(WeightsError, match="is NaN or infinite in 2 of 256 values"):
        load_pretrained(release)


def test_a_checkpoint_shorter_than_its_index_is_refused(release: Path, reader: StandIn) -> None:
    whole = reader.get_tensor
    reader.get_tensor = lambda name: whole(name)[:-1]  # type: ignore[method-assign]
    with pytest.raises(CorruptFileError, match=r"model/wte in .*model\.ckpt\.\* has 8,928 bytes, its index says 8,960"):
        load_pretrained(release)


def test_what_tensorflow_cannot_read_is_one_line(release: Path, reader: StandIn) -> None:
    def fail(name: str) -> np.ndarray:
        raise RuntimeError("Checksum does not match:\n  stored 1 vs. calculated 2")

    reader.get_tensor = fail  # type: ignore[method-assign]
    expected = r"^TensorFlow cannot read .*model\.ckpt\.\*: Checksum does not match: stored 1 vs\. calculated 2\. Fetch"
    with pytest.raises(CorruptFileError, match=expected):
        load_pretrained(release)


@pytest.mark.parametrize("problem", [RuntimeError("not an sstable (bad magic number)"), ValueError()])
def test_an_index_that_tensorflow_cannot_read_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, problem: Exception
) -> None:
    def load_checkpoint(prefix: str) -> Any:
        raise problem

    tensorflow = types.ModuleType("tensorflow")
    tensorflow.train = types.SimpleNamespace(load_checkpoint=load_checkpoint)
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    reason = "not an sstable" if problem.args else "ValueError"
    with pytest.raises(CorruptFileError, match=rf"TensorFlow cannot read .*model\.ckpt\.\*: {reason}"):
        tensorflow_reader.open_checkpoint(tmp_path / "model.ckpt")


def test_tensorflow_is_asked_for_the_files_beginning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tensorflow = types.ModuleType("tensorflow")
    tensorflow.train = types.SimpleNamespace(load_checkpoint=lambda prefix: ("opened", prefix))
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
    assert tensorflow_reader.open_checkpoint(tmp_path / "model.ckpt") == ("opened", str(tmp_path / "model.ckpt"))
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"  # somebody's own choice stays


def test_the_missing_package_is_named_with_its_extra(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tensorflow_reader, "open_checkpoint", TRUE_READER)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    expected = (
        f"reading {release}, a TensorFlow checkpoint, needs the package tensorflow-cpu; install it with: "
        f"{install_command('tensorflow')}"
    )
    with pytest.raises(MissingExtraError) as caught:
        load_pretrained(release)
    assert str(caught.value) == expected
    assert main(["show", str(release)]) == 2
    assert capsys.readouterr().err == f"error: {expected}\n"


def test_a_directory_with_config_json_too_is_hugging_faces(release: Path, directory: Path, reader: StandIn) -> None:
    for name in ("config.json", "model.safetensors"):
        (release / name).write_bytes((directory / name).read_bytes())
    load_pretrained(release)
    assert reader.read == []


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("", r"checkpoint names no model_checkpoint_path; OpenAI's names 'model\.ckpt'"),
        ('model_checkpoint_path: ""\n', r"checkpoint names no model_checkpoint_path"),
        ('model_checkpoint_path: "elsewhere/"\n', r"checkpoint names no model_checkpoint_path"),
        ('model_checkpoint_path: "model-7"\n', r"holds hparams\.json and no model-7\.index; OpenAI's release has"),
        ('model_checkpoint_path: "model.*"\n', r"holds hparams\.json and no model\.\*\.index; OpenAI's release has"),
    ],
)
def test_a_state_that_leads_nowhere_is_refused(release: Path, state: str, message: str) -> None:
    (release / "checkpoint").write_text(state)
    with pytest.raises(WeightsError, match=message):
        load_pretrained(release)


@pytest.mark.parametrize("place", ["/elsewhere/124M/", "..\\124M\\", "../", ""])
def test_only_the_files_beside_the_state_are_read(release: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    usual, opened = tensorflow_reader.open_checkpoint, []
    monkeypatch.setattr(tensorflow_reader, "open_checkpoint", lambda prefix: opened.append(prefix) or usual(prefix))
    (release / "checkpoint").write_text(f'model_checkpoint_path: "{place}model.ckpt"\n')
    load_pretrained(release)
    assert opened == [release / "model.ckpt"]


def test_missing_files_are_named(release: Path) -> None:
    (release / "checkpoint").unlink()
    load_pretrained(release)  # the usual name is tried
    (release / "model.ckpt.data-00000-of-00001").unlink()
    with pytest.raises(WeightsError, match=r"no model\.ckpt\.data-\*-of-\*; OpenAI's release has checkpoint, hparams"):
        load_pretrained(release)
    (release / "hparams.json").unlink()
    with pytest.raises(WeightsError, match=r"It holds model\.ckpt\.index and no hparams\.json, which"):
        resolve_model(release)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"n_layer": None},
            r"hparams\.json has no n_layer; OpenAI's has exactly n_vocab, n_ctx, n_embd, n_head, n_lay",
        ),
        ({"res_dropout": 0.1}, r"has the unknown setting 'res_dropout'; OpenAI's has exactly"),
        ({"n_head": 3}, r"describes no possible GPT-2: number_of_heads 3 does not divide"),
        ({"n_layer": 10**9}, r"describes no possible GPT-2: number_of_layers is 1000000000"),
        ({"n_ctx": "12"}, r"describes no possible GPT-2: block_size is '12'"),
    ],
)
def test_hparams_that_lie_are_refused(release: Path, changes: dict[str, Any], message: str) -> None:
    path = release / "hparams.json"
    sizes = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in sizes.items() if value is not None}))
    with pytest.raises(WeightsError, match=message):
        read_hparams(release)


def test_hparams_that_are_no_object_are_refused(release: Path) -> None:
    (release / "hparams.json").write_text("[1]")
    with pytest.raises(CorruptFileError, match=r"hparams\.json holds a list, not an object"):
        load_pretrained(release)


def test_no_pickle_beside_it_is_opened(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (release / "pytorch_model.bin").write_bytes(b"\x80")
    opened = []
    usual = builtins.open
    monkeypatch.setattr(
        builtins, "open", lambda path, *rest, **more: opened.append(str(path)) or usual(path, *rest, **more)
    )
    load_pretrained(release)
    assert not [path for path in opened if path.endswith((".bin", ".meta"))]


def test_the_table_has_openais_names(model: GPTModel, variables: Variables) -> None:
    names = list(tensor_names(model.configuration))
    assert {name.openai for name in names} == set(variables)
    for name in names:
        expected = (1, *name.stored_shape) if name.transposed else name.stored_shape
        assert variables[name.openai].shape == expected
