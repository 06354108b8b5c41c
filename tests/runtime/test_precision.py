"""bfloat16 where it is fast, float32 elsewhere, and always a sentence that says why."""

import platform
from pathlib import Path

import pytest
import torch

from gpt25.errors import ConfigurationError
from gpt25.runtime import choose_precision, processor

CPU = torch.device("cpu")


@pytest.fixture
def instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Pretend to run on a processor of an architecture with these instructions."""

    def pretend(flags: str, machine: str = "x86_64") -> None:
        path = tmp_path / "cpuinfo"
        path.write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\n\nprocessor\t: 1\nflags\t: no\n")
        monkeypatch.setattr(processor, "PROCESSOR_INFORMATION", path)
        monkeypatch.setattr(platform, "machine", lambda: machine)

    return pretend


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch):
    def pretend(capability: tuple[int, int]) -> torch.device:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Test GPU")
        return torch.device("cuda")

    return pretend


@pytest.mark.parametrize(("flags", "spelled"), [("amx_bf16 avx512_bf16", "AMX"), ("avx512_bf16", "AVX512-BF16")])
def test_processor_with_fast_bfloat16(instructions, flags: str, spelled: str) -> None:
    instructions(flags)
    chosen = choose_precision(CPU)
    assert (chosen.name, chosen.dtype) == ("bfloat16", torch.bfloat16)
    assert chosen.reason == f"the processor has {spelled}, which multiplies bfloat16 faster than float32"


def test_processor_without_it(instructions) -> None:
    instructions("avx2 avx512f")
    chosen = choose_precision(CPU)
    assert (chosen.name, chosen.dtype) == ("float32", torch.float32)
    assert chosen.reason == (
        "the processor has neither AMX nor AVX512-BF16, so that bfloat16 would be slower than float32"
    )


def test_other_architectures_get_the_safe_choice(instructions) -> None:
    instructions("bf16 amx_bf16", machine="aarch64")
    chosen = choose_precision(CPU)
    assert chosen.name == "float32"
    assert chosen.reason == "float32 is the safe choice on a aarch64 processor"
    assert choose_precision(torch.device("mps")).reason == "float32 is the safe choice on mps"


def test_unknown_processor_gets_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "PROCESSOR_INFORMATION", tmp_path / "absent")
    assert choose_precision(CPU).name == "float32"


def test_slow_bfloat16_is_allowed_and_said(instructions) -> None:
    instructions("avx2")
    chosen = choose_precision(CPU, "bfloat16")
    assert chosen.name == "bfloat16"
    assert chosen.reason.startswith("asked for, although the processor has neither AMX nor AVX512-BF16")


def test_what_was_asked_for(instructions) -> None:
    instructions("amx_bf16")
    assert choose_precision(CPU, "bfloat16").reason == "asked for"
    assert choose_precision(CPU, "float32").reason.startswith("asked for, although the processor has AMX")
    instructions("avx2")
    assert choose_precision(CPU, "float32").reason == "asked for"


def test_gpus(gpu) -> None:
    new = choose_precision(gpu((9, 0)))
    assert (new.name, new.reason) == ("bfloat16", "Test GPU (compute capability 9.0) has fast bfloat16")
    old = choose_precision(gpu((7, 5)))
    assert old.name == "float32"
    assert old.reason == "Test GPU (compute capability 7.5, below 8.0) has no fast bfloat16"


def test_unknown_precision_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^precision 'int4' is unknown: choose auto, float32 or bfloat16$"):
        choose_precision(CPU, "int4")


def test_autocast_computes_matrix_products_in_that_format() -> None:
    matrix = torch.eye(8)  # (8, 8)
    with choose_precision(CPU, "bfloat16").autocast(CPU):
        assert (matrix @ matrix).dtype == torch.bfloat16
    with choose_precision(CPU, "float32").autocast(CPU):
        assert (matrix @ matrix).dtype == torch.float32
    assert (matrix @ matrix).dtype == torch.float32
