"""Which pictures and which turns a training step sees: stored cases to samples.

Every choice is a function of the seed and the running number of the sample, so the order does not
depend on workers, and a resumed run sees what the uninterrupted one would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image
from torch.utils.data import Dataset

from echovlm import prompts
from echovlm.terms import Anatomy, Language
from echovlm.train.batches import TrainingSample
from echovlm.train.simulated import StoredCase


def case_order(cases: int, samples: int, seed: int) -> np.ndarray:
    """Indices of ``samples`` cases: every case once before any comes again, each pass shuffled."""
    rng = np.random.default_rng(seed)
    passes = -(-samples // cases)
    return np.concatenate([rng.permutation(cases) for _ in range(passes)])[:samples]


def augment(still: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary a still as another operator or scanner setting would: crop, stretch, gain and gamma.

    Args:
        still: ``(H, W)`` uint8.
        rng: source of every choice.

    Returns:
        ``(H', W', 3)`` uint8; never flipped, since sides carry meaning.
    """
    height, width = still.shape
    top, bottom = (int(height * share) for share in rng.uniform(0, 0.05, 2))
    left, right = (int(width * share) for share in rng.uniform(0, 0.05, 2))
    cropped = still[top : height - bottom, left : width - right]
    stretched = int(cropped.shape[1] * rng.uniform(0.92, 1.08))
    if stretched != cropped.shape[1]:
        image = Image.fromarray(cropped).resize(
            (stretched, cropped.shape[0]), Image.Resampling.BILINEAR
        )
        cropped = np.asarray(image)
    grey = (cropped / 255.0) ** rng.uniform(0.8, 1.25) * rng.uniform(0.85, 1.15)
    return np.repeat((grey.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def turns(case: StoredCase, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Draw the turns of one sample: a report, the diagnosis, and some of the other questions."""
    first, second = rng.permutation([str(lang) for lang in Language])
    drawn = [(_asked("report", first, rng), case.reports[first])]
    drawn.append((_asked("diagnosis", second, rng), case.diagnoses[second]))
    for language in (first, second):
        if rng.random() < 0.25:
            drawn.append((_asked("anatomy", language, rng), _anatomy_name(case, language)))
        if rng.random() < 0.6:
            question, answer = case.questions[language][rng.integers(len(case.questions[language]))]
            drawn.append((question, answer))
    return drawn


def _asked(task: str, language: str, rng: np.random.Generator) -> str:
    phrasings = prompts.phrasings(task, Language(language))
    return phrasings[0] if rng.random() < 0.6 else str(rng.choice(phrasings))


def _anatomy_name(case: StoredCase, language: str) -> str:
    return prompts.anatomy_name(Anatomy(case.anatomy), Language(language))


@dataclass(frozen=True, eq=False)
class NanoSamples(Dataset[TrainingSample]):
    """All samples of a run in order; the length is the number of studies the run trains on."""

    cases: Sequence[StoredCase]
    samples: int
    seed: int

    @cached_property
    def _order(self) -> np.ndarray:
        return case_order(len(self.cases), self.samples, self.seed)

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> TrainingSample:
        case = self.cases[self._order[index]]
        rng = np.random.default_rng((self.seed, index))
        images = [augment(still, rng) for still in case.stills]
        return TrainingSample(images=images, turns=turns(case, rng))
