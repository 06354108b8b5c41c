"""The engine: texts of many requests, each as if it were alone."""

import copy
import random
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from gpt25.errors import GenerationError
from gpt25.generation import SamplingSettings, TextGenerator
from gpt25.generation.engine import Engine, QueueFullError, Request, Ticket, TorchRunner
from gpt25.model import GPTModel
from gpt25.tokenizer import Tokenizer


class CountingRunner(TorchRunner):
    """Keeps what it was asked to read: (slot, position, token) of every row, a list a step."""

    def __init__(self, model: GPTModel, **options: int) -> None:
        super().__init__(model, **options)
        self.steps: list[list[tuple[int, int, int]]] = []
        self.copies: list[tuple[int, int, int]] = []

    def read(
        self, tokens: Sequence[int], *, slots: Sequence[int], positions: Sequence[int], wanted: Sequence[int]
    ) -> Tensor:
        self.steps.append(list(zip(slots, positions, tokens, strict=True)))
        return super().read(tokens, slots=slots, positions=positions, wanted=wanted)

    def copy(self, source: int, target: int, length: int) -> None:
        self.copies.append((source, target, length))
        super().copy(source, target, length)


@pytest.fixture
def runner(tiny_model: GPTModel) -> CountingRunner:
    return CountingRunner(tiny_model, slots=4, capacity=48, most_rows=64)


@pytest.fixture
def engine(runner: CountingRunner, byte_tokenizer: Tokenizer) -> Engine:
    return Engine(runner, byte_tokenizer, end_ids=frozenset([256]))


def request(prompt: bytes, new: int = 10, **settings: object) -> Request:
    defaults = {"seed": 7, "samples": 1, **settings}
    return Request(tuple(prompt), SamplingSettings(max_new_tokens=max(new, 1), **defaults), new)  # type: ignore[arg-type]


def finish(engine: Engine) -> None:
    for _ in range(10_000):
        if engine.is_idle:
            return
        engine.step()
    raise AssertionError("the engine does not come to an end")


def texts(ticket: Ticket) -> list[tuple[int, ...]]:
    """The tokens of every sample."""
    samples: list[tuple[int, ...]] = [()] * ticket.request.settings.samples
    for piece in ticket.pieces:
        samples[piece.index] += piece.token_ids
    return samples


def alone(model: GPTModel, tokenizer: Tokenizer, asked: Request) -> list[tuple[int, ...]]:
    samples = TextGenerator(model, tokenizer).generate(list(asked.prompt_ids), settings=asked.settings)
    return [sample.token_ids for sample in samples]


def test_requests_that_come_and_go_get_the_texts_that_they_get_alone(
    engine: Engine, tiny_model: GPTModel, byte_tokenizer: Tokenizer
) -> None:
    chance = random.Random(1)
    asked = [
        request(
            bytes(chance.randrange(97, 123) for _ in range(chance.randrange(1, 25))),
            new=chance.randrange(1, 20),
            seed=number,
            samples=chance.randrange(1, 4),
            temperature=chance.choice([0, 0.7, 1.0]),
        )
        for number in range(20)
    ]
    tickets = []
    for each in asked:
        tickets.append(engine.submit(each))
        for _ in range(chance.randrange(4)):
            engine.step()
    finish(engine)
    for each, ticket in zip(asked, tickets, strict=True):
        assert texts(ticket) == alone(tiny_model, byte_tokenizer, each)


def test_a_prompt_is_read_once_for_all_its_samples_even_when_they_begin_later(
    engine: Engine, runner: CountingRunner
) -> None:
    prompt = b"read me once"
    ticket = engine.submit(request(prompt, new=3, samples=9))  # of which four slots hold four at a time
    finish(engine)
    assert all(len(tokens) == 3 for tokens in texts(ticket))
    of_prompt = [row for step in runner.steps for row in step if row[1] < len(prompt)]
    assert len(of_prompt) == len(prompt)


def test_a_beginning_that_a_slot_holds_is_not_read_again(engine: Engine, runner: CountingRunner) -> None:
    engine.submit(request(b"the same beginning, one end", new=2))
    finish(engine)
    read = sum(map(len, runner.steps))
    engine.submit(request(b"the same beginning, other", new=2))
    finish(engine)
    assert sum(map(len, runner.steps)) - read == len(b"ther") + 1  # and the first new token


def test_a_long_prompt_is_read_in_pieces_while_others_go_on(runner: CountingRunner, byte_tokenizer: Tokenizer) -> None:
    engine = Engine(runner, byte_tokenizer, end_ids=frozenset([256]), piece_beside_others=8)
    running = engine.submit(request(b"x", new=30, temperature=0))
    engine.step()
    engine.submit(request(b"y" * 40, new=2))
    for written in range(2, 7):
        engine.step()
        assert len(runner.steps[-1]) == (9 if written < 7 else 1)
        assert len(texts(running)[0]) == written


def test_waiting_requests_take_turns(engine: Engine) -> None:
    many = engine.submit(request(b"many", new=4, samples=12))
    few = engine.submit(request(b"few", new=4, samples=1))
    while not few.is_finished:
        engine.step()
    assert many.ended < 6, "the one with many samples should not go first with all of them"
    finish(engine)
    assert many.ended == 12


def test_a_full_queue_refuses(runner: CountingRunner, byte_tokenizer: Tokenizer) -> None:
    engine = Engine(runner, byte_tokenizer, end_ids=frozenset([256]), most_waiting=2)
    for _ in range(2):
        engine.submit(request(b"a"))
    with pytest.raises(QueueFullError, match="as many requests wait already as are allowed .2."):
        engine.submit(request(b"a"))
    engine.step()
    engine.submit(request(b"a"))


def test_what_does_not_fit_a_slot_is_refused(engine: Engine) -> None:
    with pytest.raises(GenerationError, match="30 tokens and 20 new ones do not fit the 48 positions"):
        engine.submit(request(b"a" * 30, new=20))
    engine.submit(request(b"a" * 30, new=19))


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_cancelled_request_ends_before_the_next_step_and_frees_its_slots(
    engine: Engine, runner: CountingRunner, steps: int
) -> None:
    ticket = engine.submit(request(b"a" * 20, new=20, samples=6))
    for _ in range(steps):
        engine.step()
    engine.cancel(ticket)
    pieces, calls = len(ticket.pieces), len(runner.steps)
    engine.step()
    assert (len(ticket.pieces), len(runner.steps)) == (pieces, calls)
    assert engine.is_idle
    other = engine.submit(request(b"b", new=5))
    finish(engine)
    assert len(texts(other)[0]) == 5


def test_a_text_that_cannot_be_drawn_fails_alone(
    engine: Engine, runner: CountingRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = runner.read

    def poisoned(tokens: Sequence[int], **rows: Sequence[int]) -> Tensor:
        logits = read(tokens, **rows).clone()
        for index, row in enumerate(rows["wanted"]):
            if rows["slots"][row] == 1:
                logits[index, 3] = torch.nan
        return logits

    good = engine.submit(request(b"good", new=6))
    bad = engine.submit(request(b"bad", new=6))
    monkeypatch.setattr(runner, "read", poisoned)
    finish(engine)
    assert bad.error is not None
    assert "not finite" in str(bad.error)
    assert good.error is None
    assert len(texts(good)[0]) == 6


def test_what_a_failed_text_leaves_behind_spoils_no_other(byte_tokenizer: Tokenizer, tiny_model: GPTModel) -> None:
    """Rows of different lengths are read together, and the masked positions of a shorter one are multiplied by 0."""
    broken = copy.deepcopy(tiny_model)
    runner = CountingRunner(broken, slots=2, capacity=48, most_rows=64)
    engine = Engine(runner, byte_tokenizer, end_ids=frozenset([256]))
    token = broken.transformer.word_token_embeddings.weight
    healthy = token[1].clone()
    with torch.no_grad():
        token[1] = torch.nan
    bad = [engine.submit(request(bytes([1]) * 20, new=8, seed=seed)) for seed in range(2)]
    finish(engine)
    assert all(ticket.error is not None for ticket in bad)
    with torch.no_grad():
        token[1] = healthy
    good = [request(prompt, new=8, temperature=0) for prompt in (b"short", b"not as short as that")]
    tickets = [engine.submit(each) for each in good]
    finish(engine)
    for each, ticket in zip(good, tickets, strict=True):
        assert texts(ticket) == alone(tiny_model, byte_tokenizer, each)


def test_a_step_that_fails_is_raised_once_and_forgotten(
    engine: Engine,
    runner: CountingRunner,
    monkeypatch: pytest.MonkeyPatch,
    tiny_model: GPTModel,
    byte_tokenizer: Tokenizer,
) -> None:
    asked = request(b"again", new=5)
    lost = engine.submit(asked)
    with monkeypatch.context() as broken:
        broken.setattr(runner, "read", lambda *_, **__: (_ for _ in ()).throw(MemoryError("full")))
        with pytest.raises(MemoryError):
            engine.step()
    assert lost.error is not None
    again = engine.submit(asked)
    finish(engine)
    assert texts(again) == alone(tiny_model, byte_tokenizer, asked)


def test_log_probabilities_are_those_of_the_logits(engine: Engine, tiny_model: GPTModel) -> None:
    prompt = b"how likely"
    asked = Request(
        tuple(prompt),
        SamplingSettings(seed=3, temperature=0.7, top_k=5, max_new_tokens=6),
        6,
        log_probabilities=3,
        prompt_log_probabilities=True,
    )
    ticket = engine.submit(asked)
    finish(engine)
    (tokens,) = texts(ticket)
    with torch.no_grad():
        logits = tiny_model(torch.tensor([[*prompt, *tokens]]))[0].double()
    expected = logits.log_softmax(-1)  # (time, vocabulary)
    given = [*ticket.prompt_probabilities, *(each for piece in ticket.pieces for each in piece.probabilities)]
    assert [each.token_id for each in given] == [*prompt[1:], *tokens]
    for row, each in zip(expected, given, strict=False):
        assert each.log_probability == pytest.approx(row[each.token_id].item(), abs=1e-5)
        assert [token for token, _ in each.likeliest] == row.topk(3).indices.tolist()
        assert [value for _, value in each.likeliest] == pytest.approx(row.topk(3).values.tolist(), abs=1e-5)


def test_the_token_at_which_a_text_ends_has_its_probability_too(
    write_script: Callable[..., GPTModel], byte_tokenizer: Tokenizer
) -> None:
    model = write_script({1: 97, 2: 98, 3: 256})
    engine = Engine(TorchRunner(model, slots=1, capacity=16), byte_tokenizer, end_ids=frozenset([256]))
    settings = SamplingSettings(seed=0, temperature=0)
    ticket = engine.submit(Request((1, 2), settings, 9, log_probabilities=1))
    finish(engine)
    assert texts(ticket) == [(97, 98)]
    given = [each for piece in ticket.pieces for each in piece.probabilities]
    assert [each.token_id for each in given] == [97, 98, 256]
    assert given[-1].likeliest == ((256, given[-1].log_probability),)


def test_a_request_for_no_new_tokens_reads_the_prompt_only(engine: Engine) -> None:
    asked = Request(tuple(b"echo"), SamplingSettings(seed=0), 0, prompt_log_probabilities=True)
    ticket = engine.submit(asked)
    finish(engine)
    assert [piece.finish_reason for piece in ticket.pieces] == ["length"]
    assert texts(ticket) == [()]
    assert len(ticket.prompt_probabilities) == 3


def test_the_memory_of_many_requests_is_that_of_few(engine: Engine) -> None:
    for number in range(300):
        engine.submit(request(b"%d" % number, new=2))
        finish(engine)
    assert engine.running == engine.waiting == 0
    assert sum(map(len, engine._slots.tokens)) <= 4 * 48
