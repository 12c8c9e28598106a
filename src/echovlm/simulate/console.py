"""Where a user's settings reach the scanner: between the tissue that is drawn and its image.

Anatomies choose settings that suit them and draw for these. A console changes them when the tissue
is there, so that no anatomy knows of it; without one nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from echovlm.simulate.bmode import Envelope, Scan
    from echovlm.simulate.places import Place


class Console(Protocol):
    """What a user changes, see ``scanner.py``."""

    def scan(self, scan: Scan, places: tuple[Place, ...], still: bool) -> Scan:
        """Return other settings; of a cine loop (not ``still``) the geometry must stay."""
        ...

    def grey(self, level_db: np.ndarray, echo: Envelope, scan: Scan) -> np.ndarray:
        """Return grey values 0 to 255 for levels in dB against white, (ranges, beams) float32."""
        ...

    def height_px(self, height_px: int) -> int:
        """Return the rows of the image."""
        ...


_CONSOLE: ContextVar[Console | None] = ContextVar("console", default=None)


def current_console() -> Console | None:
    """Return the console of the enclosing ``at_console``, None outside."""
    return _CONSOLE.get()


@contextmanager
def at_console(console: Console) -> Iterator[None]:
    """Scan every image inside the ``with`` block as it is set at a console."""
    token = _CONSOLE.set(console)
    try:
        yield
    finally:
        _CONSOLE.reset(token)
