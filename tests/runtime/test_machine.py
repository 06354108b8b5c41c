"""The machine in words: what a measurement must be read with, and nothing that names its owner."""

import getpass
import json
import os
import socket
from pathlib import Path
from typing import Literal

import pytest
import torch

import gpt25
from gpt25.errors import ConfigurationError
from gpt25.runtime import (
    choose_compilation,
    compilation,
    compile_choices,
    describe_machine,
    free_memory_bytes,
    matrix_product_rate,
    memory,
    processor,
    total_memory_bytes,
    will_compile,
)


def test_description_is_json_with_every_key() -> None:
    description = describe_machine()
    assert json.loads(json.dumps(description)) == description
    assert list(description) == [
        "gpt25", "python", "torch", "platform", "processor", "cores", "threads", "memory_bytes", "gpus",
    ]  # fmt: skip
    assert description["gpt25"] == gpt25.__version__
    assert description["torch"] == torch.__version__
    assert 1 <= description["cores"] <= os.cpu_count()
    assert description["threads"] == torch.get_num_threads()


def test_description_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a-secret-host-name")
    text = json.dumps(describe_machine())
    assert "a-secret-host-name" not in text
    assert os.getcwd() not in text
    assert f"/{getpass.getuser()}" not in text


def test_processor_name_comes_from_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("model name : First\nmodel name : Second\nFeatures : asimd bf16\n")
    monkeypatch.setattr(processor, "PROCESSOR_INFORMATION", path)
    assert processor.processor_name() == "First"
    assert processor.processor_instructions() == {"asimd", "bf16"}
    monkeypatch.setattr(processor, "PROCESSOR_INFORMATION", tmp_path / "absent")
    assert processor.processor_name()
    assert processor.processor_instructions() == frozenset()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Pretend that the system's files say this; None leaves a file out."""

    def pretend(meminfo: str | None, limit: str | None = None, used: str | None = None) -> None:
        contents = {"MEMORY_INFORMATION": meminfo, "CONTAINER_LIMIT": limit, "CONTAINER_USE": used}
        for name, content in contents.items():
            path = tmp_path / name
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_text(content)
            monkeypatch.setattr(memory, name, path)

    return pretend


MEMINFO = "MemTotal:       1000 kB\nMemFree:         1 kB\nMemAvailable:    600 kB\n"


@pytest.mark.parametrize(
    ("limit", "used", "total", "free"),
    [
        (None, None, 1_024_000, 614_400),
        ("max\n", "5\n", 1_024_000, 614_400),
        ("500000\n", "100000\n", 500_000, 400_000),
        ("500000\n", "600000\n", 500_000, 0),
        ("9000000\n", "1\n", 1_024_000, 614_400),
    ],
)
def test_memory_respects_a_containers_limit(files, limit: str | None, used: str | None, total: int, free: int) -> None:
    files(MEMINFO, limit, used)
    assert (total_memory_bytes(), free_memory_bytes()) == (total, free)


def test_memory_of_a_silent_system_is_unknown(files, monkeypatch: pytest.MonkeyPatch) -> None:
    files(None)
    monkeypatch.setattr(os, "sysconf_names", {})
    assert (total_memory_bytes(), free_memory_bytes()) == (None, None)


def test_memory_without_linux_comes_from_sysconf(files, monkeypatch: pytest.MonkeyPatch) -> None:
    files(None)
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10}.__getitem__)
    assert total_memory_bytes() == 40_960


def test_matrix_rate_counts_operations_over_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # A made-up device on which every operation takes a nanosecond: 256³ × 2 = 33.6 ms, 512³ × 2 = 0.27 s.
    from gpt25.runtime import matrix_rate

    sides = []

    def product(device: torch.device, dtype: torch.dtype, side: int) -> float:
        sides.append(side)
        return 2 * side**3 / 1e9

    monkeypatch.setattr(matrix_rate, "_seconds_of_one_product", product)
    assert matrix_product_rate(torch.device("cpu"), torch.float32, seconds=0.1) == pytest.approx(1e9)
    assert set(sides) == {256}


def test_matrix_rate_is_measured() -> None:
    assert matrix_product_rate(torch.device("cpu"), torch.float32, seconds=0.001) > 1e6


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_compilation_on_a_processor_needs_a_compiler(monkeypatch: pytest.MonkeyPatch, compiler: str) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(compilation.shutil, "which", lambda name: name if name == compiler else None)
    assert choose_compilation(torch.device("cpu")).available
    monkeypatch.setattr(compilation.shutil, "which", lambda name: None)
    verdict = choose_compilation(torch.device("cpu"))
    assert not verdict.available
    assert verdict.reason == "no C++ compiler was found (g++, clang++, c++, or $CXX)"


@pytest.mark.parametrize(("there", "reason"), [(object(), "Triton is installed"), (None, "Triton is not installed")])
def test_compilation_on_a_gpu_needs_triton(monkeypatch: pytest.MonkeyPatch, there: object, reason: str) -> None:
    monkeypatch.setattr(compilation.importlib.util, "find_spec", lambda name: there)
    monkeypatch.setattr(compilation, "_missing_for_triton", lambda: None)
    verdict = choose_compilation(torch.device("cuda"))
    assert verdict.available is (there is not None)
    assert verdict.reason.startswith(reason)


def test_triton_needs_a_c_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(compilation.shutil, "which", lambda name: None)
    verdict = choose_compilation(torch.device("cuda"))
    assert not verdict.available
    assert verdict.reason == "Triton needs a C compiler (gcc, clang, cc, or $CC): on Debian and Ubuntu, apt install gcc"


def test_triton_needs_python_s_headers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(compilation.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(compilation.shutil, "which", lambda name: "/usr/bin/gcc")
    monkeypatch.setattr(compilation.sysconfig, "get_path", lambda name: str(tmp_path))
    verdict = choose_compilation(torch.device("cuda"))
    assert verdict == compilation.Compilation(
        False, "Triton needs Python's headers (Python.h): on Debian and Ubuntu, apt install python3-dev"
    )
    (tmp_path / "Python.h").touch()
    assert choose_compilation(torch.device("cuda")).available


@pytest.mark.parametrize("mode", ["default", "max-autotune-no-cudagraphs"])
def test_a_gpu_keeps_the_order_of_loops_in_every_mode(mode: str) -> None:
    assert compile_choices(mode, torch.device("cpu")) == {"mode": mode}
    options = compile_choices(mode, torch.device("cuda"))["options"]
    assert options.pop("loop_ordering_after_fusion") is False
    assert options == torch._inductor.list_mode_options(mode)
    assert bool(options) == (mode != "default")


def test_what_a_torch_does_not_know_it_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor

    monkeypatch.setattr(torch._inductor, "list_options", lambda: ["max_autotune"])
    assert compile_choices("default", torch.device("cuda")) == {"options": {}}


def test_compilation_elsewhere() -> None:
    assert choose_compilation(torch.device("mps")).reason == "torch.compile is not used on mps"


@pytest.mark.parametrize(
    ("device", "there", "switch", "expected"),
    [
        ("cuda", True, "auto", True),
        ("cuda", False, "auto", False),
        ("cuda", True, False, False),
        ("cpu", True, "auto", False),
        ("cpu", True, True, True),
        ("cpu", False, False, False),
    ],
)
def test_compiling_by_itself_is_for_a_gpu_that_can(
    device: str, there: bool, switch: bool | Literal["auto"], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "choose_compilation", lambda device: compilation.Compilation(there, "why"))
    assert will_compile(torch.device(device), switch) is expected


def test_asking_for_what_is_missing_says_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation, "choose_compilation", lambda device: compilation.Compilation(False, "no Triton"))
    with pytest.raises(ConfigurationError, match=r"loop\.compile is true, but no Triton\. Install it, or leave"):
        will_compile(torch.device("cuda"), True)
