"""Simulated studies beyond B-mode stills: a beating heart, and arteries and nodules under Doppler.

They answer to the same calls as ``cases.Case`` and follow the same rule: features are sampled first
and pictures, texts, facts and measurements follow from them; equal seeds give bit-equal studies.
``cases.make_case`` and its 26 labels are not touched by them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from echovlm import prompts, report
from echovlm.facts.fact import Fact, Origin
from echovlm.simulate import vascularity, vascularity_text
from echovlm.simulate.bmode import BModeImage
from echovlm.simulate.cases import Case
from echovlm.simulate.doppler import ColourImage
from echovlm.simulate.facts import Value, case_facts
from echovlm.simulate.heart import function, function_text
from echovlm.simulate.heart.cine import HeartCine, draw_cine
from echovlm.simulate.heart.function import FunctionFeatures
from echovlm.simulate.question import Question
from echovlm.simulate.scanner import Variation, console_for
from echovlm.simulate.vascularity import NoduleFeatures
from echovlm.simulate.vessel import stenosis, stenosis_text
from echovlm.simulate.vessel.duplex import Duplex, draw_duplex
from echovlm.simulate.vessel.stenosis import StenosisFeatures
from echovlm.study import Clip, Region, Study
from echovlm.terms import Anatomy, Language, Mode


class _Texts(Protocol):
    """A module that writes the texts of one kind of study."""

    def findings(self, features: Any, language: Language) -> str: ...
    def impression(self, features: Any, language: Language) -> str: ...
    def questions(self, features: Any, language: Language) -> list[Question]: ...


_TEXTS: dict[type, _Texts] = {
    FunctionFeatures: function_text,
    StenosisFeatures: stenosis_text,
    NoduleFeatures: vascularity_text,
}


@dataclass(frozen=True, eq=False)
class SimulatedStudy:
    """A simulated study and everything that is true of it.

    Attributes:
        seed: the seed that made it.
        anatomy: region shown.
        label: key of the diagnosis in ``prompts/labels.json``; "" where none fits (reduced function
            of a left ventricle of usual size).
        features: what was sampled; the single source of pictures, texts and facts.
        study: its clips, calibrated, with their regions.
        truth: what was drawn, with masks, velocities and scales.
    """

    seed: int
    anatomy: Anatomy
    label: str
    features: FunctionFeatures | StenosisFeatures | NoduleFeatures
    study: Study
    truth: HeartCine | Duplex | ColourImage
    _facts: tuple[Fact, ...]
    _measurements: dict[str, float]

    def findings(self, language: Language) -> str:
        """The true findings (超声所见), without measurements or diagnosis."""
        return _TEXTS[type(self.features)].findings(self.features, language)

    def impression(self, language: Language) -> str:
        """The true impression (超声提示)."""
        return _TEXTS[type(self.features)].impression(self.features, language)

    def report_text(self, language: Language) -> str:
        """Findings and impression in the text form that a network writes."""
        return report.render_text(self.findings(language), self.impression(language), language)

    def diagnosis(self, language: Language) -> str:
        """Name of the diagnosis label in the given language, "" without a label."""
        return prompts.label(self.label).name(language) if self.label else ""

    def questions(self, language: Language) -> list[Question]:
        """Questions whose true answers the pictures support."""
        return _TEXTS[type(self.features)].questions(self.features, language)

    def measurements(self) -> dict[str, float]:
        """True sizes, velocities and indices; the unit is the last word of each name."""
        return dict(self._measurements)

    def feature_values(self) -> dict[str, Any]:
        """The sampled features as plain JSON values."""
        return dataclasses.asdict(self.features)

    def facts(self) -> list[Fact]:
        """What is true of the study and its lesions, in the names of ``facts/lexicon.json``."""
        return list(self._facts)


def make_heart_cine(
    seed: int, frames: int = 20, variation: Variation = Variation.NARROW
) -> SimulatedStudy:
    """Simulate an apical four-chamber cine loop of one beat with a known ejection fraction.

    Args:
        seed: any non-negative integer; equal seeds give bit-equal studies.
        frames: number of frames of the beat, at least 12 so that one lies at end-systole.
        variation: how widely the scanner's settings vary; features and texts do not depend on it.

    Returns:
        The study, with one clip ``apical four-chamber``.

    Raises:
        ValueError: for fewer than 12 frames.
    """
    if frames < 12:
        raise ValueError(f"a beat needs at least 12 frames to show end-systole, not {frames}")
    rng = np.random.default_rng([seed, 1])
    features = function.sample(rng)
    with console_for(variation, seed, 0):
        cine = draw_cine(features.heart, rng, frames, features.heart_rate_per_minute)
    clip = Clip(
        frames=np.repeat(cine.pixels[..., None], 3, axis=3),
        name="apical four-chamber",
        mode=Mode.B_MODE,
        regions=(_b_mode(cine.pixels.shape[1:], cine.spacing_mm),),
        pixel_spacing_mm=(cine.spacing_mm, cine.spacing_mm),
        calibration_note="",
        frame_time_ms=cine.frame_time_ms,
    )
    study = Study((clip,), name=f"simulated heart cine {seed}", anatomy=Anatomy.HEART)
    values: dict[str, Value] = {
        "anatomy": Anatomy.HEART.value,
        "view": clip.name,
        "ejection_fraction_percent": features.heart.ejection_fraction_percent,
    }
    if features.heart.label:
        values["diagnosis"] = features.heart.label
    return SimulatedStudy(
        seed=seed,
        anatomy=Anatomy.HEART,
        label=features.heart.label,
        features=features,
        study=study,
        truth=cine,
        _facts=_stated(study, values),
        _measurements=function.measurements(features),
    )


def make_carotid_doppler(
    seed: int, stenosis_class: str | None = None, variation: Variation = Variation.NARROW
) -> SimulatedStudy:
    """Simulate colour and spectral Doppler of an internal carotid artery of a known class.

    Args:
        seed: any non-negative integer; equal seeds (and classes) give bit-equal studies.
        stenosis_class: one of ``stenosis.STENOSES``; drawn evenly where None.
        variation: how widely the scanner's settings vary; features and texts do not depend on it.

    Returns:
        The study, with the clips ``colour`` and ``spectrum``; the second shows the first above the
        spectrum of its sample volume.

    Raises:
        ValueError: for an unknown class.
    """
    rng = np.random.default_rng([seed, 2])
    features = stenosis.sample(rng, stenosis_class)
    with console_for(variation, seed, 0):
        duplex = draw_duplex(features, rng)
    label = features.vessel.label
    study = Study(
        _duplex_clips(duplex), name=f"simulated carotid Doppler {seed}", anatomy=Anatomy.VESSEL
    )
    in_b_mode = case_facts(
        Case(seed, Anatomy.VESSEL, label, features.vessel, study, (duplex.image,))
    )
    # A closed artery has no surface that would part plaque from lumen.
    seen = [fact for fact in in_b_mode if features.has_flow or fact.lesion is None]
    flow: dict[str, Value] = {"stenosis": features.assessed().stenosis}
    if features.has_flow:
        flow["psv_cm_per_s"] = features.psv_cm_per_s
        flow["edv_cm_per_s"] = features.edv_cm_per_s
    return SimulatedStudy(
        seed=seed,
        anatomy=Anatomy.VESSEL,
        label=label,
        features=features,
        study=study,
        truth=duplex,
        _facts=(*seen, *_stated(study, flow)),
        _measurements=stenosis.measurements(features),
    )


def make_nodule_doppler(
    seed: int, label: str | None = None, variation: Variation = Variation.NARROW
) -> SimulatedStudy:
    """Simulate a colour Doppler picture of a breast or thyroid nodule with known vascularity.

    Args:
        seed: any non-negative integer; equal seeds (and labels) give bit-equal studies.
        label: one of ``vascularity.LABELS``; drawn evenly where None.
        variation: how widely the scanner's settings vary; features and texts do not depend on it.

    Returns:
        The study, with one clip ``colour``.

    Raises:
        ValueError: for a label without a nodule.
    """
    rng = np.random.default_rng([seed, 3])
    features = vascularity.sample(rng, label)
    with console_for(variation, seed, 0):
        image, colour = vascularity.draw(features, rng)
    label = features.nodule.label
    anatomy = Anatomy(label.split("-")[0])
    study = Study(
        (_colour_clip(colour, image),), name=f"simulated nodule Doppler {seed}", anatomy=anatomy
    )
    vessels: dict[str, Value] = {"vascularity": features.vascularity}
    lesions = range(1, features.count + 1)
    return SimulatedStudy(
        seed=seed,
        anatomy=anatomy,
        label=label,
        features=features,
        study=study,
        truth=colour,
        _facts=(
            *case_facts(Case(seed, anatomy, label, features.nodule, study, (image,))),
            *(fact for lesion in lesions for fact in _stated(study, vessels, lesion)),
        ),
        _measurements=features.module.measurements(features.nodule),
    )


def _stated(study: Study, values: dict[str, Value], lesion: int | None = None) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            name=name,
            value=value,
            lesion=lesion,
            origin=Origin.SIMULATED,
            source=f"{study.name}: sampled features",
        )
        for name, value in values.items()
    )


def _duplex_clips(duplex: Duplex) -> tuple[Clip, Clip]:
    """Wrap the colour picture and the duplex picture with their regions."""
    colour = _colour_clip(duplex.colour, duplex.image)
    spectrum = Region(
        Mode.SPECTRAL_DOPPLER,
        duplex.spectrum_region,
        None,
        "a spectrum has time and velocity, not length",
    )
    return colour, dataclasses.replace(
        colour,
        frames=duplex.pixels[None],
        name="spectrum",
        mode=Mode.SPECTRAL_DOPPLER,
        regions=(spectrum, *colour.regions),
    )


def _colour_clip(colour: ColourImage, image: BModeImage) -> Clip:
    """Wrap a colour picture as a still: colour box, B-mode picture and colour bar."""
    spacing = (image.spacing_mm, image.spacing_mm)
    return Clip(
        frames=colour.pixels[None],
        name="colour",
        mode=Mode.COLOUR_DOPPLER,
        regions=(
            Region(Mode.COLOUR_DOPPLER, colour.region, spacing),
            _b_mode(image.pixels.shape, image.spacing_mm),
            Region(Mode.GRAPHICS, colour.bar, None, "a colour bar has no spacing"),
        ),
        pixel_spacing_mm=spacing,
        calibration_note="",
    )


def _b_mode(shape: tuple[int, ...], spacing_mm: float) -> Region:
    height, width = shape
    return Region(Mode.B_MODE, (0, 0, width, height), (spacing_mm, spacing_mm))
