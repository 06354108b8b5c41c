"""One thread, several engines, and what is left when something breaks."""

import asyncio
from collections.abc import Callable

import pytest
import torch

from gpt25.errors import GenerationError
from gpt25.generation import SamplingSettings, TextGenerator
from gpt25.generation.engine import Engine, Request, TorchRunner
from gpt25.model import GPTConfiguration, GPTModel
from gpt25.server.driving.answer import Answer
from gpt25.server.driving.engine_driver import EngineDriver, TooManyWaitingError
from gpt25.tokenizer import Tokenizer


@pytest.fixture
def model() -> GPTModel:
    configuration = GPTConfiguration(
        block_size=64, vocabulary_size=257, number_of_layers=1, number_of_heads=1, number_of_embedding_dimensions=8
    )
    return GPTModel(configuration, generator=torch.Generator().manual_seed(1)).eval()


@pytest.fixture
def make_engine(model: GPTModel, byte_tokenizer: Tokenizer) -> Callable[[], Engine]:
    return lambda: Engine(TorchRunner(model, slots=2, capacity=64), byte_tokenizer, end_ids=frozenset([256]))


def request(prompt: bytes, new: int = 12, samples: int = 1) -> Request:
    return Request(tuple(prompt), SamplingSettings(seed=5, samples=samples), new)


async def text_of(answer: Answer) -> str:
    return "".join([piece.text async for found in answer.pieces() for _, piece in found])


def run(driver: EngineDriver, work: Callable[[], object]) -> object:
    driver.start()
    try:
        return asyncio.run(work())  # type: ignore[arg-type]
    finally:
        driver.stop()


def test_several_engines_are_driven_by_one_thread(
    make_engine: Callable[[], Engine], model: GPTModel, byte_tokenizer: Tokenizer
) -> None:
    driver = EngineDriver(most_waiting=9, most_tokens=10_000, report=print)
    engines = [make_engine(), make_engine()]

    async def work() -> list[str]:
        answers = [
            driver.submit(engine, [request(prompt)]) for engine in engines for prompt in (b"one", b"two", b"six")
        ]
        return await asyncio.gather(*map(text_of, answers))

    alone = [
        TextGenerator(model, byte_tokenizer).generate(prompt, seed=5, max_new_tokens=12)[0].text
        for prompt in ("one", "two", "six")
    ]
    assert run(driver, work) == alone * 2
    assert driver.answering == 0


def test_what_waits_is_bounded_and_a_refused_request_leaves_nothing_behind(make_engine: Callable[[], Engine]) -> None:
    driver, engine = EngineDriver(most_waiting=2, most_tokens=10_000, report=print), make_engine()

    async def work() -> None:
        driver.submit(engine, [request(b"a"), request(b"b")])
        with pytest.raises(TooManyWaitingError, match="2 prompts wait already"):
            driver.submit(engine, [request(b"c")])
        assert (engine.waiting, driver.answering) == (2, 1)

    asyncio.run(work())


def test_a_large_request_may_wait_alone(make_engine: Callable[[], Engine]) -> None:
    driver, engine = EngineDriver(most_waiting=2, most_tokens=10_000, report=print), make_engine()

    async def work() -> None:
        driver.submit(engine, [request(b"a")] * 5)
        assert engine.waiting == 5

    asyncio.run(work())


def test_tokens_that_are_asked_for_at_a_time_are_bounded(make_engine: Callable[[], Engine]) -> None:
    driver, engine = EngineDriver(most_waiting=99, most_tokens=100, report=print), make_engine()

    async def work() -> None:
        driver.submit(engine, [request(b"a", samples=8)])  # 1 + 8 * 12 = 97
        with pytest.raises(TooManyWaitingError, match="97 tokens"):
            driver.submit(engine, [request(b"abc", new=1)])

    asyncio.run(work())


def test_a_prompt_that_does_not_fit_cancels_those_before_it(make_engine: Callable[[], Engine]) -> None:
    driver, engine = EngineDriver(most_waiting=9, most_tokens=10_000, report=print), make_engine()

    async def work() -> None:
        with pytest.raises(GenerationError, match="do not fit the 64 positions"):
            driver.submit(engine, [request(b"a"), request(b"b" * 65)])

    asyncio.run(work())
    engine.step()
    assert engine.is_idle


def test_a_step_that_fails_ends_the_texts_it_had_and_nothing_else(
    make_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[str] = []
    driver = EngineDriver(most_waiting=9, most_tokens=10_000, report=reports.append)
    broken, sound = make_engine(), make_engine()
    runner = broken._runner
    read = runner.read

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("a secret of somebody's prompt")

    async def work() -> None:
        monkeypatch.setattr(runner, "read", fail)
        lost, kept = driver.submit(broken, [request(b"lost")]), driver.submit(sound, [request(b"kept")])
        with pytest.raises(GenerationError, match="step"):
            await text_of(lost)
        assert await text_of(kept)
        monkeypatch.setattr(runner, "read", read)
        assert await text_of(driver.submit(broken, [request(b"lost")]))

    run(driver, work)
    assert broken.is_idle
    assert reports == ["a step failed (RuntimeError); the texts that it was to write have ended"]


def test_a_cancelled_answer_gives_its_slot_back_though_nothing_else_runs(make_engine: Callable[[], Engine]) -> None:
    driver, engine = EngineDriver(most_waiting=9, most_tokens=10_000, report=print), make_engine()

    async def work() -> None:
        answer = driver.submit(engine, [request(b"a", new=60)])
        async for _ in answer.pieces():
            break
        answer.cancel()
        for _ in range(200):
            if engine.is_idle:
                return
            await asyncio.sleep(0.01)

    run(driver, work)
    assert engine.is_idle
    assert driver.answering == 0
