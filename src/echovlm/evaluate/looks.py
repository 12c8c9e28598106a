"""How the pictures of items are seen: as they are, or with something taken away from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from echovlm.evaluate.blind import blanked
from echovlm.evaluate.gather import See
from echovlm.evaluate.items import Item, Items
from echovlm.evaluate.marks import without_marks
from echovlm.evaluate.perturb import Perturbation, exchanged, noisy
from echovlm.evaluate.systems import Asked
from echovlm.study import Study

_EXCHANGED = (Perturbation.PATIENT_SHUFFLED, Perturbation.OTHER_ORGAN)


@dataclass(frozen=True, eq=False)
class Looks:
    """The pictures of the items of one evaluation.

    Items about the same pictures share what is done to them, so every question about a study has
    the same noise, and the same stranger's pictures.

    Attributes:
        items: of the evaluation.
        seed: of noise and exchange.
    """

    items: Items
    seed: int

    def see(self, look: Perturbation | None) -> See:
        """What gives the pictures of an item.

        Args:
            look: what is taken away; None for nothing.

        Raises:
            OptionError: when pictures cannot be exchanged for want of patients or anatomies.
        """
        if look is None:
            return self.items.pictures
        if look is Perturbation.TEXT_ONLY:
            return lambda _: ()
        views = {_view(item): item for item in self.items.chosen}
        if look in _EXCHANGED:
            return self._exchanged(views, look)
        if look is Perturbation.NOISE:
            places = {view: place for place, view in enumerate(views)}
            return lambda item: self._changed(
                item, partial(noisy, seed=(self.seed, places[_view(item)]))
            )
        change = blanked if look is Perturbation.BLANK else without_marks
        return lambda item: self._changed(item, change)

    def _exchanged(self, views: dict[View, Item], look: Perturbation) -> See:
        members = list(views.values())
        donors = exchanged(
            [item.patient for item in members],
            [item.anatomy for item in members],
            look,
            self.seed,
        )
        shown = {view: members[donor] for view, donor in zip(views, donors, strict=True)}
        return lambda item: self.items.pictures(shown[_view(item)])

    def _changed(self, item: Item, change: Callable[[Study], Study]) -> Sequence[np.ndarray]:
        study = Asked(item, self.items.pictures(item)).study
        assert study is not None  # every item has a picture
        return [clip.frames[0] for clip in change(study).clips]


View = tuple[str, ...]


def _view(item: Item) -> View:
    """The pictures an item is about."""
    return (item.study, *item.images)
