"""The allocator keeps freed memory where it can be told to, and says so where it cannot."""

import platform
import subprocess
import sys

import pytest

from gpt25.runtime import allocator, use_fast_allocator

MEASURE = """
import resource, torch
from gpt25.runtime import use_fast_allocator

def page_faults():
    torch.ones(16_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(16_000_000)  # 64 MB: 16,384 pages of 4 kB, fewer where pages are huge
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = page_faults()
sentence = use_fast_allocator()
print(usual, page_faults(), sentence)
"""


def test_large_tensors_stop_costing_fresh_pages() -> None:
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        assert "only glibc" in use_fast_allocator()
        return
    # In a process of its own, because the setting lasts as long as the process.
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    usual, fast, sentence = done.stdout.strip().split(" ", 2)
    assert int(fast) * 2 <= int(usual)
    assert sentence == (
        "glibc's allocator keeps freed memory instead of returning it to the kernel with every large tensor"
    )


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.platform, "system", lambda: "Darwin")
    assert use_fast_allocator() == (
        "the allocator stays as it is: only glibc on Linux can be told to keep freed memory"
    )


def test_a_refusal_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        mallopt = staticmethod(lambda parameter, value: 0)

    monkeypatch.setattr(allocator.platform, "system", lambda: "Linux")
    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: Library)
    assert use_fast_allocator() == "the allocator stays as it is: glibc refused the setting"
