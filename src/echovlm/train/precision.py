"""Which number format a device computes fast in, measured and not guessed.

A processor with bf16 units multiplies matrices in bf16 several times faster than in float32; one
without takes up to a hundred times longer. Names of processors do not tell, a measurement does.
"""

from __future__ import annotations

import time
from functools import cache

import torch

_SIZE = 512
_LARGE = {"cpu": 2048, "cuda": 8192}
_REPEATS = 8


@cache
def fast_dtype() -> torch.dtype:
    """bf16 where the device multiplies faster in it than in float32, else float32."""
    if torch.cuda.is_available():
        return torch.bfloat16
    faster = matmul_flops(torch.bfloat16, _SIZE) > 1.2 * matmul_flops(torch.float32, _SIZE)
    return torch.bfloat16 if faster else torch.float32


def vision_attention() -> str:
    """The attention of the vision tower in training.

    Patches of a picture are few: on a CPU plain products beat the fused kernel's backward pass.
    """
    return "sdpa" if torch.cuda.is_available() else "eager"


def matmul_flops(dtype: torch.dtype, size: int | None = None) -> float:
    """Floating-point operations per second of a square matrix product on the training device."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = size or _LARGE[device]
    a, b = (torch.randn(size, size, device=device, dtype=torch.float32).to(dtype) for _ in "ab")
    best = float("inf")
    torch.matmul(a, b)
    for _ in range(_REPEATS):
        _wait(device)
        started = time.perf_counter()
        torch.matmul(a, b)
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
