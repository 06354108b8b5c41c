"""config.json of a Hugging Face GPT-2 directory, read by an allow-list: nothing in it can run code or take memory."""

from pathlib import Path
from typing import Any

from gpt25.errors import ConfigurationError, WeightsError
from gpt25.model import GPTConfiguration
from gpt25.storage import read_object
from gpt25.weights.openai.openai_release import CONFIG_NAME, is_openai_release, read_hparams

_SIZES = {
    "n_positions": "block_size",
    "vocab_size": "vocabulary_size",
    "n_layer": "number_of_layers",
    "n_head": "number_of_heads",
    "n_embd": "number_of_embedding_dimensions",
}
_RATES = {
    "embd_pdrop": "embedding_dropout",
    "attn_pdrop": "attention_dropout",
    "resid_pdrop": "residual_dropout",
    "layer_norm_epsilon": "layer_norm_epsilon",
}
# Three names of the same formula, 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
_ACTIVATIONS = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")
# Settings that would make another model out of the same tensors: the value that GPT-2 has.
_FIXED = {
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}
_FOREIGN = ("auto_map", "custom_pipelines", "quantization_config")


def read_config(directory: str | Path) -> GPTConfiguration:
    """Read the shape of the GPT-2 in a directory: Hugging Face's config.json, or hparams.json of OpenAI's release.

    Raises WeightsError when config.json describes another model, lacks a size or contradicts itself, StorageError when
    it cannot be read and CorruptFileError when it is not JSON.
    """
    if is_openai_release(directory):
        return read_hparams(directory)
    path = Path(directory) / CONFIG_NAME
    config = read_object(path)
    _require_gpt2(path, config)
    fields = {}
    config.setdefault("n_positions", config.get("n_ctx"))
    for theirs, ours in _SIZES.items():
        if config.get(theirs) is None:
            raise WeightsError(f"{path} has no {theirs} ({ours} of a GPT-2).")
        fields[ours] = config[theirs]
    fields |= {ours: config[theirs] for theirs, ours in _RATES.items() if config.get(theirs) is not None}
    try:
        configuration = GPTConfiguration(**fields)
    except ConfigurationError as problem:
        raise WeightsError(f"{path} describes no possible GPT-2: {problem}") from problem
    inner = config.get("n_inner")
    if inner is not None and inner != configuration.number_of_hidden_dimensions:
        expected = configuration.number_of_hidden_dimensions
        raise WeightsError(f"{path} has n_inner {inner!r}; a GPT-2 of this width has {expected:,}.")
    return configuration


def _require_gpt2(path: Path, config: dict[str, Any]) -> None:
    """Refuse whatever would compute something else than GPT-2 does."""
    for key in _FOREIGN:
        if config.get(key):
            raise WeightsError(
                f"{path} has {key}, which asks for code or formats of its own. gpt25 runs no code from a model: "
                "use a plain GPT-2 directory."
            )
    if config.get("model_type") != "gpt2":
        raise WeightsError(f"{path} has model_type {config.get('model_type')!r}; only 'gpt2' can be loaded.")
    activation = config.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS:
        raise WeightsError(
            f"{path} has activation_function {activation!r}; GPT-2 has one of {', '.join(_ACTIVATIONS)}."
        )
    for key, value in _FIXED.items():
        if config.get(key, value) is not value:
            raise WeightsError(f"{path} has {key} {config[key]!r}; GPT-2 has {value}.")


def config_contents(configuration: GPTConfiguration, *, end_of_text_id: int, dtype: str) -> dict[str, Any]:
    """What config.json says about a model; n_ctx repeats n_positions because llama.cpp's converter reads it."""
    ours = {"n_ctx": configuration.block_size}
    ours |= {theirs: getattr(configuration, name) for theirs, name in (_SIZES | _RATES).items()}
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        **ours,
        "n_inner": None,
        "activation_function": "gelu_new",
        "initializer_range": 0.02,
        **_FIXED,
        "reorder_and_upcast_attn": False,
        "tie_word_embeddings": True,
        "bos_token_id": end_of_text_id,
        "eos_token_id": end_of_text_id,
        "use_cache": True,
        "torch_dtype": dtype,
    }
