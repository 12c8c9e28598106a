"""Simulated cases as a source: pictures, facts, reports and answers whose truth was sampled first.

Labels are dealt evenly and seeds do not depend on them. About one patient in five comes twice, so
that splits by patient have something to keep together. Settings of the scanner
vary widely; half of the pictures carry callipers, scales or body marks, none carries a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from echovlm.data.record import AskedText, ReportText
from echovlm.data.sources.source import Draft, DraftPicture, Entry
from echovlm.errors import OptionError
from echovlm.facts import Fact, Origin
from echovlm.imaging.frames import key_frames
from echovlm.simulate.annotations import annotate
from echovlm.simulate.cases import LABELS, Case, make_case
from echovlm.simulate.facts import case_facts
from echovlm.simulate.overlays import draw_overlay
from echovlm.simulate.scanner import Variation
from echovlm.simulate.studies import (
    SimulatedStudy,
    make_carotid_doppler,
    make_heart_cine,
    make_nodule_doppler,
)
from echovlm.terms import Language

_STUDIES: dict[str, Callable[..., SimulatedStudy]] = {
    "heart-cine": make_heart_cine,
    "carotid-doppler": make_carotid_doppler,
    "nodule-doppler": make_nodule_doppler,
}
_SEEDS = 1 << 30  # seeds of the shipped network's cases lie far below
_SECOND_VISIT = 0.2  # part of the patients who come twice


@dataclass(frozen=True)
class Simulated:
    """Simulated cases, beating hearts and Doppler studies.

    Attributes:
        cases: how many studies.
        seed: equal seeds give equal sources.
        variation: how widely the scanner's settings vary.
        annotated: part of the stills with scales, callipers and body marks around them.
    """

    cases: int
    seed: int = 0
    variation: Variation = Variation.WIDE
    annotated: float = 0.5
    name: str = "simulated"
    licence: str = "Apache-2.0"
    citation: str = ""

    def __post_init__(self) -> None:
        if self.cases < 1:
            raise OptionError(f"{self.cases} is no number of cases; give 1 or more.")

    def settings(self) -> dict[str, Any]:
        """Everything that decides the result."""
        return {
            "cases": self.cases,
            "seed": self.seed,
            "variation": self.variation.value,
            "annotated": self.annotated,
        }

    def entries(self) -> Iterator[Entry]:
        """One entry per study; a patient's second visit follows the first."""
        rng = np.random.default_rng([self.seed, 0])
        kinds = (*sorted(LABELS), *_STUDIES)
        waiting: list[str] = []
        patient, has_returned = 0, True
        for number in range(1, self.cases + 1):
            waiting = waiting or [str(kind) for kind in rng.permutation(kinds)]
            returns = not has_returned and bool(rng.random() < _SECOND_VISIT)
            patient, has_returned = patient + (not returns), returns
            values = {
                "kind": waiting.pop(),
                "seed": _SEEDS + int(rng.integers(_SEEDS)),
                "patient": patient,
            }
            yield Entry(f"{number:06d}", values=values)

    def draft(self, entry: Entry) -> Draft:
        """Simulate one study."""
        kind, seed = entry.values["kind"], entry.values["seed"]
        if kind in _STUDIES:
            study = _STUDIES[kind](seed, variation=self.variation)
            return self._draft(entry, study, tuple(study.facts()), _frames_of(study))
        case = make_case(seed, kind, variation=self.variation)
        pictures = tuple(self._still(case, number) for number in range(len(case.images)))
        return self._draft(entry, case, case_facts(case), pictures)

    def _draft(
        self,
        entry: Entry,
        case: Case | SimulatedStudy,
        facts: tuple[Fact, ...],
        pictures: tuple[DraftPicture, ...],
    ) -> Draft:
        source = case.study.name
        return Draft(
            patient=f"{self.seed}-{entry.values['patient']:06d}",
            pictures=pictures,
            anatomy=case.anatomy,
            facts=facts,
            reports=tuple(
                ReportText(
                    language=language,
                    findings=case.findings(language),
                    impression=case.impression(language),
                    origin=Origin.SIMULATED,
                    source=source,
                )
                for language in Language
            ),
            asked=tuple(
                AskedText(
                    language=language,
                    topic=question.topic,
                    question=question.text,
                    answer=question.answer,
                    origin=Origin.SIMULATED,
                    source=source,
                )
                for language in Language
                for question in case.questions(language)
            ),
        )

    def _still(self, case: Case, number: int) -> DraftPicture:
        image = case.images[number]
        picture = DraftPicture(
            pixels=image.pixels,
            view=case.view,
            clip=number,
            pixel_spacing_mm=(image.spacing_mm, image.spacing_mm),
        )
        rng = np.random.default_rng([case.seed, number, 0xA110])
        if rng.random() >= self.annotated:
            return picture
        overlay = draw_overlay(image, case.anatomy, getattr(case.features, "side", ""), rng)
        frame = annotate(case.study.clips[number].frames[0], image.spacing_mm, overlay)
        return replace(picture, pixels=frame.pixels)


def _frames_of(study: SimulatedStudy) -> tuple[DraftPicture, ...]:
    """Return the key frames of each clip."""
    view = next((str(fact.value) for fact in study.facts() if fact.name == "view"), "")
    return tuple(
        DraftPicture(
            pixels=clip.frames[frame],
            mode=clip.mode,
            view=view,
            clip=number,
            frame=frame,
            frame_time_ms=clip.frame_time_ms,
            pixel_spacing_mm=clip.pixel_spacing_mm,
        )
        for number, clip in enumerate(study.study.clips)
        for frame in key_frames(clip)
    )
