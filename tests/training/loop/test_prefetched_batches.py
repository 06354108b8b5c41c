import threading
from collections.abc import Iterator

import pytest
import torch

from gpt25.errors import DataError
from gpt25.training.loop.prefetched_batches import PrefetchedBatches

SECONDS = 10.0
CPU = torch.device("cpu")


class Source:
    """Micro-batches that hold their update's number; remembers what was read, and by which thread."""

    def __init__(self, broken: int | None = None) -> None:
        self.read: list[int] = []
        self.threads: list[str] = []
        self.has_read = threading.Condition()
        self.broken = broken

    def __call__(self, update: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        with self.has_read:
            self.read.append(update)
            self.threads.append(threading.current_thread().name)
            self.has_read.notify_all()
        if update == self.broken:
            raise DataError("token 9 is unknown")
        return iter([(torch.full((1, 2), update), torch.full((1, 2), update + 1))] * 3)

    def wait_for(self, update: int) -> None:
        with self.has_read:
            assert self.has_read.wait_for(lambda: update in self.read, SECONDS)


def test_the_next_update_is_read_while_nobody_asks_yet() -> None:
    source = Source()
    batches = PrefetchedBatches(source, number_of_updates=9, device=CPU)
    assert [int(ids[0, 0]) for ids, _ in batches.of(4)] == [4, 4, 4]
    source.wait_for(5)
    assert [(int(ids[0, 0]), int(labels[0, 0])) for ids, labels in batches.of(5)] == [(5, 6)] * 3
    source.wait_for(6)
    assert source.read == [4, 5, 6]
    assert source.threads[0] == threading.current_thread().name
    assert all(name.startswith("gpt25-batches") for name in source.threads[1:])


def test_another_update_than_the_next_is_read_when_it_is_asked_for() -> None:
    batches = PrefetchedBatches(Source(), number_of_updates=9, device=CPU)
    assert [int(batches.of(update)[0][0][0, 0]) for update in (0, 7, 7, 2, 3)] == [0, 7, 7, 2, 3]


def test_nothing_is_read_behind_the_last_update() -> None:
    source = Source()
    batches = PrefetchedBatches(source, number_of_updates=2, device=CPU)
    batches.of(0)
    batches.of(1)
    assert source.read == [0, 1]
    assert batches._ahead is None


def test_a_problem_with_the_data_is_raised_where_its_update_is_asked_for() -> None:
    source = Source(broken=1)
    batches = PrefetchedBatches(source, number_of_updates=9, device=CPU)
    batches.of(0)
    source.wait_for(1)
    with pytest.raises(DataError, match="token 9 is unknown"):
        batches.of(1)
    assert int(batches.of(2)[0][0][0, 0]) == 2


def test_the_reading_thread_takes_the_run_s_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[torch.device, str]] = []
    monkeypatch.setattr(
        torch.cuda, "set_device", lambda device: taken.append((device, threading.current_thread().name))
    )
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    batches = PrefetchedBatches(Source(), number_of_updates=3, device=torch.device("cuda:1"))
    batches.of(0)
    batches.of(1)
    assert [device for device, _ in taken] == [torch.device("cuda:1")]
    assert taken[0][1].startswith("gpt25-batches")
