"""Evaluations repeated with something taken away from the pictures.

    image dependence = score with pictures - score with changed pictures, on the same cases

A system that scores the same without its pictures does not look at them. What a change takes away
tells what a score lives on: the words of the question alone (no picture), that there is a picture
(blank), its outline (noise), the organ (another patient's picture of it), anything of the case
(another organ's), or callipers that show where somebody found something.

Pictures are exchanged by a seeded derangement of the cases, so that every picture is shown as often
as before; where one patient or anatomy holds more than half of the cases there is none, and donors
are drawn. Source of the idea: Goyal et al. 2017 (VQA v2), blind and language-only baselines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from echovlm.data.descriptors.lesion import to_grey
from echovlm.data.descriptors.tissue import find_tissue
from echovlm.errors import OptionError
from echovlm.study import Clip, Study


class Perturbation(StrEnum):
    """What is done to the pictures of a case."""

    BLANK = "blank"
    NOISE = "noise"
    PATIENT_SHUFFLED = "patient-shuffled"
    OTHER_ORGAN = "other-organ"
    CALIPER_REMOVED = "caliper-removed"
    TEXT_ONLY = "text-only"

    @property
    def takes_away(self) -> str:
        """What a system can no longer see."""
        return _TAKEN[self]


_TAKEN = {
    Perturbation.BLANK: "everything but number, size and mean grey of the pictures",
    Perturbation.NOISE: "everything but the outline of the insonified area and what lies beside it",
    Perturbation.PATIENT_SHUFFLED: "everything but what all patients show of this anatomy",
    Perturbation.OTHER_ORGAN: "everything but that it is an ultrasound picture",
    Perturbation.CALIPER_REMOVED: "callipers, burned-in texts, scales and body marks",
    Perturbation.TEXT_ONLY: "the pictures",
}

_EXCHANGED = (Perturbation.PATIENT_SHUFFLED, Perturbation.OTHER_ORGAN)


def noisy(study: Study, seed: int) -> Study:
    """The same study with even noise, 0 to 255, in place of every insonified area.

    Args:
        study: whatever is insonified in any frame of a clip is replaced in all of its frames; where
            nothing is told apart from black, the whole frame is.
        seed: equal seeds give equal noise.
    """
    rng = np.random.default_rng(seed)
    return dataclasses.replace(study, clips=tuple(_noisy(clip, rng) for clip in study.clips))


def _noisy(clip: Clip, rng: np.random.Generator) -> Clip:
    frames = clip.frames.copy()
    tissue = find_tissue(to_grey(frames.max(axis=0)))
    if not tissue.any():
        tissue[:] = True
    grey = rng.integers(0, 256, (len(frames), int(tissue.sum()), 1), dtype=np.uint8)
    frames[:, tissue] = grey
    return dataclasses.replace(clip, frames=frames)


def exchanged(
    patients: Sequence[str], anatomies: Sequence[str], kind: Perturbation, seed: int = 0
) -> list[int]:
    """Whose pictures each case gets.

    Args:
        patients: patient of each case.
        anatomies: anatomy of each.
        kind: ``PATIENT_SHUFFLED`` for another patient of the same anatomy, ``OTHER_ORGAN`` for a
            case of another anatomy.
        seed: of the exchange.

    Returns:
        Place of the donor of each case.

    Raises:
        OptionError: when there is no such donor for some case.
        ValueError: for another kind, or lists of different lengths.
    """
    if kind not in _EXCHANGED:
        raise ValueError(f"'{kind}' exchanges no pictures")
    pairs = list(zip(patients, anatomies, strict=True))
    if not pairs:
        raise OptionError(f"There are no cases, so nothing can be {kind}.")
    rng = np.random.default_rng(seed)
    if kind is Perturbation.OTHER_ORGAN:
        if len(set(anatomies)) < 2:
            raise OptionError(
                f"Pictures of another organ need cases of two anatomies; all are {anatomies[0]}."
            )
        donors = _deranged(list(range(len(pairs))), anatomies, rng)
    else:
        donors = {}
        for anatomy in dict.fromkeys(anatomies):
            places = [place for place, (_, one) in enumerate(pairs) if one == anatomy]
            if len({patients[place] for place in places}) < 2:
                raise OptionError(
                    f"Pictures of another patient need two patients of each anatomy; {anatomy} has "
                    "one."
                )
            donors |= _deranged(places, patients, rng)
    return [donors[place] for place in range(len(pairs))]


def _deranged(
    places: Sequence[int], groups: Sequence[str], rng: np.random.Generator
) -> dict[int, int]:
    """A donor of another group for each place.

    Places are laid out group by group and shifted by the size of the largest group; no group then
    meets itself, unless one holds more than half of all places.
    """
    shuffled = [places[number] for number in rng.permutation(len(places))]
    members: dict[str, list[int]] = {}
    for place in shuffled:
        members.setdefault(groups[place], []).append(place)
    order = [place for group in members.values() for place in group]
    largest = max(len(group) for group in members.values())
    if 2 * largest <= len(order):
        return dict(zip(order, order[largest:] + order[:largest], strict=True))
    others = {name: [place for place in order if groups[place] != name] for name in members}
    return {place: int(rng.choice(others[groups[place]])) for place in order}
