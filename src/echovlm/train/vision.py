"""Vision pre-training: the vision tower learns to tell what a record states from its pixels.

The merged visual tokens of a picture, averaged over a grid of 4 by 4 so that their places count,
feed one linear classifier per fact; a second one tells for every token how much of it the mask of
the lesion or organ covers. Both are thrown away afterwards. A tower of a few million parameters
that starts from noise learns from language-model loss alone several times slower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset

from echovlm.data.quality import pictures as picture_files
from echovlm.data.record import Picture, Record
from echovlm.data.sample import Split
from echovlm.data.store import StoredSet, read_inside
from echovlm.errors import DataError
from echovlm.train.augment import GENTLE, STRONG, augment

GRID = 4
LEFT_OUT = frozenset({"image_position", "laterality", "site"})
"""Facts about places and sides, which cropping and mirroring change."""

_SIMULATED = "simulated"  # its sides carry meaning, so it is varied gently
_MOST_VALUES = 40
_LEAST_OFTEN = 8
_LONGEST_SIDE_PX = 352
_WEIGHTS = {"diagnosis": 3.0, "pathology": 3.0, "anatomy": 1.0}


@dataclass(frozen=True)
class VisionPicture:
    """One picture and what is stated of it.

    Attributes:
        folder: the set it belongs to.
        picture: its files.
        source: name of the data set.
        facts: categorical facts, name to value.
        siblings: pictures of its study, itself included; a study is drawn as often as any other.
    """

    folder: Path
    picture: Picture
    source: str
    facts: Mapping[str, str]
    siblings: int


def vision_pictures(
    folders: Sequence[Path], splits: Mapping[str, Split], split: Split
) -> list[VisionPicture]:
    """Collect the pictures of one split of imported sets.

    Args:
        folders: imported sets (``echovlm data import`` or ``simulate``).
        splits: patient key -> split; a patient that is not named is left out.
        split: which.
    """
    return [
        VisionPicture(folder, picture, record.source, _facts(record, number), len(record.pictures))
        for folder in folders
        for record in StoredSet(folder).records()
        if splits.get(record.patient_key) == split
        for number, picture in enumerate(record.pictures)
    ]


def _facts(record: Record, image: int) -> dict[str, str]:
    """Categorical facts of the study and of one picture; of several lesions, of the first."""
    found = {} if record.anatomy is None else {"anatomy": str(record.anatomy)}
    for fact in record.facts:
        applies = fact.image in (None, image) and fact.lesion in (None, 1)
        if applies and isinstance(fact.value, (str, bool, int)) and fact.name not in LEFT_OUT:
            found.setdefault(fact.name, str(fact.value))
    return found


@dataclass(frozen=True)
class FactTargets:
    """The classification targets.

    Attributes:
        values: per fact its values in a fixed order.
    """

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, pictures: Sequence[VisionPicture]) -> FactTargets:
        """Take every fact with two to forty values that are not rare."""
        seen: dict[str, Counter[str]] = {}
        for picture in pictures:
            for name, value in picture.facts.items():
                seen.setdefault(name, Counter())[value] += 1
        common = {
            name: tuple(sorted(v for v, count in counts.items() if count >= _LEAST_OFTEN))
            for name, counts in sorted(seen.items())
        }
        return cls({n: values for n, values in common.items() if 2 <= len(values) <= _MOST_VALUES})

    def encode(self, facts: Mapping[str, str]) -> np.ndarray:
        """Class number per target, -100 where the fact is not stated."""
        return np.array(
            [
                values.index(facts[name]) if facts.get(name) in values else -100
                for name, values in self.values.items()
            ]
        )


@dataclass(frozen=True, eq=False)
class VisionSamples(Dataset[dict[str, Any]]):
    """Varied pictures with their targets, drawn with a weight per source.

    Attributes:
        pictures: what is drawn from.
        targets: the classification targets.
        samples: how many are drawn.
        seed: of order and variation.
        source_weights: how much more often a study of a source is drawn; 1 where not named.
    """

    pictures: Sequence[VisionPicture]
    targets: FactTargets
    samples: int
    seed: int
    source_weights: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def _order(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        weights = np.array(
            [self.source_weights.get(p.source, 1.0) / p.siblings for p in self.pictures]
        )
        return rng.choice(len(self.pictures), self.samples, p=weights / weights.sum())

    @cached_property
    def _kept(self) -> dict[int, tuple[np.ndarray, np.ndarray | None]]:
        return {}

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> dict[str, Any]:
        chosen = int(self._order[index])
        item = self.pictures[chosen]
        rng = np.random.default_rng((self.seed, index))
        how = GENTLE if item.source == _SIMULATED else STRONG
        pixels, mask = self._pixels(chosen)
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        varied, varied_mask = augment(pixels, rng, how, mask)
        return {
            "picture": varied,
            "mask": varied_mask,
            "targets": self.targets.encode(item.facts),
        }

    def _pixels(self, chosen: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Decode a picture once and keep it small: grey where it has no colour."""
        if chosen not in self._kept:
            item = self.pictures[chosen]
            pixels = _read(item.folder, item.picture.path)
            mask = None if item.picture.mask is None else _read(item.folder, item.picture.mask)
            size = _fitting(pixels)
            small = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
            kept = np.asarray(small)
            if (kept.max(axis=2) == kept.min(axis=2)).all():
                kept = kept[..., 0].copy()
            small_mask = None
            if mask is not None:
                mask_image = Image.fromarray(mask[..., 0] > 0)
                small_mask = np.asarray(mask_image.resize(size, Image.Resampling.NEAREST))
            self._kept[chosen] = kept, small_mask
        return self._kept[chosen]


def _read(folder: Path, path: str) -> np.ndarray:
    pixels = picture_files.decode(read_inside(folder, path))
    if pixels is None:
        raise DataError(folder / path, "is damaged", "Run 'echovlm data check'")
    return pixels


def _fitting(pixels: np.ndarray) -> tuple[int, int]:
    """Width and height of a picture made small enough to keep."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _LONGEST_SIDE_PX / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))


@dataclass(frozen=True)
class VisionCollator:
    """Turn samples into one batch."""

    image_processor: Any

    def __call__(self, samples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Collate; shapes as in :meth:`VisionPretraining.forward`."""
        done = self.image_processor(images=[s["picture"] for s in samples], return_tensors="pt")
        shares = [
            _coverage(sample["mask"], int(h) // 2, int(w) // 2)
            for sample, (_, h, w) in zip(samples, done["image_grid_thw"], strict=True)
        ]
        return {
            "pixel_values": done["pixel_values"],
            "image_grid_thw": done["image_grid_thw"],
            "targets": torch.from_numpy(np.stack([sample["targets"] for sample in samples])),
            "coverage": torch.from_numpy(np.concatenate(shares)),
        }


def _coverage(mask: np.ndarray | None, rows: int, columns: int) -> np.ndarray:
    """Part of every token that the mask covers ``(rows * columns,)``; -1 without a mask."""
    if mask is None:
        return np.full(rows * columns, -1, dtype=np.float32)
    share = Image.fromarray((mask * 255).astype(np.uint8)).resize(
        (columns, rows), Image.Resampling.BOX
    )
    return (np.asarray(share, dtype=np.float32) / 255).reshape(-1)


class VisionPretraining(nn.Module):
    """A vision tower with one linear classifier per fact and one for the mask."""

    def __init__(self, visual: nn.Module, width: int, targets: FactTargets) -> None:
        super().__init__()
        self.visual = visual
        self.names = list(targets.values)
        self.sizes = [len(values) for values in targets.values.values()]
        self.classifiers = nn.Linear(width * GRID**2, sum(self.sizes))
        self.covered = nn.Linear(width, 1)

    def forward(
        self,
        pixel_values: torch.Tensor,
        image_grid_thw: torch.Tensor,
        targets: torch.Tensor,
        coverage: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Mean cross-entropy over pictures and the targets that apply, plus that of the masks.

        Args:
            pixel_values: ``(patches, C)``.
            image_grid_thw: ``(images, 3)``.
            targets: ``(images, targets)`` class numbers, -100 where a target does not apply.
            coverage: ``(tokens,)`` part of each merged token under the mask, -1 without a mask.

        Returns:
            ``loss``, and per fact ``right`` and ``asked`` counts ``(targets,)``.
        """
        merged = self.visual(pixel_values, grid_thw=image_grid_thw).pooler_output
        scores = self.classifiers(pooled(merged, image_grid_thw)).float().split(self.sizes, dim=1)
        weights = torch.tensor([_WEIGHTS.get(n, 1.0) for n in self.names], device=targets.device)
        losses = torch.stack(
            [
                functional.cross_entropy(score, target, reduction="sum", ignore_index=-100)
                for score, target in zip(scores, targets.T, strict=True)
            ]
        )
        told = targets >= 0
        loss = (losses * weights).sum() / (told * weights).sum().clamp(min=1)
        masked = coverage >= 0
        guess = self.covered(merged).float().squeeze(-1)
        cover = functional.binary_cross_entropy_with_logits(
            guess, coverage.clamp(min=0), reduction="none"
        )
        loss = loss + (cover * masked).sum() / masked.sum().clamp(min=1)
        right = [
            (score.argmax(dim=1) == target).sum()
            for score, target in zip(scores, targets.T, strict=True)
        ]
        return {"loss": loss, "right": torch.stack(right), "asked": told.sum(dim=0)}


def pooled(merged: torch.Tensor, grids: torch.Tensor) -> torch.Tensor:
    """Average the merged tokens ``(tokens, H)`` of each image over a grid: ``(images, 16 H)``."""
    sizes = [(height // 2, width // 2) for _, height, width in grids.tolist()]
    planes = merged.split([rows * columns for rows, columns in sizes])
    return torch.stack(
        [
            functional.adaptive_avg_pool2d(
                tokens.view(rows, columns, -1).permute(2, 0, 1), GRID
            ).flatten()
            for tokens, (rows, columns) in zip(planes, sizes, strict=True)
        ]
    )
