import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt25.errors import CorruptFileError, StorageError, WeightsError
from gpt25.model import GPTConfiguration
from gpt25.weights.config_file import config_contents, read_config

Changer = Callable[..., None]

ODD = GPTConfiguration(
    block_size=17,
    vocabulary_size=91,
    number_of_layers=3,
    number_of_heads=5,
    number_of_embedding_dimensions=35,
    embedding_dropout=0.1,
    attention_dropout=0.2,
    residual_dropout=0.3,
    layer_norm_epsilon=1e-6,
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    content = config_contents(ODD, end_of_text_id=90, dtype="float32")
    (tmp_path / "config.json").write_text(json.dumps(content))
    assert read_config(tmp_path) == ODD


def test_transformers_understands_what_is_written(tmp_path: Path) -> None:
    from transformers import AutoConfig

    content = config_contents(ODD, end_of_text_id=90, dtype="bfloat16")
    (tmp_path / "config.json").write_text(json.dumps(content))
    config = AutoConfig.from_pretrained(tmp_path)
    assert type(config).__name__ == "GPT2Config"
    assert (config.n_positions, config.n_ctx, config.vocab_size) == (17, 17, 91)
    assert (config.n_layer, config.n_head, config.n_embd, config.n_inner) == (3, 5, 35, None)
    assert (config.embd_pdrop, config.attn_pdrop, config.resid_pdrop) == (0.1, 0.2, 0.3)
    assert (config.layer_norm_epsilon, config.activation_function) == (1e-6, "gelu_new")
    assert (config.bos_token_id, config.eos_token_id, config.tie_word_embeddings) == (90, 90, True)
    assert str(config.dtype) == "torch.bfloat16"


def test_a_config_of_openai_s_repository_is_read(tmp_path: Path) -> None:
    content = {
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "attn_pdrop": 0.1,
        "bos_token_id": 50256,
        "embd_pdrop": 0.1,
        "eos_token_id": 50256,
        "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-05,
        "model_type": "gpt2",
        "n_ctx": 1024,
        "n_embd": 768,
        "n_head": 12,
        "n_layer": 12,
        "n_positions": 1024,
        "resid_pdrop": 0.1,
        "summary_first_dropout": 0.1,
        "summary_type": "cls_index",
        "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
        "vocab_size": 50257,
    }
    (tmp_path / "config.json").write_text(json.dumps(content))
    expected = GPTConfiguration(embedding_dropout=0.1, attention_dropout=0.1, residual_dropout=0.1)
    assert read_config(tmp_path) == expected


def test_the_block_size_may_stand_under_its_older_name_alone(directory: Path, change_config: Changer) -> None:
    change_config(n_positions=None)
    assert read_config(directory).block_size == 12


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_pytorch_tanh", "gelu_fast"])
def test_other_names_of_the_same_activation_are_accepted(
    directory: Path, change_config: Changer, activation: str
) -> None:
    change_config(activation_function=activation)
    assert read_config(directory).number_of_layers == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"n_head": 3},
            "describes no possible GPT-2: number_of_heads 3 does not divide number_of_embedding_dimensions 8",
        ),
        ({"n_layer": 10**9}, "describes no possible GPT-2: number_of_layers is 1000000000"),
        ({"n_layer": "2"}, "number_of_layers is '2'"),
        ({"n_positions": 0}, "block_size is 0"),
        ({"vocab_size": -1}, "vocabulary_size is -1"),
        ({"n_embd": 1 << 40}, "number_of_embedding_dimensions is 1099511627776"),
        ({"n_embd": 8.0}, "number_of_embedding_dimensions is 8.0"),
        ({"layer_norm_epsilon": 0}, "layer_norm_epsilon is 0"),
        ({"attn_pdrop": 1.5}, "attention_dropout is 1.5"),
        ({"n_layer": None}, r"has no n_layer \(number_of_layers of a GPT-2\)"),
        ({"n_positions": None, "n_ctx": None}, "has no n_positions"),
        ({"n_inner": 33}, "has n_inner 33; a GPT-2 of this width has 32"),
        ({"activation_function": "relu"}, "has activation_function 'relu'; GPT-2 has one of gelu_new"),
        ({"activation_function": "gelu"}, "has activation_function 'gelu'"),
        ({"activation_function": ["gelu_new"]}, "has activation_function"),
        ({"model_type": "llama"}, "has model_type 'llama'; only 'gpt2' can be loaded"),
        ({"model_type": None}, "has model_type None"),
        ({"scale_attn_weights": False}, "has scale_attn_weights False; GPT-2 has True"),
        ({"scale_attn_by_inverse_layer_idx": True}, "has scale_attn_by_inverse_layer_idx True; GPT-2 has False"),
        ({"add_cross_attention": True}, "has add_cross_attention True; GPT-2 has False"),
        ({"auto_map": {"AutoModel": "evil.Model"}}, "has auto_map, which asks for code or formats of its own"),
        ({"quantization_config": {"bits": 4}}, "has quantization_config"),
        ({"custom_pipelines": {"x": {}}}, "has custom_pipelines"),
    ],
    ids=str,
)
def test_a_config_that_lies_or_asks_for_more_is_refused(
    directory: Path, change_config: Changer, changes: dict[str, object], message: str
) -> None:
    change_config(**changes)
    with pytest.raises(WeightsError, match=rf"config\.json .*{message}"):
        read_config(directory)


def test_code_beside_a_model_never_runs(directory: Path, change_config: Changer, tmp_path: Path) -> None:
    from gpt25.weights import load_pretrained

    (directory / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    change_config(auto_map={"AutoModelForCausalLM": "evil.Model"})
    with pytest.raises(WeightsError, match="gpt25 runs no code from a model"):
        load_pretrained(directory)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000])
def test_a_config_that_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CorruptFileError, match=r"config\.json (holds a list, not an object|is not JSON)"):
        read_config(tmp_path)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "1" + "0" * 400])
def test_a_config_with_a_number_that_no_float_holds_is_refused(tmp_path: Path, number: str) -> None:
    (tmp_path / "config.json").write_text(f'{{"layer_norm_epsilon": {number}}}')
    with pytest.raises(CorruptFileError, match=r"config\.json: layer_norm_epsilon is \S+; it must be a finite number"):
        read_config(tmp_path)


def test_a_config_of_many_megabytes_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "config.json", "wb") as file:
        file.truncate(30 << 30)  # a sparse file
    with pytest.raises(CorruptFileError, match=r"config\.json has 32,212,254,720 bytes or more; at most 67,108,864"):
        read_config(tmp_path)


def test_an_absent_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .+config\.json"):
        read_config(tmp_path)
