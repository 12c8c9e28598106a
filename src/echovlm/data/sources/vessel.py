"""Vessels: CCAUS (common carotid artery) and USGRA (vessels and nerves in regional anaesthesia)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from echovlm.data.sources.pictures import lesion_mask, picture, read_mask
from echovlm.data.sources.public import PublicSet, label, refuse_stray
from echovlm.data.sources.source import Draft, Entry, Reject
from echovlm.terms import Anatomy


@dataclass(frozen=True)
class Ccaus(PublicSet):
    """CCAUS: pictures of the common carotid artery with lumen masks (Mendeley d4xt63mgjm).

    The part of a name before ``VAS`` is the acquisition and stands for the patient; both sides of a
    person may be two acquisitions. No calibration, so no diameter. Layout: ``US images/NAME.png``,
    ``Expert mask images/NAME.png`` (seen; the whole set has 1100 pictures of 11 people).
    """

    name: str = "ccaus"
    title: str = "CCAUS: common carotid artery, lumen masks"
    licence: str = "CC-BY-4.0"
    citation: str = "Momot, Mendeley Data 2022, 10.17632/d4xt63mgjm.1"

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        return self.paired_entries(self.find("US images"), self.find("Expert mask images"))

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        path, mask = self.root / entry.files[0], lesion_mask(self.root / entry.files[1])
        facts = (
            label("anatomy", "vessel", "CCAUS"),
            label("structure", "lumen", "Expert mask images"),
        )
        acquisition = entry.key.partition("VAS")[0]
        return Draft(acquisition, (picture(path, mask),), Anatomy.VESSEL, facts)


_STRUCTURES = {1: "nerve", 2: "vessel"}


@dataclass(frozen=True)
class Usgra(PublicSet):
    """USGRA: vessels and nerves as seen for regional anaesthesia.

    The published masks carry values 1 and 2 without a legend; 1 is taken for nerve and 2 for
    vessel, from the look of the pictures and the order in which the publisher names them, and every
    such fact says so. The set names no volunteers, of whom there are few. Layout:
    ``images/NNNN.png``, ``masks/NNNN.png`` (seen; the whole set has 244 pictures).
    """

    name: str = "usgra"
    title: str = "USGRA: nerves and vessels for regional anaesthesia, masks"
    licence: str = "CC-BY-4.0"
    citation: str = "usgra-seg: Ultrasound-Guided Regional Anaesthesia segmentation, GitHub 2025"

    def entries(self) -> Iterator[Entry]:
        """One entry per picture."""
        return self.paired_entries(self.find("images"), self.find("masks"))

    def draft(self, entry: Entry) -> Draft:
        """Read one picture."""
        refuse_stray(entry)
        path, mask = self.root / entry.files[0], read_mask(self.root / entry.files[1])
        values = [int(value) for value in np.unique(mask[mask > 0])]
        unknown = [value for value in values if value not in _STRUCTURES]
        if unknown:
            raise Reject(f"its mask holds the value {unknown[0]}, which has no known meaning")
        facts = [label("anatomy", "vessel", "USGRA")]
        for value in values:
            source = f"mask value {value}, meaning inferred"
            facts.append(label("structure", _STRUCTURES[value], source))
        return Draft(entry.key, (picture(path, mask),), Anatomy.VESSEL, tuple(facts))
