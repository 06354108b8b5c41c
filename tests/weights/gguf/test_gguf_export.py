"""What `gguf`, the package of llama.cpp's own authors, reads out of our files."""

import math
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch

from gpt25.errors import ConfigurationError, DiskFullError, MissingExtraError, StorageError, WeightsError
from gpt25.installation import install_command
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.tokenizer.vocabulary import Vocabulary
from gpt25.weights import export_gguf, load_pretrained
from gpt25.weights.gguf.gguf_metadata import presentable_name
from gpt25.weights.names import tensor_names

Changer = Callable[[Callable[[dict[str, torch.Tensor]], object]], None]
MakeModel = Callable[..., GPTModel]
WIDE = {"number_of_embedding_dimensions": 32, "number_of_heads": 4}  # rows of whole blocks of 32


def fields(reader: gguf.GGUFReader) -> dict[str, Any]:
    return {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}


def tensors(reader: gguf.GGUFReader) -> dict[str, np.ndarray]:
    """Every tensor as float32 in our order of dimensions; `gguf` lists them the other way round."""
    found = {}
    for tensor in reader.tensors:
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type)
        found[tensor.name] = numbers.reshape(tuple(int(size) for size in reversed(tensor.shape)))
    return found


def kept_in_float32(name: str) -> bool:
    return name.endswith(("norm.weight", ".bias")) or name == "position_embd.weight"


def test_the_metadata_is_what_llama_cpp_asks_for(make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = make_model(number_of_layers=3, layer_norm_epsilon=0.01)
    export_gguf(model, tokenizer, tmp_path / "a.gguf", name="A model")
    table = tokenizer.table()
    found = fields(gguf.GGUFReader(tmp_path / "a.gguf"))
    assert found.pop("gpt2.attention.layer_norm_epsilon") == pytest.approx(0.01)
    assert found == {
        "general.architecture": "gpt2",
        "general.type": "model",
        "general.name": "A model",
        "general.file_type": gguf.LlamaFileType.MOSTLY_F16,
        "general.quantization_version": gguf.GGML_QUANT_VERSION,
        "gpt2.context_length": 12,
        "gpt2.embedding_length": 8,
        "gpt2.block_count": 3,
        "gpt2.feed_forward_length": 32,
        "gpt2.attention.head_count": 2,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": table.texts,
        "tokenizer.ggml.token_type": [gguf.TokenType.NORMAL] * 279 + [gguf.TokenType.CONTROL],
        "tokenizer.ggml.merges": table.merges,
        "tokenizer.ggml.bos_token_id": 279,
        "tokenizer.ggml.eos_token_id": 279,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_eos_token": False,
    }


def test_a_token_that_stands_for_its_text_is_marked_so(make_model: MakeModel, tmp_path: Path) -> None:
    ordinary = {bytes([byte]): byte for byte in range(256)} | {b"ab": 258}
    vocabulary = Vocabulary(ordinary=ordinary, special={"<|endoftext|>": 256}, plain={"<user>": 257})
    export_gguf(make_model(vocabulary_size=259), Tokenizer(vocabulary), tmp_path / "a.gguf")
    found = fields(gguf.GGUFReader(tmp_path / "a.gguf"))
    assert found["tokenizer.ggml.tokens"][256:] == ["<|endoftext|>", "<user>", "ab"]
    kinds = gguf.TokenType
    assert found["tokenizer.ggml.token_type"][255:] == [
        kinds.NORMAL,
        kinds.CONTROL,
        kinds.USER_DEFINED,
        kinds.NORMAL,
    ]
    assert found["tokenizer.ggml.eos_token_id"] == 256


@pytest.mark.parametrize(
    ("dtype_name", "kind", "file_type"),
    [("float32", "F32", "ALL_F32"), ("float16", "F16", "MOSTLY_F16"), ("bfloat16", "BF16", "MOSTLY_BF16")],
)
def test_every_tensor_is_there_rounded_to_nearest(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path, dtype_name: Any, kind: str, file_type: str
) -> None:
    model = make_model()
    summary = export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name=dtype_name)
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    assert fields(reader)["general.file_type"] == gguf.LlamaFileType[file_type]
    found = tensors(reader)
    assert list(found) == [name.llama_cpp for name in tensor_names(model.configuration)]
    types = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    for name in tensor_names(model.configuration):
        exact = model.get_parameter(name.ours).detach()
        dtype = torch.float32 if kept_in_float32(name.llama_cpp) else getattr(torch, dtype_name)
        assert types[name.llama_cpp] == ("F32" if dtype is torch.float32 else kind), name
        assert np.array_equal(found[name.llama_cpp], exact.to(dtype).float().numpy()), name
    expected = {"float32": 28} if dtype_name == "float32" else {dtype_name: 9, "float32": 19}
    assert summary.tensors_by_type == expected
    assert summary.number_of_bytes == (tmp_path / "a.gguf").stat().st_size
    assert (summary.fallbacks, summary.rows_left_out) == ((), 0)


def test_q8_0_keeps_every_number_within_half_a_step(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = make_model(**WIDE)
    with torch.no_grad():
        model.get_parameter("transformer.hidden.0.attention.projection.weight")[3].zero_()  # a block of zeros
    summary = export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name="q8_0")
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    assert fields(reader)["general.file_type"] == gguf.LlamaFileType.MOSTLY_Q8_0
    assert summary.tensors_by_type == {"q8_0": 9, "float32": 19}
    found = tensors(reader)
    for name in tensor_names(model.configuration):
        exact = model.get_parameter(name.ours).detach().numpy()
        if kept_in_float32(name.llama_cpp):
            assert np.array_equal(found[name.llama_cpp], exact), name
            continue
        blocks = exact.reshape(-1, 32)
        step = np.abs(blocks).max(axis=1, keepdims=True) / 127
        # Half a step, and the scale itself is a float16: at the block's largest number, 127 steps off by 2^-11.
        allowed = step * (0.5 + 127 * 2**-11)
        assert (np.abs(found[name.llama_cpp].reshape(-1, 32) - blocks) <= allowed).all(), name
        assert np.abs(found[name.llama_cpp] - exact).max() > 0, name
    quantized = [tensor for tensor in reader.tensors if tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0]
    assert sum(tensor.n_bytes for tensor in quantized) == sum(tensor.n_elements for tensor in quantized) * 34 // 32


def test_matrices_that_q8_0_cannot_hold_stay_float16_and_are_named(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model = make_model()  # 8 channels: only the second matrix of the perceptron has rows of 32
    summary = export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name="q8_0")
    types = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "a.gguf").tensors}
    assert {name for name, kind in types.items() if kind == "Q8_0"} == {
        "blk.0.ffn_down.weight",
        "blk.1.ffn_down.weight",
    }
    assert set(summary.fallbacks) == {name for name, kind in types.items() if kind == "F16"}
    assert len(summary.fallbacks) == 7


def test_a_model_too_narrow_for_q8_0_is_refused(make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = make_model(number_of_embedding_dimensions=6)
    with pytest.raises(WeightsError, match=r"no matrix of a model with 6 channels has rows of a multiple of 32\. Exp"):
        export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name="q8_0")
    assert list(tmp_path.iterdir()) == []


def test_spare_rows_of_the_embeddings_are_left_out(make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = make_model(vocabulary_size=320)
    summary = export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name="float32")
    found = tensors(gguf.GGUFReader(tmp_path / "a.gguf"))["token_embd.weight"]
    assert np.array_equal(found, model.transformer.word_token_embeddings.weight.detach().numpy()[:280])
    assert summary.rows_left_out == 40


def test_pieces_of_a_large_tensor_make_the_whole(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(**WIDE)
    export_gguf(model, tokenizer, tmp_path / "whole.gguf", dtype_name="q8_0")
    monkeypatch.setattr("gpt25.weights.gguf.gguf_export._ELEMENTS_AT_ONCE", 100)
    advances: list[int] = []
    export_gguf(model, tokenizer, tmp_path / "pieces.gguf", dtype_name="q8_0", progress=advances.append)
    assert (tmp_path / "pieces.gguf").read_bytes() == (tmp_path / "whole.gguf").read_bytes()
    assert sum(advances) == sum(parameter.numel() for parameter in model.parameters())
    assert max(advances) <= 128  # three rows of 32, or a row alone


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("dtype_name", ["float16", "bfloat16"])
def test_a_directory_in_half_precision_loses_nothing_in_its_own_format(
    directory: Path, change_weights: Changer, tmp_path: Path, stored: torch.dtype, dtype_name: Any
) -> None:
    change_weights(lambda all_: all_.update({name: tensor.to(stored) for name, tensor in all_.items()}))
    model, tokenizer = load_pretrained(directory)
    export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name=dtype_name)
    found = tensors(gguf.GGUFReader(tmp_path / "a.gguf"))
    for name in tensor_names(model.configuration):
        exact = model.get_parameter(name.ours).detach()
        assert torch.equal(exact, exact.to(stored).float())
        dtype = torch.float32 if kept_in_float32(name.llama_cpp) else getattr(torch, dtype_name)
        assert np.array_equal(found[name.llama_cpp], exact.to(dtype).float().numpy()), name


@pytest.mark.parametrize("loaded", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_can_be_exported_as_it_is(
    directory: Path, tmp_path: Path, loaded: torch.dtype
) -> None:
    model, tokenizer = load_pretrained(directory, dtype=loaded)
    export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name="float32")
    found = tensors(gguf.GGUFReader(tmp_path / "a.gguf"))
    for name in tensor_names(model.configuration):
        assert np.array_equal(found[name.llama_cpp], model.get_parameter(name.ours).detach().float().numpy()), name


def test_what_transformers_wrote_is_exported(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng():
        torch.manual_seed(5)
        config = GPT2Config(n_positions=16, vocab_size=280, n_layer=2, n_head=3, n_embd=12, bos_token_id=0)
        twin = GPT2LMHeadModel(config)
    twin.save_pretrained(tmp_path / "theirs")
    tokenizer.save(tmp_path / "theirs")
    model, own = load_pretrained(tmp_path / "theirs")
    export_gguf(model, own, tmp_path / "a.gguf", dtype_name="float32")
    found = tensors(gguf.GGUFReader(tmp_path / "a.gguf"))
    for name in tensor_names(model.configuration):
        theirs = twin.get_parameter(name.hugging_face).detach()
        assert np.array_equal(found[name.llama_cpp], (theirs.t() if name.transposed else theirs).numpy()), name


@pytest.mark.parametrize(
    ("dtype_name", "value", "message"),
    [
        ("float16", 7e4, r"expansion\.weight holds values up to 70,000; float16 ends at 65,504\. Export as bfloat16"),
        ("q8_0", 9e6, r"expansion\.weight holds values up to 9e\+06; q8_0 ends at 8,319,008\. Export as bfloat16"),
        ("float32", math.nan, r"expansion\.weight holds values that are NaN or infinite; use an earlier checkpoint"),
        ("bfloat16", -math.inf, r"expansion\.weight holds values that are NaN or infinite"),
        ("q8_0", math.inf, r"expansion\.weight holds values that are NaN or infinite"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_and_nothing_is_left(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path, dtype_name: Any, value: float, message: str
) -> None:
    model = make_model(**WIDE)
    with torch.no_grad():
        model.get_parameter("transformer.hidden.1.multi_layer_perceptron.expansion.weight")[2, 3] = value
    with pytest.raises(WeightsError, match=message):
        export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name=dtype_name)
    assert list(tmp_path.iterdir()) == []


def test_large_numbers_fit_bfloat16(make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path) -> None:
    model = make_model()
    with torch.no_grad():
        model.transformer.word_token_embeddings.weight[0, 0] = 2.0**100
    export_gguf(model, tokenizer, tmp_path / "a.gguf", dtype_name="bfloat16")
    assert tensors(gguf.GGUFReader(tmp_path / "a.gguf"))["token_embd.weight"][0, 0] == 2.0**100


def test_what_cannot_be_exported_is_refused_with_advice(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    model, path = make_model(), tmp_path / "a.gguf"
    with pytest.raises(WeightsError, match=r"no tokenizer, and a GGUF file carries one\. Put vocab\.json and merges"):
        export_gguf(model, None, path)
    with pytest.raises(ConfigurationError, match=r"dtype_name is 'q4_0'; it must be one of float16, bfloat16, q8_0"):
        export_gguf(model, tokenizer, path, dtype_name="q4_0")  # type: ignore[arg-type]
    only_bytes = Tokenizer.train(["a"], vocabulary_size=257)
    with pytest.raises(WeightsError, match=r"bpe-257-\w+ has no merges, only bytes; llama\.cpp cannot load such"):
        export_gguf(model, only_bytes, path)
    ordinary = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256}
    vocabulary = Vocabulary(ordinary=ordinary, special={"<|endoftext|>": 257}, plain={"é": 258})  # as byte 0xE9 is
    with pytest.raises(WeightsError, match=r"has two tokens that are both written 'é'; llama\.cpp aborts on such"):
        export_gguf(model, Tokenizer(vocabulary), path)
    model.language_modeling_head.weight = torch.nn.Parameter(model.language_modeling_head.weight.clone())
    with pytest.raises(WeightsError, match=r"Call model\.tie_head\(\) before saving"):
        export_gguf(model, tokenizer, path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_only_on_request(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    path = tmp_path / "a.gguf"
    path.write_text("somebody's")
    with pytest.raises(StorageError, match=r"a\.gguf is already there\. Choose another name, or add --overwrite"):
        export_gguf(make_model(), tokenizer, path)
    assert path.read_text() == "somebody's"
    export_gguf(make_model(), tokenizer, path, overwrite=True)
    assert gguf.GGUFReader(path).tensors


@pytest.mark.parametrize("limit", [0, 1_000, 20_000])
def test_a_full_disk_leaves_what_was_there(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path, limit: int
) -> None:
    path, model = tmp_path / "a.gguf", make_model(**WIDE)
    path.write_text("before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))  # a write beyond it fails as on a full disk
        with pytest.raises(DiskFullError, match=r"cannot write .*a\.gguf: File too large\. Free some space"):
            export_gguf(model, tokenizer, path, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.gguf"]


def test_the_missing_package_is_named_with_its_extra(
    make_model: MakeModel, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(
        MissingExtraError, match=rf"^writing GGUF files needs .*: {re.escape(install_command('export'))}$"
    ):
        export_gguf(make_model(), tokenizer, tmp_path / "a.gguf")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gpt2", "gpt2"),
        ("my\n\x00\x1b[31mmodel\u202e\ud800 x", "my [31mmodel x"),
        (" \u200b\t", "GPT-2"),
        ("é" * 500, "é" * 100),
    ],
)
def test_a_name_is_one_short_line(name: str, shown: str) -> None:
    assert presentable_name(name) == shown
