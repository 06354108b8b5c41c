"""Work that waits for its turn between steps, and how the driving thread does it."""

import asyncio
import threading
from typing import Any

import pytest

from gpt25.server.driving.engine_driver import EngineDriver, TooManyWaitingError
from gpt25.server.driving.work_between_steps import WorkBetweenSteps


def test_work_is_done_in_order_and_what_it_raises_is_its_own() -> None:
    work, done = WorkBetweenSteps(), []
    first = work.add(lambda: done.append(1) or "result")
    failing = work.add(lambda: 1 / 0)
    given_up = work.add(lambda: done.append(2))
    given_up.cancel()
    last = work.add(lambda: done.append(3))
    for _ in range(5):
        work.do_one()
    assert (first.result(), done, last.done(), len(work)) == ("result", [1, 3], True, 0)
    with pytest.raises(ZeroDivisionError):
        failing.result()


def test_what_waits_at_the_end_is_not_done() -> None:
    work = WorkBetweenSteps()
    waiting = work.add(lambda: pytest.fail("nobody waits for this"))
    work.cancel_all()
    work.do_one()
    assert waiting.cancelled()


def driver_of_the_test() -> EngineDriver:
    return EngineDriver(most_waiting=4, most_tokens=1000, report=lambda _: None)


def test_the_driving_thread_does_the_work() -> None:
    async def ask() -> Any:
        driver = driver_of_the_test()
        driver.start()
        try:
            return await asyncio.wait_for(driver.perform(lambda: threading.current_thread().name), 30)
        finally:
            driver.stop()

    assert asyncio.run(ask()) == "gpt25-engines"


def test_the_queue_of_work_is_short_and_ends_with_the_server() -> None:
    async def ask() -> None:
        driver = driver_of_the_test()  # it does not run yet
        waiting = [driver.perform(lambda: None) for _ in range(16)]
        with pytest.raises(TooManyWaitingError, match="16 looks into models wait already"):
            driver.perform(lambda: None)
        driver.stop()
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]

    asyncio.run(ask())
