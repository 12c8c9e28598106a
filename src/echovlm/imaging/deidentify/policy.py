"""What de-identification is told, and what it tells: the policy, and the list of changes.

A change names the place and the action, never the old value, so a list of changes may be stored and
shown beside the clean instance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

SHORTEST_SALT_BYTES = 16


@dataclass(frozen=True)
class Policy:
    """How instances are de-identified.

    Attributes:
        salt: secret of the archive, at least 16 bytes. Equal salts give equal keys and UIDs; who
            knows it can test guesses of a patient identifier, so it stays with the archive.
        keep_measurements: keep text inside the picture that is nothing but a measurement.
        on_text: what becomes of text that is found inside the picture: ``mask`` fills it with black
            and goes on, ``quarantine`` fills it and also holds the instance back for a person.
    """

    salt: bytes = field(repr=False)
    keep_measurements: bool = False
    on_text: Literal["mask", "quarantine"] = "mask"

    def __post_init__(self) -> None:
        if len(self.salt) < SHORTEST_SALT_BYTES:
            raise ValueError(f"the salt needs at least {SHORTEST_SALT_BYTES} bytes")
        if self.on_text not in ("mask", "quarantine"):
            raise ValueError("on_text is either 'mask' or 'quarantine'")


@dataclass(frozen=True)
class Change:
    """One thing that was changed, without its old value.

    Attributes:
        kind: ``header``, ``pixels`` or ``text``.
        where: keyword path of an element, a box of the frame, or the kind of a text item.
        action: ``removed``, ``emptied``, ``replaced``, ``added``, ``blanked`` or ``masked``.
    """

    kind: str
    where: str
    action: str

    def as_json(self) -> dict[str, str]:
        """Give the change as plain strings."""
        return asdict(self)
