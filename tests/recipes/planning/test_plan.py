import dataclasses
from typing import Any

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.model import Accounting, GPTConfiguration, GPTModel
from gpt25.recipes import load_recipe
from gpt25.recipes.planning.memory_plan import largest_micro_batch, memory_parts, needed_bytes
from gpt25.recipes.planning.plan import plan
from gpt25.recipes.planning.speed_probe import probe_tokens_per_second
from gpt25.references.gpu_specifications import GPU_SPECIFICATIONS
from gpt25.training import (
    BatchConfiguration,
    OptimizerConfiguration,
    Optimizers,
    TrainingConfiguration,
)

ADAMW = load_recipe("gpt2_124m_adamw")


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt25.recipes.planning.hardware.choose_device", lambda name: torch.device("cpu"))


def test_memory_is_the_sum_by_hand() -> None:
    sizes = {part.name: part.number_of_bytes for part in memory_parts(ADAMW, 16)}
    assert sizes == {
        "weights": 497_759_232,  # 4 x 124,439,808
        "gradients": 497_759_232,
        "optimizer": 995_518_464,
        "activations": 5_445_255_168,  # (8 + 28 + 1/16) x 768 x 12 x 1,024 x 16
        "weights in bfloat16": 169_869_312,  # 2 x 12 x 12 x 768 x 768
        "loss and CUDA": 2_146_821_376,  # 4 x 8,192 x 50,257 + 500,000,000
    }


def test_memory_is_of_the_micro_batch_that_the_trainer_would_take() -> None:
    odd = dataclasses.replace(ADAMW, batch=dataclasses.replace(ADAMW.batch, micro_batch_rows=15))
    activations = plan(odd, gpus=8, gpu="h100").memory[3]
    assert activations.arithmetic.endswith("x 8 rows")  # the largest divisor of 512 / 8 up to 15


def test_a_trillion_tokens_an_update_are_planned_at_once() -> None:
    batch = BatchConfiguration(tokens_per_update=1 << 40, micro_batch_rows=1 << 40)
    model = dataclasses.replace(ADAMW.model, block_size=1)
    found = plan(dataclasses.replace(ADAMW, model=model, batch=batch), gpus=2, gpu="h100")
    rows = found.largest_micro_batch_rows
    assert rows is not None
    assert rows & (rows - 1) == 0  # the rows are a power of two, and so are all that divide them
    assert found.total_tokens == ADAMW.loop.number_of_updates << 40


def test_a_price_has_an_upper_bound() -> None:
    for price in (1e308, float("nan"), -1.0):
        with pytest.raises(ConfigurationError, match=r"--price-per-hour is .*, 0 to 1,000,000,000\.$"):
            plan(ADAMW, price_per_hour=price)


def test_muon_keeps_one_average_of_the_matrices() -> None:
    optimizer = memory_parts(load_recipe("gpt2_124m"), 16)[2]
    assert optimizer.number_of_bytes == 995_518_464 - 4 * 84_934_656
    assert optimizer.arithmetic == "8 B x 39,505,152 + 4 B x 84,934,656"


def test_normuon_keeps_a_number_for_each_neuron() -> None:
    recipe = load_recipe("gpt2_124m")
    normalised = dataclasses.replace(recipe, optimizer=dataclasses.replace(recipe.optimizer, muon_beta_2=0.95))
    optimizer = memory_parts(normalised, 16)[2]
    # 12 layers x (2,304 + 768 + 3,072 + 768) rows
    assert optimizer.number_of_bytes == 995_518_464 - 4 * 84_934_656 + 4 * 82_944
    assert optimizer.arithmetic == "8 B x 39,505,152 + 4 B x 84,934,656 + 4 B x 82,944 neurons"


def test_soap_keeps_squares_covariances_and_bases() -> None:
    model = GPTModel(
        GPTConfiguration(
            block_size=8, vocabulary_size=40, number_of_layers=2, number_of_heads=2, number_of_embedding_dimensions=16
        )
    )
    settings = OptimizerConfiguration(name="muon", muon_soap_beta_2=0.9)
    state = Optimizers(model, settings).state()
    held = sum(value.nbytes for name, value in state.items() if not name.endswith("/step"))
    recipe = dataclasses.replace(ADAMW, model=model.configuration, optimizer=settings)
    optimizer = memory_parts(recipe, 16)[2]
    assert optimizer.number_of_bytes == held
    assert optimizer.arithmetic.endswith(f" + 36 B x {2 * 12 * 16 * 16:,}")


def test_an_average_of_the_weights_is_one_more_copy() -> None:
    averaging = dataclasses.replace(ADAMW, loop=dataclasses.replace(ADAMW.loop, average_last_fraction=0.1))
    parts = memory_parts(averaging, 16)
    (average,) = [part for part in parts if part.name == "average"]
    assert (average.number_of_bytes, average.arithmetic) == (497_759_232, "4 B x 124,439,808")
    assert [part for part in parts if part is not average] == memory_parts(ADAMW, 16)
    assert needed_bytes(averaging, 16) == needed_bytes(ADAMW, 16) + 497_759_232
    shares = dataclasses.replace(averaging, loop=dataclasses.replace(averaging.loop, shard_parameters=True))
    assert memory_parts(shares, 16, gpus=8)[3].number_of_bytes == 497_759_232 // 8


def test_shares_are_counted_and_what_is_whole_for_a_moment() -> None:
    recipe = load_recipe("gpt2_xl")
    assert recipe.loop.shard_parameters
    sizes = {part.name: part.number_of_bytes for part in memory_parts(recipe, 8, gpus=8)}
    assert sizes["weights"] == sizes["gradients"] == sizes["optimizer"] // 2 == 778_805_600  # 4 x 1,557,611,200 / 8
    # 8 x ((50,257 + 1,024) x 1,600 + 2 x (12 x 1,600 x 1,600 + 13 x 1,600))
    assert sizes["gathered"] == 8 * (82_049_600 + 2 * 30_740_800)
    assert needed_bytes(recipe, 8, gpus=8) == pytest.approx(32.05e9, rel=0.005)
    whole = dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, shard_parameters=False))
    assert needed_bytes(whole, 8, gpus=8) == needed_bytes(recipe, 8) == pytest.approx(52.7e9, rel=0.005)
    usable = needed_bytes(recipe, 16, gpus=8)
    assert largest_micro_batch(recipe, gpus=8, usable_bytes=usable) == 16
    assert largest_micro_batch(whole, gpus=8, usable_bytes=usable) == 8


def test_largest_micro_batch_fits_and_the_next_does_not() -> None:
    usable = needed_bytes(ADAMW, 32)
    assert largest_micro_batch(ADAMW, gpus=8, usable_bytes=usable) == 32
    assert largest_micro_batch(ADAMW, gpus=8, usable_bytes=usable - 1) == 16
    assert largest_micro_batch(ADAMW, gpus=8, usable_bytes=10**9) is None


def test_eight_h100_by_the_table() -> None:
    found = plan(ADAMW, gpus=8, price_per_hour=24, gpu="h100")
    assert found.tokens_per_second == pytest.approx(3.74e6, rel=0.02)  # llm.c's on eight H100
    assert found.hours == pytest.approx(ADAMW.total_tokens / found.tokens_per_second / 3600)
    assert found.money == pytest.approx(24 * found.hours)
    assert "38% of 989 TFLOP/s" in found.hardware.source
    assert not found.hardware.measured
    assert found.largest_micro_batch_rows == 64


def test_the_recipes_price_counts_where_none_is_given() -> None:
    priced = dataclasses.replace(ADAMW, track=dataclasses.replace(ADAMW.track, price_per_hour=20.0))
    found = plan(priced, gpus=8, gpu="h100")
    assert (found.price_per_hour, found.money) == (20.0, pytest.approx(20 * found.hours))
    asked = plan(priced, gpus=8, gpu="h100", price_per_hour=0.0)
    assert (asked.price_per_hour, asked.money) == (0.0, 0.0)
    assert plan(ADAMW, gpu="h100").money is None


@pytest.mark.parametrize(("gpu", "share", "run_rate"), [("h100", 0.38, 3.74e6), ("a100", 0.56, 9.9e9 / (94 * 60))])
def test_stated_utilisation_is_what_the_runs_reached(gpu: str, share: float, run_rate: float) -> None:
    operations = Accounting(ADAMW.model).training_operations_per_token
    assert run_rate * operations / (8 * GPU_SPECIFICATIONS[gpu].peak_flops) == pytest.approx(share, abs=0.005)


def test_this_machine_is_probed_when_asked_and_assumed_away_otherwise() -> None:
    found = plan(ADAMW, gpus=2, gpu="here", probe=lambda configuration, gpus: 1000.0)
    assert (found.tokens_per_second, found.hardware.measured) == (2000.0, True)
    assert plan(ADAMW).hardware.source.startswith("assumed, as no GPU is here")


@pytest.mark.parametrize("gpus", [0, -1, 7])
def test_wrong_number_of_gpus(gpus: int) -> None:
    with pytest.raises(ConfigurationError, match=f"--gpus is {gpus}; it must be 1 or more and divide the 512 rows"):
        plan(ADAMW, gpus=gpus, gpu="h100")


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_wrong_price(price: float) -> None:
    with pytest.raises(ConfigurationError, match=f"--price-per-hour is {price}; give what all GPUs together cost"):
        plan(ADAMW, price_per_hour=price, gpu="h100")


def test_unknown_gpu_names_the_known_ones() -> None:
    with pytest.raises(
        ConfigurationError, match="--gpu 'tpu' is not in the table. Choose one of b200, h200.*4090, .*or here"
    ):
        plan(ADAMW, gpu="tpu")


def test_a_gpu_is_found_as_it_is_typed() -> None:
    found = plan(ADAMW, gpu="NVIDIA A100-SXM4-40GB")
    assert (found.hardware.name, found.hardware.memory_bytes) == ("a100-40gb", 40 * 10**9)


def test_a_t4_trains_in_float32() -> None:
    found = plan(ADAMW, gpu="Tesla T4").hardware
    assert found.precision == "float32"
    assert found.remark == (
        "a t4 has no bfloat16, so that training is in float32; its rate in float16, which training here does not use, "
        "is no help"
    )
    assert "38% of 8.1 TFLOP/s (float32; NVIDIA T4 data sheet" in found.source
    assert plan(ADAMW, gpu="t4").needed_bytes > plan(ADAMW, gpu="l4").needed_bytes


@pytest.mark.parametrize(
    ("gpu", "precision", "remark"),
    [("t4", "bfloat16", "which a t4 does not have: emulated"), ("h100", "float32", "slower than counted here")],
)
def test_a_precision_that_is_not_the_gpus_is_said(gpu: str, precision: Any, remark: str) -> None:
    asked = dataclasses.replace(ADAMW, loop=dataclasses.replace(ADAMW.loop, precision=precision))
    found = plan(asked, gpu=gpu).hardware
    assert found.precision == precision
    assert remark in str(found.remark)
    assert plan(ADAMW, gpu="h100").hardware.remark is None


def test_probe_does_real_updates_and_needs_no_data() -> None:
    shape = GPTConfiguration(
        block_size=16, vocabulary_size=64, number_of_layers=1, number_of_heads=2, number_of_embedding_dimensions=16
    )
    tiny = TrainingConfiguration(model=shape, batch=BatchConfiguration(tokens_per_update=1024, micro_batch_rows=4))
    assert probe_tokens_per_second(tiny, gpus=2, seconds=0.02) > 0
