from typing import Any

import pytest
import torch

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.weights.names import GLOSSARY, tensor_names

SHAPE = GPTConfiguration(
    block_size=6, vocabulary_size=11, number_of_layers=3, number_of_heads=2, number_of_embedding_dimensions=4
)


@pytest.fixture(scope="module")
def twin() -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(n_positions=6, vocab_size=11, n_layer=3, n_head=2, n_embd=4, bos_token_id=0, eos_token_id=0)
    with torch.device("meta"):
        return GPT2LMHeadModel(config)


def test_the_table_names_every_tensor_of_our_model_with_its_shape() -> None:
    ours = {name: tuple(parameter.shape) for name, parameter in GPTModel(SHAPE).named_parameters()}
    assert {name.ours: name.shape for name in tensor_names(SHAPE)} == ours


def test_the_table_names_every_tensor_of_transformers_with_its_shape(twin: Any) -> None:
    theirs = {name: tuple(parameter.shape) for name, parameter in twin.named_parameters()}
    assert {name.hugging_face: name.stored_shape for name in tensor_names(SHAPE)} == theirs


def test_exactly_the_matrices_of_conv1d_are_transposed(twin: Any) -> None:
    from transformers.pytorch_utils import Conv1D

    expected = {f"{name}.weight" for name, module in twin.named_modules() if isinstance(module, Conv1D)}
    assert {name.hugging_face for name in tensor_names(SHAPE) if name.transposed} == expected


def test_names_come_in_the_order_of_the_data() -> None:
    names = [name.ours for name in tensor_names(SHAPE)]
    assert names[0] == "transformer.word_token_embeddings.weight"
    assert names[-1] == "transformer.final_layer_norm.bias"
    assert names == [name for name, _ in GPTModel(SHAPE).named_parameters()]


def test_the_glossary_explains_every_short_form() -> None:
    explained = {word for words in GLOSSARY for word in words.split(", ")} | {"transformer", "weight", "bias"}
    used = {word for name in tensor_names(SHAPE) for word in name.hugging_face.split(".") if not word.isdigit()}
    assert used <= explained


def test_llama_cpps_names_are_those_of_its_own_table() -> None:
    import gguf

    table = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, SHAPE.number_of_layers)
    for name in tensor_names(SHAPE):
        stem, _, kind = name.hugging_face.rpartition(".")
        assert name.llama_cpp == f"{table.get_name(stem)}.{kind}"


def test_no_two_tensors_share_a_name() -> None:
    names = list(tensor_names(SHAPE))
    for spelling in ("ours", "hugging_face", "openai", "llama_cpp"):
        assert len({getattr(name, spelling) for name in names}) == len(names)
