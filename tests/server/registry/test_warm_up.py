"""What a model does before the server says that it is ready, so that no client waits for a first use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt25.generation import choose_generating_precision, kernels_are_installed
from gpt25.generation.engine import Engine, TorchRunner, compiled_kernels
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.server.registry.load_served_model import load_served_model
from gpt25.server.registry.warm_up import warm_up
from gpt25.tokenizer import Tokenizer
from gpt25.weights import load_pretrained, save_pretrained


class CountingRunner(TorchRunner):
    """Notes how many texts are in every step."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.texts: list[int] = []

    def read(self, tokens: Any, **rows: Any) -> torch.Tensor:
        self.texts.append(len(set(rows["slots"])))
        return super().read(tokens, **rows)


@pytest.mark.parametrize(
    ("slots", "every_size", "sizes"),
    [(6, False, {1, 6}), (6, True, {1, 2, 4, 6}), (8, True, {1, 2, 4, 8}), (1, True, {1})],
)
def test_a_full_batch_and_on_a_gpu_every_size_takes_a_step(
    model_directory: Path, slots: int, every_size: bool, sizes: set[int]
) -> None:
    model, tokenizer = load_pretrained(model_directory)
    assert tokenizer is not None
    runner = CountingRunner(model, slots=slots, capacity=128)
    engine = Engine(runner, tokenizer, end_ids=frozenset({256}))
    warm_up(engine, 256, slots=slots, capacity=128, every_size=every_size)
    assert set(runner.texts) == sizes
    assert engine.is_idle


@pytest.mark.parametrize("block_size", [1, 2, 3])
def test_the_smallest_models_can_be_served(byte_tokenizer: Tokenizer, tmp_path: Path, block_size: int) -> None:
    configuration = GPTConfiguration(
        block_size=block_size,
        vocabulary_size=257,
        number_of_layers=1,
        number_of_heads=1,
        number_of_embedding_dimensions=4,
    )
    save_pretrained(GPTModel(configuration), byte_tokenizer, tmp_path / "small")
    precision = choose_generating_precision("cpu", "float32")
    served = load_served_model("small", str(tmp_path / "small"), precision=precision, slots=2)
    assert served.block_size == block_size


@pytest.mark.skipif(not kernels_are_installed(), reason="the extra fast is not installed: pip install '.[fast]'")
def test_no_kernel_is_compiled_while_clients_wait(
    start_server: Callable[..., Any], byte_tokenizer: Tokenizer, tmp_path: Path
) -> None:
    from gpt25.kernels.drawing import draw_rows
    from gpt25.kernels.step import take_step

    configuration = GPTConfiguration(
        block_size=64, vocabulary_size=257, number_of_layers=3, number_of_heads=2, number_of_embedding_dimensions=128
    )
    save_pretrained(GPTModel(configuration), byte_tokenizer, tmp_path / "with-kernels")
    with start_server({"m": str(tmp_path / "with-kernels")}, slots=4) as server:
        before = compiled_kernels(), len(take_step.signatures), len(draw_rows.signatures)
        assert min(before[1:]) >= 1
        server.complete(prompt="x")
        server.complete(prompt=["abc", "d" * 40], n=4, best_of=5, max_tokens=20, logprobs=5, echo=True, temperature=0)
        server.complete(prompt="abc", n=3, top_k=3, top_p=0.5, min_p=0.1, presence_penalty=1, repetition_penalty=2)
        assert (compiled_kernels(), len(take_step.signatures), len(draw_rows.signatures)) == before


def test_what_is_loaded_and_how_long_it_took_is_said(server: Any) -> None:
    loading, warm = server.reports[:2]
    assert loading == "loading tiny"
    assert warm.startswith("tiny: float32 on cpu (")
    assert "8 texts at a time, warm after " in warm


def test_that_kernels_were_compiled_is_said(model_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpt25.generation.engine.runners import Runners
    from gpt25.server.registry import load_served_model as loading

    counts = iter([0, 2, 2, 2])
    monkeypatch.setattr(Runners, "uses_kernels", property(lambda _: False))
    precision = choose_generating_precision("cpu", "float32")
    assert "compiled" not in load_served_model("tiny", str(model_directory), precision=precision, slots=1).how
    used = iter([False, True, True, True])
    monkeypatch.setattr(Runners, "uses_kernels", property(lambda _: next(used)))
    monkeypatch.setattr(loading, "compiled_kernels", lambda: next(counts))
    how = load_served_model("tiny", str(model_directory), precision=precision, slots=1).how
    assert how.endswith(" s, in which kernels were compiled for this processor; the disk keeps them")
