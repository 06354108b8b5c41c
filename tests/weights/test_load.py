import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.errors import ConfigurationError, CorruptFileError, WeightsError
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained

Changer = Callable[[Callable[[dict[str, torch.Tensor]], object]], None]


def test_model_and_tokenizer_come_back_as_they_were(directory: Path, model: GPTModel, tokenizer: Tokenizer) -> None:
    loaded, loaded_tokenizer = load_pretrained(directory)
    assert loaded.configuration == model.configuration
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter), name
        dense = loaded.get_parameter(name)
        assert dense.is_contiguous() or dense.t().is_contiguous(), name
        assert loaded.get_parameter(name).requires_grad, name
    assert loaded_tokenizer is not None
    assert loaded_tokenizer.fingerprint == tokenizer.fingerprint
    assert loaded.language_modeling_head.weight is loaded.transformer.word_token_embeddings.weight
    assert not loaded.training


def test_a_single_channel_whose_transposes_need_no_copy_is_copied_nevertheless(
    make_model: Callable[..., GPTModel], tmp_path: Path
) -> None:
    model = make_model(number_of_embedding_dimensions=1, number_of_heads=1)
    save_pretrained(model, None, tmp_path / "narrow")
    loaded, _ = load_pretrained(tmp_path / "narrow")
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter), name


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"number_of_layers": 6, "number_of_heads": 1},
        {"number_of_heads": 4, "vocabulary_size": 97, "block_size": 31},
        {"number_of_embedding_dimensions": 21, "number_of_heads": 7, "layer_norm_epsilon": 0.01},
    ],
    ids=str,
)
def test_what_transformers_writes_gives_the_same_logits(
    make_model: Callable[..., GPTModel], tmp_path: Path, fields: dict[str, Any]
) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    shape = make_model(**fields).configuration
    with torch.random.fork_rng():
        torch.manual_seed(4)
        twin = GPT2LMHeadModel(
            GPT2Config(
                n_positions=shape.block_size,
                vocab_size=shape.vocabulary_size,
                n_layer=shape.number_of_layers,
                n_head=shape.number_of_heads,
                n_embd=shape.number_of_embedding_dimensions,
                layer_norm_epsilon=shape.layer_norm_epsilon,
                bos_token_id=0,
                eos_token_id=0,
            )
        ).eval()
    twin.save_pretrained(tmp_path)
    loaded, tokenizer = load_pretrained(tmp_path)
    assert tokenizer is None
    assert loaded.configuration.attention_dropout == 0.1  # the default of transformers, kept
    indices = torch.arange(12)[None] % shape.vocabulary_size
    with torch.no_grad():
        torch.testing.assert_close(loaded(indices), twin(indices).logits, rtol=0, atol=1e-5)


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16])
def test_half_precision_files_are_read_in_any_precision(
    directory: Path, change_weights: Changer, stored: torch.dtype, wanted: torch.dtype
) -> None:
    original: dict[str, torch.Tensor] = {}

    def halve(tensors: dict[str, torch.Tensor]) -> None:
        tensors.update({name: tensor.to(stored) for name, tensor in tensors.items()})
        original.update(tensors)

    change_weights(halve)
    loaded, _ = load_pretrained(directory, dtype=wanted)
    assert {parameter.dtype for parameter in loaded.parameters()} == {wanted}
    matrix = loaded.transformer.hidden[1].attention.query_key_value.weight  # type: ignore[union-attr]
    assert torch.equal(matrix, original["transformer.h.1.attn.c_attn.weight"].t().to(wanted))


def test_a_dtype_that_weights_cannot_have_is_refused(directory: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"dtype is torch\.int8; weights can be loaded as float32"):
        load_pretrained(directory, dtype=torch.int8)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_found(directory: Path, change_weights: Changer, value: float) -> None:
    change_weights(lambda tensors: tensors["transformer.h.1.mlp.c_proj.weight"][3, :2].fill_(value))
    expected = r"transformer\.h\.1\.mlp\.c_proj\.weight in .+ is NaN or infinite in 2 of 256 values; expected"
    with pytest.raises(WeightsError, match=expected):
        load_pretrained(directory)


def test_large_finite_numbers_whose_sum_overflows_are_accepted(directory: Path, change_weights: Changer) -> None:
    change_weights(lambda tensors: tensors["transformer.ln_f.weight"].fill_(3e38))
    assert load_pretrained(directory)[0].transformer.final_layer_norm.weight[0] == 3e38


def test_a_head_that_differs_from_the_embeddings_is_refused(directory: Path, change_weights: Changer) -> None:
    def untie(tensors: dict[str, torch.Tensor]) -> None:
        tensors["lm_head.weight"] = tensors["transformer.wte.weight"].clone()
        tensors["lm_head.weight"][5, 1:4] += 1

    change_weights(untie)
    with pytest.raises(
        WeightsError, match=r"lm_head\.weight in .+ differs from transformer\.wte\.weight in 3 of 2,240"
    ):
        load_pretrained(directory)


def test_a_cut_file_is_refused(directory: Path) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CorruptFileError, match=r"model\.safetensors is not a complete safetensors file"):
        load_pretrained(directory)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(
    make_model: Callable[..., GPTModel], directory: Path, tmp_path: Path
) -> None:
    save_pretrained(make_model(vocabulary_size=279), None, tmp_path / "smaller")
    for name in ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "smaller" / name).write_bytes((directory / name).read_bytes())
    with pytest.raises(WeightsError, match=r"the tokenizer bpe-280-\w+ has 280 tokens and the model embeds only 279"):
        load_pretrained(tmp_path / "smaller")


def test_spare_embeddings_beyond_the_tokenizer_are_fine(
    make_model: Callable[..., GPTModel], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    save_pretrained(make_model(vocabulary_size=320), tokenizer, tmp_path / "padded")
    loaded, loaded_tokenizer = load_pretrained(tmp_path / "padded")
    assert loaded_tokenizer is not None
    assert (loaded.configuration.vocabulary_size, loaded_tokenizer.vocabulary_size) == (320, 280)


def test_the_weights_are_in_memory_once_and_the_hub_is_not_imported(
    make_model: Callable[..., GPTModel], tmp_path: Path
) -> None:
    model = make_model(vocabulary_size=6000, number_of_layers=4, number_of_heads=4, number_of_embedding_dimensions=512)
    save_pretrained(model, None, tmp_path / "model")
    program = (
        "import resource, sys, torch; from gpt25 import load_pretrained\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak(); model, _ = load_pretrained(sys.argv[1])\n"
        "print(peak() - before, sum(p.nbytes for p in model.parameters()), 'huggingface_hub' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")], capture_output=True, text=True, check=True
    )
    grown_by, weight_bytes, hub_imported = done.stdout.split()
    assert int(grown_by) < 1.15 * int(weight_bytes)
    assert hub_imported == "False"


def test_what_is_written_to_a_loaded_model_stays_in_it(directory: Path) -> None:
    path = directory / "model.safetensors"
    before = path.read_bytes()
    loaded, _ = load_pretrained(directory)
    with torch.no_grad():
        for parameter in loaded.parameters():
            parameter.add_(1.0)
    again, _ = load_pretrained(directory)
    assert path.read_bytes() == before
    for name, parameter in again.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter + 1.0), name


def test_a_loaded_model_outlives_its_directory(directory: Path, make_model: Callable[..., GPTModel]) -> None:
    loaded, _ = load_pretrained(directory)
    expected = {name: parameter.clone() for name, parameter in loaded.named_parameters()}
    other = make_model()
    with torch.no_grad():
        other.transformer.word_token_embeddings.weight.zero_()
    save_pretrained(other, None, directory)
    assert not load_pretrained(directory)[0].transformer.word_token_embeddings.weight.any()
    shutil.rmtree(directory)
    for name, parameter in loaded.named_parameters():
        assert torch.equal(parameter, expected[name]), name


def test_numbers_that_do_not_lie_on_their_own_boundaries_are_read(directory: Path, model: GPTModel) -> None:
    path = directory / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    path.write_bytes((length + 1).to_bytes(8, "little") + content[8 : 8 + length] + b" " + content[8 + length :])
    loaded, _ = load_pretrained(directory)
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter), name
        assert loaded.get_parameter(name).data_ptr() % 4 == 0, name


@pytest.mark.parametrize("system_maps", [True, False])
def test_what_is_converted_or_cannot_stay_mapped_is_contiguous(
    directory: Path, model: GPTModel, monkeypatch: pytest.MonkeyPatch, system_maps: bool
) -> None:
    monkeypatch.setattr("gpt25.weights.load.can_stay_mapped", lambda: system_maps)
    dtype = torch.bfloat16 if system_maps else torch.float32
    loaded, _ = load_pretrained(directory, dtype=dtype)
    for name, parameter in model.named_parameters():
        assert torch.equal(loaded.get_parameter(name), parameter.to(dtype)), name
        assert loaded.get_parameter(name).is_contiguous(), name


def test_gradients_and_a_step_are_those_of_a_model_with_its_own_memory(directory: Path, model: GPTModel) -> None:
    loaded, _ = load_pretrained(directory)
    tokens = torch.arange(24).view(2, 12)
    for one in (loaded, model):
        optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            one(tokens[:, :-1], tokens[:, 1:])[1].backward()
            optimizer.step()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(loaded.get_parameter(name), parameter, rtol=1e-4, atol=1e-5)
