"""Which studies an archive holds, decided before anything is drawn.

Everything follows from the seed of the archive and the number of the study, so that studies can be
written in any order by any number of processes.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import numpy as np

from echovlm.simulate import vascularity
from echovlm.simulate.cases import LABELS
from echovlm.simulate.people import Person, draw_hospital, draw_person
from echovlm.terms import Anatomy, Language

_FIRST_DAY = date(2021, 1, 4)
_DAYS = 1400
_FEMALE = (Anatomy.BREAST, Anatomy.GYNAECOLOGY)
_SECOND_VISIT = 0.18  # part of the studies that are a second visit


class Kind(StrEnum):
    """What a study is made of."""

    STILLS = "stills"
    CINE = "cine"
    DOPPLER = "doppler"


class Burned(StrEnum):
    """What is written on the frames."""

    NOTHING = "nothing"
    SETTINGS = "settings"
    MARGINS = "margins"
    INSIDE = "inside"


class Problem(StrEnum):
    """What is wrong with a study, as it happens in archives."""

    NONE = ""
    NO_REPORT = "no report"
    CORRUPT = "a corrupt file"
    DUPLICATE = "a duplicate instance"
    NO_ULTRASOUND = "an object that is no ultrasound"
    TWO_PATIENTS = "instances of two patients"


@dataclass(frozen=True)
class PlannedStudy:
    """One study of the archive.

    Attributes:
        number: from 1.
        seed: of the archive.
        label: key of the diagnosis.
        anatomy: region shown.
        kind: stills, cine loop or Doppler.
        person: the patient.
        doctors: referring, performing and reporting physician.
        hospital: where it was made.
        when: start of the study.
        accession: accession number.
        study_uid: StudyInstanceUID.
        character_set: SpecificCharacterSet of its instances.
        burned: what is written on its frames.
        is_grey: stored as MONOCHROME2, else RGB.
        side: side of a breast or carotid artery, which only the header tells; "" elsewhere.
        folder: of its files, below that of all studies.
        problem: what is wrong with it.
    """

    number: int
    seed: int
    label: str
    anatomy: Anatomy
    kind: Kind
    person: Person
    doctors: tuple[Person, Person, Person]
    hospital: str
    when: datetime
    accession: str
    study_uid: str
    character_set: str
    burned: Burned
    is_grey: bool
    side: str
    folder: str
    problem: Problem = Problem.NONE

    @property
    def language(self) -> Language:
        """Language of names and report."""
        return self.person.language

    def rng(self, purpose: int) -> np.random.Generator:
        """Return the generator of one purpose of this study."""
        return np.random.default_rng([self.seed, self.number, purpose])

    def uid(self, *parts: object) -> str:
        """Return a UID of its own for a part of this study (PS3.5 B.2, UUID derived)."""
        return uid_of(self.seed, self.number, *parts)


def uid_of(*parts: object) -> str:
    """Return the same UID for the same parts, under the root 2.25 of UUIDs."""
    digest = hashlib.sha256("/".join(map(str, ("echovlm simulated archive", *parts))).encode())
    return f"2.25.{int.from_bytes(digest.digest()[:15], 'big')}"


def plan(studies: int, seed: int) -> list[PlannedStudy]:
    """Plan an archive.

    Args:
        studies: how many; labels are dealt evenly.
        seed: equal seeds give equal plans.
    """
    rng = np.random.default_rng([seed, 0])
    labels = sorted(LABELS)
    dealt: list[str] = []
    while len(dealt) < studies:
        dealt += [str(label) for label in rng.permutation(labels)]
    planned: list[PlannedStudy] = []
    single: list[PlannedStudy] = []  # studies of patients who came once
    for number, label in enumerate(dealt[:studies], start=1):
        fitting = [s for s in single if s.person.sex == "F" or LABELS[label] not in _FEMALE]
        earlier = None
        if fitting and rng.random() < _SECOND_VISIT:
            earlier = fitting[int(rng.integers(len(fitting)))]
            single.remove(earlier)
        study = _study(number, seed, label, earlier)
        planned.append(study)
        if earlier is None:
            single.append(study)
    return _with_problems(planned, rng)


def _study(number: int, seed: int, label: str, earlier: PlannedStudy | None) -> PlannedStudy:
    rng = np.random.default_rng([seed, number, 1])
    anatomy = LABELS[label]
    language = Language.CHINESE if rng.random() < 0.65 else Language.ENGLISH
    day = _FIRST_DAY + timedelta(days=int(rng.integers(_DAYS)))
    if earlier is not None:
        language = earlier.language
        day = earlier.when.date() + timedelta(days=int(rng.integers(30, 400)))
    sex = "F" if anatomy in _FEMALE else None
    person = draw_person(rng, language, sex, day) if earlier is None else earlier.person
    second = int(rng.integers(8 * 3600, 17 * 3600))
    when = datetime(day.year, day.month, day.day) + timedelta(seconds=second)
    doctors = (draw_person(rng, language), draw_person(rng, language), draw_person(rng, language))
    kind = Kind.STILLS
    if anatomy is Anatomy.HEART and rng.random() < 0.4:
        kind = Kind.CINE
    doppler = {Anatomy.VESSEL: 0.4} | ({anatomy: 0.2} if label in vascularity.LABELS else {})
    if rng.random() < doppler.get(anatomy, 0.0):
        kind = Kind.DOPPLER
    chinese = language is Language.CHINESE
    character_set = "ISO_IR 192"
    if rng.random() < 0.25:
        character_set = "GB18030" if chinese else "ISO_IR 100"
    folder = f"ST{number:05d}"
    if rng.random() < 0.3:  # some archives name their folders after the patient
        folder = f"{'_'.join(person.roman).upper()}_{day:%Y%m%d}_{number:05d}"
    sided = anatomy in (Anatomy.BREAST, Anatomy.VESSEL)
    return PlannedStudy(
        number=number,
        seed=seed,
        label=label,
        anatomy=anatomy,
        kind=kind,
        person=person,
        doctors=doctors,
        hospital=earlier.hospital if earlier else draw_hospital(rng, language),
        when=when,
        accession=f"A{day:%y%m}{number:05d}{rng.integers(10, 100)}",
        study_uid=uid_of(seed, number, "study"),
        character_set=character_set,
        burned=Burned(str(rng.choice(list(Burned), p=[0.2, 0.2, 0.45, 0.15]))),
        is_grey=kind is not Kind.DOPPLER and bool(rng.random() < 0.25),
        side=str(rng.choice(["left", "right"])) if sided else "",
        folder=folder,
    )


def _with_problems(planned: list[PlannedStudy], rng: np.random.Generator) -> list[PlannedStudy]:
    """Give a few studies a problem each; an archive of less than eight studies has none."""
    if len(planned) < 8:
        return planned
    hundreds = max(1, round(len(planned) / 100))
    wanted = [
        *[Problem.NO_REPORT] * max(1, round(len(planned) / 40)),
        *[Problem.CORRUPT] * hundreds,
        *[Problem.DUPLICATE] * hundreds,
        *[Problem.NO_ULTRASOUND] * hundreds,
        Problem.TWO_PATIENTS,
    ]
    stills = [i for i, study in enumerate(planned) if study.kind is Kind.STILLS]
    chosen = rng.permutation(stills)[: len(wanted)]
    for index, problem in zip(chosen.tolist(), wanted, strict=False):
        planned[index] = dataclasses.replace(planned[index], problem=problem)
    return planned
