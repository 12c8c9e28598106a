"""A case: a simulated study with its true report, diagnosis label, questions and measurements.

Features are sampled first; the images, the report in both languages, the label and every answer
follow from them, so no text can contradict its picture. The same seed gives the same case, bit for
bit. The classes are the 26 of ``prompts/labels.json``; what the pictures are good for, and what
not, is said in docs/simulation.md.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from echovlm import prompts, report
from echovlm.simulate import breast, gynaecology, heart, kidney, liver, thyroid, vessel
from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.question import Question
from echovlm.simulate.scanner import Variation, console_for
from echovlm.study import Clip, Study
from echovlm.terms import Anatomy, Language, Mode

_ANATOMIES: dict[Anatomy, ModuleType] = {
    Anatomy.BREAST: breast,
    Anatomy.THYROID: thyroid,
    Anatomy.LIVER: liver,
    Anatomy.KIDNEY: kidney,
    Anatomy.HEART: heart,
    Anatomy.VESSEL: vessel,
    Anatomy.GYNAECOLOGY: gynaecology,
}

LABELS: dict[str, Anatomy] = {
    label: anatomy for anatomy, module in _ANATOMIES.items() for label in module.LABELS
}
"""Every diagnosis label that can be simulated, with the anatomy it belongs to."""

_VIEWS: dict[str, str] = {
    "thyroid": "transverse",
    "kidney": "longitudinal",
    "heart": "apical four-chamber",
    "carotid": "longitudinal",
    "uterus": "longitudinal",
}
"""View that an organ is always drawn in, by the first word of its labels."""


@dataclass(frozen=True, eq=False)
class Case:
    """A simulated study and everything that is true of it.

    Attributes:
        seed: the seed that made it.
        anatomy: region shown.
        label: key of the diagnosis in ``prompts/labels.json``.
        features: what was sampled; the single source of images and texts.
        study: one to three calibrated B-mode stills of the same features.
        images: the same stills with their geometry and the places of their lesions.
    """

    seed: int
    anatomy: Anatomy
    label: str
    features: Any
    study: Study
    images: tuple[BModeImage, ...]

    @property
    def view(self) -> str:
        """View of every still in the words of the lexicon; "" where the organ has no usual one."""
        return _VIEWS.get(self.label.split("-")[0], "")

    def findings(self, language: Language) -> str:
        """The true findings (超声所见), without measurements or diagnosis."""
        return _ANATOMIES[self.anatomy].findings(self.features, language)

    def impression(self, language: Language) -> str:
        """The true impression (超声提示)."""
        return _ANATOMIES[self.anatomy].impression(self.features, language)

    def report_text(self, language: Language) -> str:
        """Findings and impression in the text form that a network writes."""
        return report.render_text(self.findings(language), self.impression(language), language)

    def diagnosis(self, language: Language) -> str:
        """Name of the diagnosis label in the given language."""
        return prompts.label(self.label).name(language)

    def questions(self, language: Language) -> list[Question]:
        """Questions whose true answers the images support."""
        return _ANATOMIES[self.anatomy].questions(self.features, language)

    def measurements(self) -> dict[str, float]:
        """True sizes and indices; the unit is the last word of each name."""
        return _ANATOMIES[self.anatomy].measurements(self.features)

    def feature_values(self) -> dict[str, Any]:
        """The sampled features as plain JSON values."""
        return dataclasses.asdict(self.features)


def make_case(
    seed: int,
    label: str | None = None,
    views: int | None = None,
    variation: Variation = Variation.NARROW,
) -> Case:
    """Simulate one case.

    Args:
        seed: any non-negative integer; equal seeds (and arguments) give bit-equal cases.
        label: key of a diagnosis label; drawn evenly from all labels where None.
        views: number of stills, 1 to 3; drawn (mostly one) where None.
        variation: how widely the scanner's settings vary; tissue and texts do not depend on it.

    Returns:
        The case, its stills named ``view 1``, ``view 2`` ...

    Raises:
        ValueError: for an unknown label or a number of views outside 1 to 3.
    """
    rng = np.random.default_rng(seed)
    drawn_label = str(rng.choice(sorted(LABELS)))
    drawn_views = int(rng.choice([1, 2, 3], p=[0.75, 0.2, 0.05]))
    label = drawn_label if label is None else label
    views = drawn_views if views is None else views
    if label not in LABELS:
        raise ValueError(f"unknown label {label!r}; choose one of {', '.join(sorted(LABELS))}")
    if not 1 <= views <= 3:
        raise ValueError(f"a case has 1 to 3 views, not {views}")
    anatomy = LABELS[label]
    module = _ANATOMIES[anatomy]
    features = module.sample(label, rng)
    images = []
    for number in range(views):
        with console_for(variation, seed, number):
            images.append(module.draw(features, rng))
    study = Study(
        clips=tuple(_still(image, f"view {i + 1}") for i, image in enumerate(images)),
        name=f"simulated case {seed}",
        anatomy=anatomy,
    )
    return Case(seed, anatomy, label, features, study, tuple(images))


def _still(image: BModeImage, name: str) -> Clip:
    """Wrap a rendered B-mode image as a calibrated still."""
    pixels = np.repeat(image.pixels[None, ..., None], 3, axis=3)
    spacing = (float(image.spacing_mm), float(image.spacing_mm))
    return Clip(
        frames=pixels, name=name, mode=Mode.B_MODE, pixel_spacing_mm=spacing, calibration_note=""
    )
