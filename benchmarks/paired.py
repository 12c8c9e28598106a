"""Paired timing: variants take turns in blocks, and only ratios inside one block are compared.

A slow moment of the machine then slows every variant of the block alike. One variant is timed twice
under two names (an A/A control): where these two differ, nothing measured beside them counts.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

CONTROL_TOLERANCE = 0.05
SPREAD_TOLERANCE = 0.10


@dataclass(frozen=True)
class Ratio:
    """How many times as long one variant takes as another: median and quartiles over the blocks."""

    median: float
    p25: float
    p75: float

    @classmethod
    def of(cls, slow: list[float], fast: list[float]) -> Ratio:
        """Divide block by block."""
        ratios = [one / other for one, other in zip(slow, fast, strict=True)]
        if len(ratios) == 1:
            return cls(ratios[0], ratios[0], ratios[0])
        p25, middle, p75 = quantiles(ratios, n=4, method="inclusive")
        return cls(middle, p25, p75)

    @property
    def is_steady(self) -> bool:
        """Whether the quartiles lie within 10 % of the median."""
        return (self.p75 - self.p25) / self.median <= SPREAD_TOLERANCE

    @property
    def is_one(self) -> bool:
        """Whether two names of the same variant take equally long: within 5 %, and steadily."""
        return abs(self.median - 1) <= CONTROL_TOLERANCE and self.is_steady


def time_blocks(
    variants: Mapping[str, Callable[[], object]],
    blocks: int,
    repeats: int,
    clock: Callable[[], float] = perf_counter,
) -> dict[str, list[float]]:
    """Time variants in turns.

    In every block each variant is called ``repeats`` times, in an order that is drawn anew each
    time; its time in the block is the median. One call of each comes before, untimed.

    Args:
        variants: what to call, by name.
        blocks: number of blocks, at least 1.
        repeats: calls per block, at least 1.
        clock: gives seconds.

    Returns:
        Seconds per block, by name.
    """
    order = random.Random(0)
    names = list(variants)
    for run in variants.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    try:
        for _ in range(blocks):
            taken: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(repeats):
                for name in order.sample(names, len(names)):
                    start = clock()
                    variants[name]()
                    taken[name].append(clock() - start)
            for name in names:
                seconds[name].append(median(taken[name]))
    finally:
        gc.enable()
    return seconds
