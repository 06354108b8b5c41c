"""A log that nobody reads holds up nobody."""

import threading

from gpt25.server.network.report_queue import ReportQueue


def test_lines_are_written_in_order() -> None:
    written: list[str] = []
    lines = ReportQueue(written.append)
    for number in range(50):
        lines.say(str(number))
    lines.close()
    assert written == [str(number) for number in range(50)]


def test_a_reader_that_stands_still_loses_lines_and_is_told_how_many() -> None:
    written, is_writing, may_write = [], threading.Event(), threading.Event()

    def write(line: str) -> None:
        is_writing.set()
        may_write.wait(20)
        written.append(line)

    lines = ReportQueue(write)
    lines.say("0")
    assert is_writing.wait(20)  # else it would make room in the midst of those that are to be lost
    for number in range(1, 3000):
        lines.say(str(number))
    may_write.set()
    while len(written) < 1000:
        threading.Event().wait(0.001)
    lines.say("the last")
    lines.close()
    left_out = [line for line in written if line.endswith("lines were left out, for nobody read them in time")]
    assert len(left_out) == 1
    assert int(left_out[0].split()[0]) + len(written) - 2 == 3000
    assert written[-1] == "the last"


def test_closing_does_not_wait_for_a_reader_that_stands_still() -> None:
    lines = ReportQueue(lambda _line: threading.Event().wait(20) and None)
    for number in range(2000):
        lines.say(str(number))
    lines.close(timeout_seconds=0.05)
