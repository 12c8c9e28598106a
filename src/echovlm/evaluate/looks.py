"""How the pictures of items are seen: as they are, or with something taken away from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from echovlm.evaluate.blind import blanked
from echovlm.evaluate.book import Shown
from echovlm.evaluate.gather import See
from echovlm.evaluate.items import Item, Items, View
from echovlm.evaluate.marks import without_marks
from echovlm.evaluate.perturb import Perturbation, exchanged, noisy
from echovlm.evaluate.systems import Asked
from echovlm.study import Study

_EXCHANGED = (Perturbation.PATIENT_SHUFFLED, Perturbation.OTHER_ORGAN)


@dataclass(frozen=True, eq=False)
class Look:
    """One way of seeing the pictures of items.

    Attributes:
        see: gives the pictures of an item; items of one view have the same.
        shown: what they depend on besides the item: the donor's view, the seed of the noise; ""
            where nothing.
    """

    see: See
    shown: Shown = lambda item: ""


@dataclass(frozen=True, eq=False)
class Looks:
    """The pictures of the items of one evaluation.

    Items about the same pictures share what is done to them, so every question about a study has
    the same noise, and the same stranger's pictures. Noise depends on nothing but the seed and the
    view; whose pictures are shown depends on all items of the evaluation.

    Attributes:
        items: of the evaluation.
        seed: of noise and exchange, at least 0.
    """

    items: Items
    seed: int

    def look(self, kind: Perturbation | None) -> Look:
        """One way of seeing the items.

        Args:
            kind: what is taken away; None for nothing.

        Raises:
            OptionError: when pictures cannot be exchanged for want of patients or anatomies.
        """
        if kind is None:
            return Look(self.items.pictures)
        if kind is Perturbation.TEXT_ONLY:
            return Look(lambda item: ())
        if kind in _EXCHANGED:
            return self._exchanged(kind)
        if kind is Perturbation.NOISE:
            return Look(self._noisy, lambda item: f"seed {self.seed}")
        change = blanked if kind is Perturbation.BLANK else without_marks
        return Look(lambda item: self._changed(item, change))

    def _exchanged(self, kind: Perturbation) -> Look:
        views = {item.view: item for item in self.items.chosen}
        members = list(views.values())
        donors = exchanged(
            [item.patient for item in members],
            [item.anatomy for item in members],
            kind,
            self.seed,
        )
        donor_of: Mapping[View, Item] = {
            view: members[donor] for view, donor in zip(views, donors, strict=True)
        }
        return Look(
            lambda item: self.items.pictures(donor_of[item.view]),
            lambda item: "\0".join(donor_of[item.view].view),
        )

    def _noisy(self, item: Item) -> Sequence[np.ndarray]:
        text = "\0".join((str(self.seed), *item.view))
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        return self._changed(item, partial(noisy, seed=seed))

    def _changed(self, item: Item, change: Callable[[Study], Study]) -> Sequence[np.ndarray]:
        study = Asked(item, self.items.pictures(item)).study
        assert study is not None  # every item has a picture
        return [clip.frames[0] for clip in change(study).clips]
