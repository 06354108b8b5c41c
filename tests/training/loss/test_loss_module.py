"""One loss, whatever is compiled, padded or fused."""

import functools
from typing import Any, Literal

import pytest
import torch
import torch._dynamo

from gpt25.model import GPTConfiguration, GPTModel
from gpt25.runtime import Precision
from gpt25.training import LossModule, SpeedConfiguration

SHAPE = GPTConfiguration(
    block_size=16, vocabulary_size=300, number_of_layers=3, number_of_heads=2, number_of_embedding_dimensions=16
)


# torch 2.13's own compiler still uses what torch 2.13 calls deprecated.
compiling = pytest.mark.filterwarnings(
    "ignore:.torch.jit.script_method. is deprecated:DeprecationWarning",
    "ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning",
)


def loss_and_gradients(**choices: Any) -> tuple[float, dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    model = GPTModel(SHAPE, generator=generator)
    tokens = torch.randint(SHAPE.vocabulary_size, (2, 17), generator=generator)
    module = LossModule(model, **{"precision": Precision("float32", torch.float32, ""), **choices})
    assert [*dict(module.named_parameters())] == [f"model.{name}" for name, _ in model.named_parameters()]
    loss = module(tokens[:, :-1], tokens[:, 1:])
    loss.backward()
    return float(loss.detach()), {
        name: value.grad for name, value in model.named_parameters() if value.grad is not None
    }


@pytest.mark.parametrize("speed", [{"padded_vocabulary": True}, {"loss": "simple"}])
def test_padding_and_fusing_change_nothing_but_rounding(speed: dict[str, Any]) -> None:
    expected, gradients = loss_and_gradients()
    loss, others = loss_and_gradients(speed=SpeedConfiguration(**speed))
    assert loss == pytest.approx(expected, rel=1e-6)
    assert others.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, rtol=1e-4, atol=1e-6)


@compiling
@pytest.mark.parametrize("region", ["model", "blocks"])
def test_compiling_changes_nothing_but_rounding(region: Literal["model", "blocks"]) -> None:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    expected, gradients = loss_and_gradients()
    loss, others = loss_and_gradients(compile=True, region=region)
    assert loss == pytest.approx(expected, rel=1e-5)
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, rtol=1e-3, atol=1e-6)
    # Three blocks of one kind need one compiled code between them.
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


BFLOAT16 = Precision("bfloat16", torch.bfloat16, "")


def test_a_short_residual_stream_is_the_same_stream_in_fewer_bits() -> None:
    short = SpeedConfiguration(short_residual_stream=True)
    exact, gradients = loss_and_gradients(precision=BFLOAT16)
    loss, others = loss_and_gradients(precision=BFLOAT16, speed=short)
    assert loss == pytest.approx(exact, rel=1e-3)
    assert loss != exact
    for name, gradient in gradients.items():
        assert others[name].dtype == torch.float32
        assert torch.cosine_similarity(others[name].flatten(), gradient.flatten(), dim=0) > 0.999, name
    assert loss_and_gradients(speed=short)[0] == loss_and_gradients()[0]  # there is nothing to shorten in float32


@compiling
@pytest.mark.parametrize("choices", [{}, {"compile": True}, {"compile": True, "region": "blocks"}])
@pytest.mark.parametrize("short", [False, True])
def test_every_block_reads_the_stream_that_was_asked_for(
    choices: dict[str, Any], short: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    model, read = GPTModel(SHAPE), []
    for block in model.transformer.hidden:
        block.layer_norm_2.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].dtype))
    speed = SpeedConfiguration(short_residual_stream=short)
    tokens = torch.zeros(2, 16, dtype=torch.int64)  # (batch, time)
    LossModule(model, precision=BFLOAT16, speed=speed, **choices)(tokens, tokens.clone())
    assert read == [torch.bfloat16 if short else torch.float32] * 3


@compiling
@pytest.mark.parametrize("region", ["model", "blocks"])
def test_every_length_gets_code_of_its_own(region: Literal["model", "blocks"], monkeypatch: pytest.MonkeyPatch) -> None:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    # What becomes one graph is decided before a compiler sees it; "eager" runs the graph as it is.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    module = LossModule(GPTModel(SHAPE), precision=Precision("float32", torch.float32, ""), compile=True, region=region)
    for number_of_graphs, length in [(1, 16), (2, 8), (3, 4), (3, 16), (3, 8)]:
        tokens = torch.zeros(2, length, dtype=torch.int64)  # (batch, time)
        module(tokens, tokens.clone()).backward()
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == number_of_graphs


@pytest.mark.parametrize("mode", ["default", "max-autotune-no-cudagraphs"])
def test_the_compiler_is_told_how_to_tune(mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(torch, "compile", lambda function, **choices: told.append(choices["mode"]) or function)
    loss_and_gradients(compile=True, speed=SpeedConfiguration(compile_mode=mode))
    assert set(told) == {mode}


def test_a_processor_pads_and_compiles_nothing_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: Any, **__: Any) -> None:
        raise AssertionError("the loss for a GPU was used")

    monkeypatch.setattr("gpt25.training.loss.loss_module.gpu_loss", unwanted)
    loss_and_gradients()
    with pytest.raises(AssertionError, match="for a GPU was used"):
        loss_and_gradients(speed=SpeedConfiguration(padded_vocabulary=True))
