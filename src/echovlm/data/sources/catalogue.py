"""Every public data set that can be imported, by name."""

from __future__ import annotations

from pathlib import Path

from echovlm.data.sources.breast import BusBra, Busi, BusUc
from echovlm.data.sources.gynaecology import Hc18, Mmotu
from echovlm.data.sources.heart import Camus, MyHeart
from echovlm.data.sources.kidney import KidneyStoneUs
from echovlm.data.sources.liver import Aul
from echovlm.data.sources.public import PublicSet
from echovlm.data.sources.source import Source
from echovlm.data.sources.thyroid import Ddti, Tn3k
from echovlm.data.sources.vessel import Ccaus, Usgra
from echovlm.errors import DataError, OptionError

SOURCES: dict[str, type[PublicSet]] = {
    kind.name: kind
    for kind in (
        BusBra,
        Busi,
        BusUc,
        Ddti,
        Tn3k,
        Aul,
        KidneyStoneUs,
        Camus,
        MyHeart,
        Ccaus,
        Usgra,
        Hc18,
        Mmotu,
    )
}
"""The public sets by their names on the command line."""

_OTHERS = ("archive", "conversations", "messages")


def open_source(name: str, root: Path) -> Source:
    """Open a public data set.

    Args:
        name: its name, a key of ``SOURCES``.
        root: its folder.

    Raises:
        OptionError: for an unknown name.
        DataError: when the folder does not exist; what is missing in it shows when it is listed.
    """
    if name not in SOURCES:
        known = ", ".join((*SOURCES, *_OTHERS))
        raise OptionError(f"'{name}' is no known source; choose one of {known}.")
    if not root.is_dir():
        raise DataError(root, "does not exist or is no folder", "Give the folder of the set")
    return SOURCES[name](root)
