import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.model import GPTConfiguration, GPTModel

ODD_SHAPES = [
    {},
    {"number_of_heads": 1, "number_of_layers": 1, "number_of_embedding_dimensions": 3, "vocabulary_size": 1},
    {"number_of_heads": 8, "number_of_embedding_dimensions": 24, "vocabulary_size": 131, "block_size": 33},
    {"number_of_layers": 5, "number_of_heads": 3, "number_of_embedding_dimensions": 21},
    {"layer_norm_epsilon": 0.3, "block_size": 7},
]


def tokens_for(model: GPTModel) -> torch.Tensor:
    """(3, block size + 1)"""
    shape = model.configuration
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, shape.vocabulary_size, (3, shape.block_size + 1), generator=generator)


@pytest.mark.parametrize("fields", ODD_SHAPES, ids=str)
def test_logits_are_those_of_transformers(
    make_model: Callable[..., GPTModel], twin_of: Callable[[GPTModel], Any], fields: dict[str, Any]
) -> None:
    model = make_model(**fields)
    twin, indices = twin_of(model), tokens_for(model)[:, :-1]
    with torch.no_grad():
        torch.testing.assert_close(model(indices), twin(indices).logits, rtol=0, atol=1e-5)


def test_loss_and_every_gradient_are_those_of_transformers(
    make_model: Callable[..., GPTModel], twin_of: Callable[[GPTModel], Any]
) -> None:
    from gpt25.weights.names import tensor_names

    model = make_model(number_of_layers=3, number_of_heads=4)
    twin, tokens = twin_of(model), tokens_for(model)[:, :-1]
    _, loss = model(tokens[:, :-1], tokens[:, 1:])
    loss.backward()
    expected_loss = twin(tokens, labels=tokens).loss  # transformers shifts the labels itself
    expected_loss.backward()
    assert loss.item() == pytest.approx(expected_loss.item(), abs=1e-6)
    for name in tensor_names(model.configuration):
        expected = twin.get_parameter(name.hugging_face).grad
        expected = expected.t() if name.transposed else expected
        torch.testing.assert_close(model.get_parameter(name.ours).grad, expected, rtol=1e-4, atol=1e-6, msg=name.ours)


def test_loss_at_initialisation_is_that_of_guessing() -> None:
    configuration = GPTConfiguration(
        block_size=32, vocabulary_size=997, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(1))
    tokens = torch.randint(0, 997, (8, 33), generator=torch.Generator().manual_seed(2))
    _, loss = model(tokens[:, :-1], tokens[:, 1:])
    assert loss.item() == pytest.approx(math.log(997), abs=0.05)


def test_overfits_one_batch_to_under_a_hundredth() -> None:
    configuration = GPTConfiguration(
        block_size=16, vocabulary_size=20, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=32
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(1))
    # Every row begins with a token of its own: what follows is then a matter of memory alone.
    tokens = torch.randint(4, 20, (4, 17), generator=torch.Generator().manual_seed(2))
    tokens[:, 0] = torch.arange(4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(120):
        _, loss = model(tokens[:, :-1], tokens[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01


def test_labels_of_minus_one_hundred_are_left_out_of_the_mean(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    tokens = tokens_for(model)
    labels = tokens[:, 1:].clone()
    labels[:, ::2] = -100
    logits, loss = model(tokens[:, :-1], labels)
    chances = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])[:, :, 0]  # (batch, time)
    assert loss.item() == pytest.approx(-chances[:, 1::2].mean().item(), abs=1e-6)


def test_without_labels_only_logits_come_back(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    tokens = tokens_for(model)
    logits = model(tokens[:, :-1])
    assert logits.shape == (3, 12, 23)
    assert torch.equal(logits, model(tokens[:, :-1], tokens[:, 1:])[0])
    states = model.hidden_states(tokens[:, :-1])
    assert torch.equal(model.language_modeling_head(states), logits)


def test_labels_that_are_the_indices_themselves_are_refused(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    tokens = tokens_for(model)[:, :-1]
    with pytest.raises(
        ConfigurationError, match=r"labels are the indices themselves.+tokens\[:, :-1\], tokens\[:, 1:\]"
    ):
        model(tokens, tokens)


def test_more_tokens_than_the_block_size_are_refused(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    with pytest.raises(ConfigurationError, match="13 tokens are more than the block size of 12"):
        model(tokens_for(model))


@pytest.mark.parametrize("shape", [(4,), (2, 0), (1, 2, 3)])
def test_indices_of_another_shape_are_refused(make_model: Callable[..., GPTModel], shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"indices have the shape \(.+\); they must be \(batch, time\)"):
        make_model()(torch.zeros(shape, dtype=torch.int64))


def test_initial_weights_are_drawn_as_openai_drew_them() -> None:
    configuration = GPTConfiguration(
        block_size=400, vocabulary_size=700, number_of_layers=3, number_of_heads=4, number_of_embedding_dimensions=80
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(3))
    for name, parameter in model.named_parameters():
        if "layer_norm" in name or name.endswith("bias"):
            expected = (
                1.0 if name.endswith("norm.weight") or "norm_1.weight" in name or "norm_2.weight" in name else 0.0
            )
            assert (parameter == expected).all(), name
            continue
        deviation = 0.02
        if "positional" in name:
            deviation = 0.01
        elif "projection" in name:
            deviation = 0.02 / math.sqrt(2 * 3)
        assert parameter.std().item() == pytest.approx(deviation, rel=0.05), name
        assert parameter.mean().item() == pytest.approx(0.0, abs=deviation / 20), name


def test_a_generator_decides_every_weight_and_leaves_torch_s_own_alone() -> None:
    configuration = GPTConfiguration(
        block_size=8, vocabulary_size=11, number_of_layers=2, number_of_heads=1, number_of_embedding_dimensions=4
    )
    before = torch.get_rng_state()
    models = [GPTModel(configuration, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), before)
    first, same, other = (torch.cat([p.flatten() for p in model.parameters()]) for model in models)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_without_a_generator_torch_s_seed_decides() -> None:
    configuration = GPTConfiguration(
        block_size=8, vocabulary_size=11, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=4
    )
    heads = []
    for seed in (1, 1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            heads.append(GPTModel(configuration).language_modeling_head.weight)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_the_head_is_the_token_embeddings(make_model: Callable[..., GPTModel]) -> None:
    model = make_model()
    assert model.language_modeling_head.weight is model.transformer.word_token_embeddings.weight
    assert "language_modeling_head.weight" not in dict(model.named_parameters())


@pytest.mark.parametrize("field", ["embedding_dropout", "attention_dropout", "residual_dropout"])
def test_dropout_changes_training_and_nothing_else(make_model: Callable[..., GPTModel], field: str) -> None:
    model, without = make_model(**{field: 0.5}), make_model()
    indices = tokens_for(model)[:, :-1]
    assert torch.equal(model(indices), without(indices))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = model.train()(indices)
        assert not torch.equal(first, model(indices))
        assert torch.equal(without.train()(indices), without(indices))


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("embedding_dropout", "transformer.embedding_dropout"),
        ("residual_dropout", "transformer.hidden.1.attention"),
        ("residual_dropout", "transformer.hidden.1.multi_layer_perceptron"),
    ],
)
def test_dropout_zeroes_its_share_of_what_goes_into_the_residual_stream(
    make_model: Callable[..., GPTModel], field: str, place: str
) -> None:
    model = make_model(number_of_embedding_dimensions=64, **{field: 0.25}).train()
    zeros: list[float] = []
    model.get_submodule(place).register_forward_hook(
        lambda _module, _inputs, output: zeros.append((output == 0).float().mean().item())
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model(tokens_for(model)[:, :-1])  # 3 × 12 × 64 = 2,304 numbers
    assert zeros == [pytest.approx(0.25, abs=0.04)]


def test_on_the_meta_device_nothing_is_drawn_and_no_memory_taken() -> None:
    before = torch.get_rng_state()
    with torch.device("meta"):
        model = GPTModel(GPTConfiguration())
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.is_meta for parameter in model.parameters())
