"""What an importer is: a list of entries, and a function from an entry to a draft of a record.

Listing is cheap and its order is fixed; drafting an entry depends on that entry alone, so that
entries can be dealt to any number of processes or machines. An entry gives one draft, or
:class:`Reject` with the reason; what is left out inside a draft stands in its ``rejected``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from echovlm.data.record import AskedText, Rejected, ReportText
from echovlm.facts import Fact
from echovlm.terms import Anatomy, Mode


class Reject(Exception):
    """An entry cannot be used.

    Args:
        reason: one sentence without patient data.
        quarantined: a person should look at it.
        audit: what was changed or found before it was given up, see :class:`Draft`.
    """

    def __init__(
        self, reason: str, quarantined: bool = False, audit: tuple[dict[str, Any], ...] = ()
    ) -> None:
        self.reason = reason
        self.quarantined = quarantined
        self.audit = audit
        super().__init__(reason)


@dataclass(frozen=True)
class Entry:
    """One study of a source, not read yet.

    Attributes:
        key: unique within the source, stable, fit for a file name after escaping, free of patient
            data.
        files: the files it needs, relative to the source's root.
        values: what the listing already knows of it, plain JSON values.
    """

    key: str
    files: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class DraftPicture:
    """A picture before it is written.

    Attributes:
        pixels: ``(H, W)`` or ``(H, W, 3)`` uint8, written losslessly as PNG; None where
            ``encoded`` is given.
        encoded: bytes of a PNG or JPEG file to keep as they are; None where ``pixels`` is given.
        mask: ``(H, W)`` uint8 of the same size, 0 outside, or None.
        mode: see :class:`echovlm.data.record.Picture`; so are the others.
    """

    pixels: np.ndarray | None = None
    encoded: bytes | None = None
    mask: np.ndarray | None = None
    mode: Mode = Mode.B_MODE
    view: str = ""
    clip: int = 0
    frame: int = 0
    frame_time_ms: float | None = None
    pixel_spacing_mm: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Draft:
    """A record before its pictures are written.

    Attributes:
        patient: the source's own patient number, or a salted digest; the source's name is put
            before it.
        pictures: at least one.
        anatomy: region shown.
        facts: what labels and masks state.
        reports: texts the source gives.
        asked: questions with answers the source gives.
        rejected: parts of the entry that were left out.
        audit: what was changed on the way in (de-identification), as JSON values free of patient
            data; one line each in ``audit.jsonl``.
        attachments: further files to keep beside the pictures, name to bytes (a de-identified
            DICOM instance).
    """

    patient: str
    pictures: tuple[DraftPicture, ...]
    anatomy: Anatomy | None = None
    facts: tuple[Fact, ...] = ()
    reports: tuple[ReportText, ...] = ()
    asked: tuple[AskedText, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    audit: tuple[dict[str, Any], ...] = ()
    attachments: dict[str, bytes] = field(default_factory=dict)


class Source(Protocol):
    """A data set on disk; instances can be pickled and hold the root folder and every option.

    Attributes:
        name: short name, as on the command line ("bus-bra").
        licence: terms of use.
        citation: who to cite.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def licence(self) -> str: ...  # noqa: D102

    @property
    def citation(self) -> str: ...  # noqa: D102

    def entries(self) -> Iterator[Entry]:
        """List the studies in a fixed order.

        Raises:
            DataError: where the folder is not laid out as this source is.
        """
        ...

    def draft(self, entry: Entry) -> Draft:
        """Read one study.

        Raises:
            Reject: where it cannot be used.
        """
        ...

    def settings(self) -> dict[str, Any]:
        """What decides the result besides the files, for the manifest; never a secret."""
        ...
