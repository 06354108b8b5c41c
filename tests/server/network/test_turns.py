"""Connections are heard in turns."""

import asyncio

from gpt25.server.network.turns import Turns


def test_a_crowd_is_heard_some_at_a_time_and_in_order() -> None:
    async def work() -> tuple[list[int], list[int]]:
        turns, heard, rounds = Turns(), [], []
        for number in range(10):
            turns.wait(lambda number=number: heard.append(number))
        while len(heard) < 10:
            await asyncio.sleep(0)
            rounds.append(len(heard))
        return heard, rounds

    heard, rounds = asyncio.run(work())
    assert heard == list(range(10))
    assert len(set(rounds)) >= 3, rounds


def test_one_that_breaks_takes_no_turn_from_others() -> None:
    async def work() -> list[int]:
        turns, heard = Turns(), []

        def fail() -> None:
            raise RuntimeError("broken")

        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        for hear in (fail, lambda: heard.append(1), lambda: turns.wait(lambda: heard.append(2))):
            turns.wait(hear)
        for _ in range(10):
            await asyncio.sleep(0)
        return heard

    assert asyncio.run(work()) == [1, 2]
