"""How fast this device multiplies matrices, measured now."""

import time

import torch

_SMALLEST_SIDE = 256  # 2 × 256³ = 34 MFLOP: 40 ms even where bfloat16 is emulated
_LARGEST_SIDE = {"cpu": 2048, "cuda": 8192, "mps": 4096}
_LONGEST_PRODUCT_SECONDS = 0.25


def _seconds_of_one_product(device: torch.device, dtype: torch.dtype, side: int) -> float:
    # Random numbers: ones flip so few bits that a GPU, which its power limits, multiplies them faster than real data.
    matrix = torch.randn(side, side, device=device).to(dtype)  # (side, side)
    _wait_for(device)
    start = time.perf_counter()
    torch.mm(matrix, matrix)
    _wait_for(device)
    return time.perf_counter() - start


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def matrix_product_rate(device: torch.device, dtype: torch.dtype, *, seconds: float = 0.4) -> float:
    """Floating-point operations per second of square matrix products in `dtype`, averaged over about `seconds`.

    The matrices are as large as the time allows. Other work on the machine lowers the figure.
    """
    side = _SMALLEST_SIDE
    _seconds_of_one_product(device, dtype, side)  # the first product also sets libraries up
    while side < _LARGEST_SIDE.get(device.type, side):
        # The faster of two, because other work on the machine can only slow a product down; twice the side is 8 times
        # the work.
        if 8 * min(_seconds_of_one_product(device, dtype, side) for _ in range(2)) > _LONGEST_PRODUCT_SECONDS:
            break
        side *= 2
    times = [_seconds_of_one_product(device, dtype, side)]
    while sum(times) < seconds:
        times.append(_seconds_of_one_product(device, dtype, side))
    return 2 * side**3 * len(times) / sum(times)
