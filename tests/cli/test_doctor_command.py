"""`gpt25 doctor`: one human-readable table of facts, one JSON object, and no network."""

import importlib.metadata
import json
import socket

import pytest

from gpt25.cli.commands import doctor
from gpt25.cli.main import main
from gpt25.runtime import AttentionKernel, Compilation, cudnn_version


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spend no time on measuring, leave the allocator of the tests alone, and refuse every connection."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("doctor used the network")

    rates = {"torch.float32": 2e12, "torch.bfloat16": 5e8}
    monkeypatch.setattr("gpt25.runtime.matrix_product_rate", lambda device, dtype: rates[str(dtype)])
    monkeypatch.setattr("gpt25.runtime.use_fast_allocator", lambda: "the allocator was not touched")
    monkeypatch.setattr(socket.socket, "connect", refuse)


def found(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main(["doctor", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_holds_what_is_there_and_what_will_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    seen = found(capsys)
    assert seen["machine"]["cores"] >= 1
    assert seen["machine"]["free_disk_bytes"] > 0
    assert seen["device"]["name"]
    assert seen["precision"]["name"] in ("float32", "bfloat16")
    assert seen["precision"]["reason"]
    assert seen["attention"]["name"] == "FlashAttention's"
    assert seen["machine"]["cudnn"] == cudnn_version()
    assert seen["generation"]["precision"] == "float32", "numba is among what the tests need"
    assert seen["generation"]["int8_instructions"].partition(" ")[0] in ("vpdpwssd", "vpmaddwd", "multiplications")
    assert isinstance(seen["compile"]["available"], bool)
    assert seen["matrix_product_flops_per_second"] == {"float32": 2e12, "bfloat16": 5e8}
    assert seen["ranks"] == {"rank": 0, "number_of_ranks": 1, "local_rank": 0}
    assert seen["hub"]["offline"] is True  # the tests' conftest says so
    assert seen["hub"]["cached_models"] == []
    assert seen["packages"]["torch"] == importlib.metadata.version("torch")
    assert seen["extras"]["dev"]["installed"] is (seen["extras"]["dev"]["missing"] == [])


def test_human_readable_table_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cpu"]) == 0
    text = capsys.readouterr().out
    for line in (
        "device           cpu: asked for",
        "matrix products  float32 2,000 GFLOP/s, bfloat16 0.50 GFLOP/s, measured",
        "allocator        the allocator was not touched",
        "ranks            one process (no torchrun)",
        "Hub              offline (HF_HUB_OFFLINE)",
    ):
        assert line in text.splitlines()
    assert "\x1b" not in text


def test_what_compiling_lacks_is_named_with_its_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "Triton needs a C compiler (gcc, clang, cc, or $CC): on Debian and Ubuntu, apt install gcc"
    monkeypatch.setattr("gpt25.runtime.choose_compilation", lambda device: Compilation(False, reason))
    monkeypatch.setattr("gpt25.runtime.cudnn_version", lambda: "9.15.1")
    monkeypatch.setattr(
        "gpt25.runtime.choose_attention", lambda device, precision: AttentionKernel("cuDNN's", "it is first")
    )
    assert main(["doctor", "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"torch.compile    not available, not used: {reason}" in lines
    assert "attention        cuDNN's: it is first" in lines
    assert "cuDNN      9.15.1" in lines


def test_missing_extra_says_what_it_brings(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    installed = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "gguf" else installed(package))
    assert found(capsys)["extras"]["export"] == {
        "installed": False,
        "missing": ["gguf"],
        "brings": "GGUF files for llama.cpp",
    }


def test_ranks_of_torchrun(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "4"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)
    assert found(capsys)["ranks"] == {"rank": 0, "number_of_ranks": 4, "local_rank": 0}


def test_half_an_environment_of_torchrun_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert found(capsys)["ranks"]["problem"].startswith("the environment has WORLD_SIZE but not RANK, LOCAL_RANK")


def test_absent_device_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cuda:99"]) == 2
    assert capsys.readouterr().err.startswith("error: device 'cuda:99' is not available: this machine has ")
