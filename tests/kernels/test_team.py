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


def test_callers_in_several_threads_come_one_after_the_other() -> None:
    team, at_work, most = Team(3), [], []

    def work(step: int) -> None:
        at_work.append(step)
        time.sleep(0.002)
        most.append(len(set(at_work)))
        at_work.remove(step)

    def call(step: int) -> None:
        for _ in range(10):
            team.run(lambda _: work(step))

    callers = [threading.Thread(target=call, args=(step,), daemon=True) for step in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(20)
    assert max(most) == 1
    assert len(most) == 4 * 10 * 3
    team.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    team, done = Team(2), []
    team.run(done.append)
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # a child that waits for threads that it does not have
        team.run(done.append)
        os._exit(len(done))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
    team.close()
