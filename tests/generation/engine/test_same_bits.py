"""A seeded request gives the same tokens alone and among 32, whatever comes and goes: with the kernels, always."""

import copy
import random

import pytest
import torch

from gpt25.generation import SamplingSettings
from gpt25.generation.engine import Engine, Request, Runners, Ticket
from gpt25.model import GPTConfiguration, GPTModel, quantise_int8
from gpt25.tokenizer import Tokenizer

REQUESTS = 1000
NEW_TOKENS = 6


def made_requests() -> list[Request]:
    chance = random.Random(0)
    beginnings = [[chance.randrange(256) for _ in range(chance.randrange(1, 30))] for _ in range(60)]
    requests = []
    for seed in range(REQUESTS):
        prompt = chance.choice(beginnings) + [chance.randrange(256) for _ in range(chance.randrange(1, 8))]
        settings = SamplingSettings(
            seed=seed,
            temperature=chance.choice([0, 0.7, 1.0, 1.3]),
            top_k=chance.choice([None, None, 20]),
            top_p=chance.choice([None, None, 0.9]),
            repetition_penalty=chance.choice([1.0, 1.0, 1.2]),
        )
        requests.append(Request(tuple(prompt), settings, NEW_TOKENS))
    return requests


def engine_of(model: GPTModel, tokenizer: Tokenizer, *, slots: int) -> Engine:
    runners = Runners(model)
    assert runners.uses_kernels
    return Engine(runners.runner(slots=slots, capacity=64), tokenizer, end_ids=frozenset([256]))


def tokens_of(ticket: Ticket) -> tuple[int, ...]:
    return tuple(token_id for piece in ticket.pieces for token_id in piece.token_ids)


@pytest.fixture(scope="module")
def model() -> GPTModel:
    configuration = GPTConfiguration(
        block_size=64, vocabulary_size=300, number_of_layers=3, number_of_heads=4, number_of_embedding_dimensions=128
    )
    model = GPTModel(configuration, generator=torch.Generator().manual_seed(1)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(4)
    return model


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_thousand_of_a_thousand_are_the_same_alone_and_among_32(
    model: GPTModel, byte_tokenizer: Tokenizer, precision: str
) -> None:
    chosen = model if precision == "float32" else quantise_int8(copy.deepcopy(model))
    requests, chance = made_requests(), random.Random(2)
    crowd, tickets = engine_of(chosen, byte_tokenizer, slots=32), []
    for request in requests:
        tickets.append(crowd.submit(request))
        if chance.random() < 0.05:
            crowd.cancel(crowd.submit(Request((1, 2, 3), SamplingSettings(seed=1, samples=3), 20)))
        while crowd.waiting > 3:
            crowd.step()
    while not crowd.is_idle:
        crowd.step()
    single = engine_of(chosen, byte_tokenizer, slots=1)
    same = 0
    for request, ticket in zip(requests, tickets, strict=True):
        alone = single.submit(request)
        while not alone.is_finished:
            single.step()
        same += tokens_of(alone) == tokens_of(ticket)
    assert same == REQUESTS
