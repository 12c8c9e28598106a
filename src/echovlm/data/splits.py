"""Who is for training, validation and test: by patient, seeded, stratified, stable as data grow.

A patient belongs to a *stratum* (anatomy and label). Within a stratum patients are taken in the
order of a seeded digest of their key, and each goes to the split that is furthest below its share.
Patients that were assigned before keep their split, so that added data never move a test patient
into training. Patients that share a near-duplicate picture are one *group* and stay together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from echovlm.data.sample import Split
from echovlm.errors import DataError, OptionError

Shares = Mapping[Split, float]

DEFAULT_SHARES: Shares = {Split.TRAIN: 0.8, Split.VALIDATION: 0.1, Split.TEST: 0.1}


def assign(
    strata: Mapping[str, str],
    seed: int,
    shares: Shares = DEFAULT_SHARES,
    previous: Mapping[str, Split] | None = None,
    groups: Iterable[Iterable[str]] = (),
) -> dict[str, Split]:
    """Assign patients to splits.

    Args:
        strata: patient key -> stratum.
        seed: decides the order within a stratum.
        shares: part of each split; they add up to 1.
        previous: splits that hold already; patients beyond ``strata`` are kept.
        groups: patients that must stay together.

    Returns:
        Split of every patient of ``strata`` and ``previous``.

    Raises:
        OptionError: for shares that do not add up to 1.
        DataError: when a group holds patients that were assigned to different splits before.
    """
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-6:
        raise OptionError("The shares of the splits must be 0 to 1 and add up to 1.")
    assigned = dict(previous or {})
    leader = _leaders(strata, groups)
    _spread(assigned, leader)
    counts: dict[str, dict[Split, int]] = {}
    for patient, stratum in strata.items():
        if patient in assigned:
            _count(counts, stratum, shares)[assigned[patient]] += 1
    waiting = sorted(
        (patient for patient in strata if patient not in assigned),
        key=lambda patient: _order(seed, patient),
    )
    members: dict[str, list[str]] = {}
    for patient in waiting:
        members.setdefault(leader[patient], []).append(patient)
    for together in members.values():
        split = _furthest_below(_count(counts, strata[together[0]], shares), shares)
        for patient in together:
            assigned[patient] = split
            _count(counts, strata[patient], shares)[split] += 1
    return assigned


def _leaders(strata: Mapping[str, str], groups: Iterable[Iterable[str]]) -> dict[str, str]:
    """The smallest key of each patient's group (union-find)."""
    parent = {patient: patient for patient in strata}

    def root(patient: str) -> str:
        while parent[patient] != patient:
            parent[patient] = parent[parent[patient]]
            patient = parent[patient]
        return patient

    for group in groups:
        roots = sorted({root(patient) for patient in group if patient in parent})
        for other in roots[1:]:
            parent[other] = roots[0]
    return {patient: root(patient) for patient in strata}


def _spread(assigned: dict[str, Split], leader: Mapping[str, str]) -> None:
    """Give a group's unassigned members the split that one of them has already."""
    split_of: dict[str, Split] = {}
    for patient, head in leader.items():
        if (
            patient in assigned
            and split_of.setdefault(head, assigned[patient]) is not assigned[patient]
        ):
            raise DataError(
                "splits",
                f"leak: '{patient}' shares a picture with a patient of another split",
                "Leave one of the two out, or start with new splits",
            )
    for patient, head in leader.items():
        if patient not in assigned and head in split_of:
            assigned[patient] = split_of[head]


def _count(counts: dict[str, dict[Split, int]], stratum: str, shares: Shares) -> dict[Split, int]:
    return counts.setdefault(stratum, dict.fromkeys(shares, 0))


def _furthest_below(count: Mapping[Split, int], shares: Shares) -> Split:
    total = sum(count.values()) + 1
    return max(shares, key=lambda split: (shares[split] * total - count[split], shares[split]))


def _order(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{seed}/{patient}".encode()).digest()
