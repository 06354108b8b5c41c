"""Which attention torch takes is torch's own answer; what is said of cuDNN follows it."""

from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from gpt25.runtime import Precision, attention, choose_attention, cudnn_version

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
BFLOAT16 = Precision("bfloat16", torch.bfloat16, "")


def test_a_processor_takes_flash_attention_unless_it_is_told_otherwise() -> None:
    found = choose_attention(CPU, BFLOAT16)
    assert found.name == "FlashAttention's"
    assert found.reason == "what torch takes in bfloat16 on cpu for heads of 64 channels"
    with sdpa_kernel(SDPBackend.MATH):
        assert choose_attention(CPU, BFLOAT16).name == "the plain one, which holds all scores"


@pytest.mark.parametrize(("number", "words"), [(91501, "9.15.1"), (92000, "9.20.0"), (8907, "8.9.7"), (None, None)])
def test_cudnn_s_version_is_written_as_its_maker_does(
    number: int | None, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: number)
    assert cudnn_version() == words
    monkeypatch.setattr(torch.version, "cuda", None)
    assert cudnn_version() is None


@pytest.mark.parametrize(
    ("backend", "capability", "name", "reason"),
    [
        (SDPBackend.CUDNN_ATTENTION, (9, 0), "cuDNN's", "with cuDNN 9.15.1 on compute capability 9.0 it comes first"),
        (
            SDPBackend.FLASH_ATTENTION,
            (9, 0),
            "FlashAttention's",
            "a cuDNN above 9.15 (this is 9.15.1) and without TORCH_",
        ),
        (
            SDPBackend.FLASH_ATTENTION,
            (8, 9),
            "FlashAttention's",
            "on compute capabilities 9 and 10 only, and this is 8.9",
        ),
        (SDPBackend.EFFICIENT_ATTENTION, (7, 5), "the memory-efficient one", "and this is 7.5"),
    ],
)
def test_a_gpu_s_answer_is_explained(
    backend: SDPBackend, capability: tuple[int, int], name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, asked = torch.empty, []

    def choose(query: torch.Tensor, *others: Any) -> int:
        asked.append((query.shape, query.dtype, others[-1]))
        return int(backend.value)

    monkeypatch.setattr(torch, "empty", lambda shape, **options: empty(shape, **{**options, "device": CPU}))
    monkeypatch.setattr(torch, "_fused_sdp_choice", choose)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(attention, "cudnn_version", lambda: "9.15.1")
    found = choose_attention(CUDA, BFLOAT16)
    assert found.name == name
    assert reason in found.reason
    assert asked == [((1, 12, 1024, 64), torch.bfloat16, True)]


def test_where_torch_does_not_say_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise NotImplementedError("no such operator\non this device")

    monkeypatch.setattr(torch, "_fused_sdp_choice", refuse)
    found = choose_attention(CPU, BFLOAT16)
    assert (found.name, found.reason) == ("unknown", "torch does not say what it takes on cpu: no such operator")
