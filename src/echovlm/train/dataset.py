"""The batches of a run as a data set: item ``i`` is batch ``i`` of the plan, whole and collated.

What an item holds depends on its number alone, so any number of workers gives the same run. A
damaged picture does not end a worker with a traceback: the item carries the sentence, and the loop
stops with it after saving where it stood.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from PIL import Image
from torch.utils.data import Dataset, get_worker_info

from echovlm.data.reader import SampleReader
from echovlm.errors import EchoVLMError
from echovlm.train.augment import STEADY, augment
from echovlm.train.estimate_flops import work_of
from echovlm.train.plan import Batch, pixel_limits
from echovlm.train.recipes import Recipe
from echovlm.train.rows import Encoder, Row
from echovlm.train.stopping import obey_parent_alone

_KEPT_BYTES = 3 << 30


@dataclass(frozen=True, eq=False)
class PlannedBatches(Dataset[dict[str, Any]]):
    """All batches of a run in order.

    Attributes:
        reader: the samples.
        encoder: of the network.
        batches: the plan.
        recipe: says whether pictures are varied, and the seed.
    """

    reader: SampleReader
    encoder: Encoder
    batches: Sequence[Batch]
    recipe: Recipe

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> dict[str, Any]:
        _begin_reading(os.getpid())
        rng = np.random.default_rng((self.recipe.seed, index))
        try:
            rows = [self._row(row, rng) for row in self.batches[index]]
        except EchoVLMError as error:
            return {"fault": str(error)}
        batch = self.encoder.collate(rows)
        return batch | {"work": work_of(batch)}

    def _row(self, row: tuple[int, ...], rng: np.random.Generator) -> Row:
        samples = [self.reader.sample(number) for number in row]
        return Row(
            system=self.encoder.system_of(samples[0]),
            pictures=self._pictures(row[0], samples[0].images, rng),
            branches=[self.encoder.branch(sample) for sample in samples],
        )

    def _pictures(
        self, number: int, paths: Sequence[str], rng: np.random.Generator
    ) -> list[np.ndarray]:
        if not self.recipe.augment:
            return self.reader[number].pictures
        kept = [self._kept[path] for path in paths if path in self._kept]
        if len(kept) < len(paths):
            kept = [self._small(pixels) for pixels in self.reader[number].pictures]
            for path, pixels in zip(paths, kept, strict=True):
                self._kept.add(path, pixels)
        return [augment(_coloured(pixels), rng, STEADY)[0] for pixels in kept]

    @cached_property
    def _kept(self) -> _Kept:
        """Decoded pictures at no more than twice the size they are used at."""
        return _Kept()

    def _small(self, pixels: np.ndarray) -> np.ndarray:
        most = pixel_limits(self.encoder.processor.image_processor)[1]
        height, width = pixels.shape[:2]
        scale = min(1.0, 2 * (most / (height * width)) ** 0.5)
        size = max(28, round(width * scale)), max(28, round(height * scale))
        small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
        grey = (small.max(axis=2) == small.min(axis=2)).all()
        return small[..., 0].copy() if grey else small


@cache
def _begin_reading(process: int) -> None:
    """Done once by each process that reads for another."""
    if get_worker_info() is not None:
        obey_parent_alone()


class _Kept(dict[str, np.ndarray]):
    """Pictures by path; the oldest go when they take too much memory."""

    held_bytes = 0

    def add(self, path: str, pixels: np.ndarray) -> None:
        if path in self:
            self.held_bytes -= self.pop(path).nbytes
        self[path] = pixels
        self.held_bytes += pixels.nbytes
        while self.held_bytes > _KEPT_BYTES and len(self) > 1:
            self.held_bytes -= self.pop(next(iter(self))).nbytes


def _coloured(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def only(batches: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Collate function of a loader whose items are batches already."""
    (batch,) = batches
    return batch
