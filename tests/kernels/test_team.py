"""Threads that fail, and Ctrl-C in the middle: nobody waits for ever, and nobody works on afterwards."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from gpt25.kernels.processor_model import ProcessorModel
from gpt25.kernels.team import Team
from gpt25.model import GPTModel, ModelArrays


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_error_of_any_thread_is_raised_when_none_works_any_more(failing: int) -> None:
    team, gone, left = Team(3), threading.Event(), []

    def work(worker: int) -> None:
        if worker == failing:
            raise ValueError(f"thread {worker}")
        gone.wait(20)  # as at a meeting to which the failing one never comes
        time.sleep(0.05)
        left.append(worker)

    with pytest.raises(ValueError, match=f"thread {failing}"):
        team.run(work, give_up=gone.set)
    assert sorted(left) == [worker for worker in range(3) if worker != failing]
    done: list[int] = []
    team.run(done.append)
    assert sorted(done) == [0, 1, 2]
    team.close()


def test_ctrl_c_leaves_no_thread_at_work_and_the_next_step_is_whole() -> None:
    team, gone, left = Team(2), threading.Event(), []

    def work(worker: int) -> None:
        if worker == 0:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        gone.wait(20)
        time.sleep(0.05)
        left.append(worker)

    with pytest.raises(KeyboardInterrupt):
        team.run(work, give_up=gone.set)
    assert left == [1]
    slow: list[int] = []
    team.run(lambda worker: (time.sleep(0.1 * worker), slow.append(worker)))  # type: ignore[func-returns-value]
    assert slow == [0, 1], "a report of the step before counts for nothing"
    team.close()


def test_a_step_that_broke_off_leaves_the_next_ones_as_they_are(
    model: GPTModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> np.ndarray:
        return runner.read([1, 2, 3], slots=[0] * 3, positions=[0, 1, 2], wanted=[2]).copy()

    processor_model = ProcessorModel(ModelArrays.of(model), workers=2)
    runner = processor_model.runner(slots=1, capacity=8, most_rows=8)
    expected = read()
    run = processor_model.team.run

    def interrupted(work, **rest):  # type: ignore[no-untyped-def]
        def first_fails(worker: int) -> None:
            if worker == 0:
                raise KeyboardInterrupt
            work(worker)

        run(first_fails, **rest)

    monkeypatch.setattr(processor_model.team, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read()
    monkeypatch.undo()
    assert (read() == expected).all()
