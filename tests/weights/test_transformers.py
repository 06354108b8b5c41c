"""transformers as the oracle: logits, loss, gradients and greedy text, and files that go both ways to the last bit."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.generation import TextGenerator
from gpt25.model import PUBLISHED_CONFIGURATIONS, GPTConfiguration, GPTModel
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained
from gpt25.weights.names import tensor_names

Twins = tuple[GPTModel, Any]

SMALL = {
    "small": {},
    "one head": {"number_of_heads": 1},
    "seven heads": {"number_of_heads": 7, "number_of_embedding_dimensions": 21},
    "as many heads as channels": {"number_of_heads": 8},
    "six layers, as distilgpt2": {"number_of_layers": 6, "number_of_heads": 4},
    "one layer of one channel": {
        "number_of_layers": 1,
        "number_of_heads": 1,
        "number_of_embedding_dimensions": 1,
    },
    "twelve layers": {"number_of_layers": 12},
    "25 heads, as gpt2-xl": {"number_of_heads": 25, "number_of_embedding_dimensions": 50},
    "an odd block": {"block_size": 31},
    "another epsilon": {"layer_norm_epsilon": 0.01},
    "GPT-2's vocabulary": {"vocabulary_size": 50257, "number_of_embedding_dimensions": 16},
    "GPT-2's block": {"block_size": 1024, "number_of_embedding_dimensions": 16},
}


def in_transformers(directory: Path) -> Any:
    from transformers import GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    twin, report = GPT2LMHeadModel.from_pretrained(
        directory, output_loading_info=True, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0
    )
    assert not any(report.values()), report
    return twin.eval()


@pytest.fixture(params=SMALL.values(), ids=SMALL)
def twins(request: pytest.FixtureRequest, make_model: Callable[..., GPTModel], tmp_path: Path) -> Twins:
    """A model of ours and the same in transformers, which read it from our files."""
    model = make_model(**request.param)
    save_pretrained(model, None, tmp_path / "ours")
    return model, in_transformers(tmp_path / "ours")


def random_ids(model: GPTModel, time: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)
    vocabulary = model.configuration.vocabulary_size
    return torch.randint(vocabulary, (2, time), generator=generator)  # (batch, time)


def require_same_computation(ours: GPTModel, theirs: Any, time: int) -> None:
    """The same logits (1e-4), loss and gradients on a full batch, with labels that are partly ignored."""
    indices = random_ids(ours, time)
    labels = torch.roll(indices, -1, dims=1)  # (batch, time)
    labels[:, -1] = -100
    labels[0, 1] = -100
    # theirs shifts the labels by itself: position t is scored by label t + 1
    their_labels = torch.full_like(indices, -100)
    their_labels[:, 1:] = labels[:, :-1]
    logits, loss = ours(indices, labels)
    expected = theirs(indices, labels=their_labels)
    torch.testing.assert_close(logits, expected.logits, rtol=0, atol=1e-4)
    torch.testing.assert_close(loss, expected.loss, rtol=0, atol=1e-5)
    loss.backward()
    expected.loss.backward()
    for name in tensor_names(ours.configuration):
        gradient = theirs.get_parameter(name.hugging_face).grad
        gradient = gradient.t() if name.transposed else gradient
        scale = float(gradient.abs().max())
        torch.testing.assert_close(
            ours.get_parameter(name.ours).grad, gradient, rtol=0, atol=1e-5 + 1e-4 * scale, msg=lambda text: text
        )


def require_same_weights(ours: GPTModel, theirs: Any) -> None:
    """Every number equal to the last bit."""
    for name in tensor_names(ours.configuration):
        tensor = theirs.get_parameter(name.hugging_face)
        assert torch.equal(ours.get_parameter(name.ours), tensor.t() if name.transposed else tensor), name


def require_same_greedy_text(ours: GPTModel, theirs: Any, tokenizer: Tokenizer, new_tokens: int) -> None:
    prompt = [1, 5, 2]
    (sample,) = TextGenerator(ours, tokenizer).generate(prompt, max_new_tokens=new_tokens, temperature=0)
    end = tokenizer.end_of_text_id
    written = theirs.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        max_new_tokens=new_tokens,
        do_sample=False,
        eos_token_id=end,
        pad_token_id=end,
    )[0, len(prompt) :].tolist()
    assert list(sample.token_ids) == [token for token in written if token != end]


def test_logits_loss_and_gradients_are_the_same(twins: Twins) -> None:
    ours, theirs = twins
    require_same_computation(ours, theirs, min(ours.configuration.block_size, 48))


def test_greedy_text_is_the_same(twins: Twins, tokenizer: Tokenizer) -> None:
    ours, theirs = twins
    vocabulary = Tokenizer.gpt2() if ours.configuration.vocabulary_size == 50257 else tokenizer
    require_same_greedy_text(ours, theirs, vocabulary, min(ours.configuration.block_size - 3, 24))


def test_files_go_both_ways_to_the_last_bit(twins: Twins, tmp_path: Path) -> None:
    ours, theirs = twins
    require_same_weights(ours, theirs)
    theirs.save_pretrained(tmp_path / "theirs")
    returned, _ = load_pretrained(tmp_path / "theirs")
    require_same_weights(returned, theirs)
    save_pretrained(returned, None, tmp_path / "again")
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("ours", "again"))
    assert first == second


@pytest.mark.parametrize("name", [*PUBLISHED_CONFIGURATIONS, "distilgpt2"])
def test_published_shapes_have_the_names_and_shapes_of_transformers(name: str) -> None:
    """Without weights, so that the largest costs nothing; distilgpt2 is gpt2 with half its layers."""
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = PUBLISHED_CONFIGURATIONS.get(name) or GPTConfiguration(number_of_layers=6)
    config = GPT2Config(
        n_layer=shape.number_of_layers, n_head=shape.number_of_heads, n_embd=shape.number_of_embedding_dimensions
    )
    with torch.device("meta"):
        twin, ours = GPT2LMHeadModel(config), GPTModel(shape)
    theirs = {key: tuple(parameter.shape) for key, parameter in twin.named_parameters()}
    assert theirs == {row.hugging_face: row.stored_shape for row in tensor_names(shape)}
    assert sum(parameter.numel() for parameter in ours.parameters()) == twin.num_parameters()
    assert {key: tuple(parameter.shape) for key, parameter in ours.named_parameters()} == {
        row.ours: row.shape for row in tensor_names(shape)
    }


@pytest.fixture(scope="module")
def full_size() -> Iterator[tuple[Twins, Path]]:
    """The exact shape of gpt2 with random numbers, biases and gains too; removed at once, for it has 500 MB."""
    generator = torch.Generator().manual_seed(1)
    model = GPTModel(PUBLISHED_CONFIGURATIONS["gpt2"], generator=generator).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.empty_like(parameter).normal_(0.0, 0.1, generator=generator))
    with tempfile.TemporaryDirectory() as directory:
        save_pretrained(model, Tokenizer.gpt2(), Path(directory) / "ours")
        yield (model, in_transformers(Path(directory) / "ours")), Path(directory)


def test_the_size_of_gpt2_computes_writes_and_travels_the_same(full_size: tuple[Twins, Path]) -> None:
    (ours, theirs), directory = full_size
    require_same_weights(ours, theirs)
    require_same_greedy_text(ours, theirs, Tokenizer.gpt2(), 8)
    require_same_computation(ours, theirs, 16)
    theirs.save_pretrained(directory / "theirs")
    returned, _ = load_pretrained(directory / "theirs")
    require_same_weights(returned, theirs)


def sharing_weights(name: str) -> Twins:
    """A published shape with random numbers, in both classes on the same memory: there is room for one copy only."""
    from transformers import GPT2Config, GPT2LMHeadModel

    shape = PUBLISHED_CONFIGURATIONS[name]
    config = GPT2Config(
        n_layer=shape.number_of_layers, n_head=shape.number_of_heads, n_embd=shape.number_of_embedding_dimensions
    )
    with torch.device("meta"):
        theirs, ours = GPT2LMHeadModel(config), GPTModel(shape)
    generator = torch.Generator().manual_seed(2)
    numbers = {
        row: torch.empty(row.shape).uniform_(-0.03, 0.03, generator=generator) + row.hugging_face.count("ln_")
        for row in tensor_names(shape)
    }
    state = {row.ours: tensor for row, tensor in numbers.items()}
    state["language_modeling_head.weight"] = state["transformer.word_token_embeddings.weight"]
    ours.load_state_dict(state, assign=True)
    ours.tie_head()
    state = {row.hugging_face: tensor.t() if row.transposed else tensor for row, tensor in numbers.items()}
    theirs.load_state_dict(state | {"lm_head.weight": state["transformer.wte.weight"]}, assign=True)
    theirs.tie_weights()
    return ours.eval(), theirs.eval()


@pytest.mark.parametrize("name", ["gpt2-medium"])
def test_a_larger_published_size_computes_the_same(name: str) -> None:
    """Larger ones are compared by names and shapes above: gpt2-large would take 3.1 GB of memory."""
    ours, theirs = sharing_weights(name)
    indices = random_ids(ours, 16)
    with torch.no_grad():
        (logits, loss), expected = ours(indices[:, :-1], indices[:, 1:]), theirs(indices, labels=indices)
    torch.testing.assert_close(logits, expected.logits[:, :-1], rtol=0, atol=1e-4)
    torch.testing.assert_close(loss, expected.loss, rtol=0, atol=1e-5)
    require_same_greedy_text(ours, theirs, Tokenizer.gpt2(), 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
def test_everything_odd_at_once(make_model: Callable[..., GPTModel], tmp_path: Path, dtype: torch.dtype) -> None:
    """distilgpt2's six layers, other heads and vocabulary, halves, files in parts, no prefix, masks and a head."""
    from safetensors.torch import load_file, save_file

    model = make_model(number_of_layers=6, number_of_heads=5, number_of_embedding_dimensions=20, vocabulary_size=301)
    save_pretrained(model.to(dtype), None, tmp_path / "odd")
    theirs = in_transformers(tmp_path / "odd").float()
    path = tmp_path / "odd" / "model.safetensors"
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in load_file(path).items()}
    for layer in range(6):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 12, 12, dtype=torch.bool).tril()
        tensors[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    tensors["lm_head.weight"] = tensors["wte.weight"].clone()
    path.unlink()
    places = {name: f"model-{number % 3 + 1:05d}-of-00003.safetensors" for number, name in enumerate(sorted(tensors))}
    for place in set(places.values()):
        save_file({name: tensors[name] for name in tensors if places[name] == place}, path.with_name(place))
    path.with_name("model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    ours, _ = load_pretrained(tmp_path / "odd")
    require_same_weights(ours, theirs)
    require_same_computation(ours, theirs, 12)
