"""What public data sets have in common: a root folder, terms of use, pictures beside their masks.

Whatever lies in the folders of a set is either an entry or told as left out.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echovlm.data.record import Rejected
from echovlm.data.sources.source import Draft, Entry, Reject
from echovlm.errors import DataError
from echovlm.facts import Fact, Origin

_STILLS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class PublicSet(ABC):
    """A published data set on disk.

    Attributes:
        root: its folder.
        name: as on the command line.
        title: what it is, for the list of sources.
        licence: terms of use as published.
        citation: who to cite.
    """

    root: Path
    name: str = ""
    title: str = ""
    licence: str = ""
    citation: str = ""

    def settings(self) -> dict[str, Any]:
        """Nothing but the files decides what is read."""
        return {}

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """List the studies in a fixed order; each set says how.

        Raises:
            DataError: where the folder is not laid out as this set is.
        """

    @abstractmethod
    def draft(self, entry: Entry) -> Draft:
        """Read one study; each set says how.

        Raises:
            Reject: where it cannot be used.
        """

    def find(self, *parts: str) -> Path:
        """A folder or file of the published layout, in the root or in one folder below it.

        Raises:
            DataError: when it is not there, or in several places.
        """
        relative = Path(*parts)
        if (self.root / relative).exists():
            return self.root / relative
        below = sorted(self.root.glob(f"*/{relative.as_posix()}")) if self.root.is_dir() else []
        if len(below) == 1:
            return below[0]
        raise DataError(
            self.root,
            f"is not laid out as {self.name}: '{relative.as_posix()}' was "
            f"{'found in several places' if below else 'not found'}",
            "Give the folder as it was published",
        )

    def holding(self, pattern: str) -> Path:
        """The folder that holds files of a pattern: the root, or one folder below it.

        Raises:
            DataError: when none does, or several do.
        """
        if any(self.root.glob(pattern)):
            return self.root
        below = sorted({path.parent for path in self.root.glob(f"*/{pattern}")})
        if len(below) == 1:
            return below[0]
        found = "lie in several folders" if below else "were not found"
        raise DataError(
            self.root,
            f"is not laid out as {self.name}: files named '{pattern}' {found}",
            "Give the folder as it was published",
        )

    def pairs(self, images: Path, masks: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
        """The pictures of a folder, each with its path and that of its mask from the root.

        A mask has the name of its picture, with any ending. Where there is none, the path is the
        one it should have, and the picture is refused when it is read.
        """
        drawn = {path.stem: path for path in stills(masks)}
        for path in stills(images):
            mask = drawn.get(path.stem, masks / path.name)
            yield path, (self.relative(path), self.relative(mask))

    def paired_entries(self, images: Path, masks: Path) -> Iterator[Entry]:
        """One entry for each picture of a folder and its mask, then what is left over in both."""
        used: list[str] = []
        for path, files in self.pairs(images, masks):
            used += files
            yield Entry(path.stem, files)
        yield from stray_entries(self.root, [images, masks], used)

    def relative(self, path: Path) -> str:
        """Path of a file of the set, from its root."""
        return path.relative_to(self.root).as_posix()

    def left_out(self, key: str, refusal: Reject) -> Rejected:
        """What to tell of a part of an entry that is left out."""
        return Rejected(
            source=self.name, key=key, reason=refusal.reason, quarantined=refusal.quarantined
        )


def stills(folder: Path) -> list[Path]:
    """The pictures of a folder, in the order of the numbers in their names."""
    paths = [path for path in folder.iterdir() if path.suffix.lower() in _STILLS]
    return sorted(paths, key=lambda path: (by_number(path.stem), path.name))


def by_number(name: str) -> list[tuple[str, int]]:
    """Key that sorts names as a reader would: "benign (2)" before "benign (10)"."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"(\D*)(\d*)", name)]


def stray_entries(
    root: Path, folders: Iterable[Path], used: Iterable[str], ignored: Sequence[str] = ()
) -> Iterator[Entry]:
    """Entries for files and folders that belong to none, so that they are told as left out.

    Args:
        root: folder of the set.
        folders: where pictures and masks lie; what lies beside these folders is passed over.
        used: files that entries name, relative to ``root``.
        ignored: endings of files that a set has by design beside its pictures.
    """
    expected = set(folders)
    known = set(used) | {path.relative_to(root).as_posix() for path in expected}
    for folder in sorted(expected):
        for path in sorted(folder.iterdir()):
            name = path.relative_to(root).as_posix()
            if name not in known and not name.endswith(tuple(ignored)):
                kind = "folder" if path.is_dir() else "file"
                reason = "it belongs to no picture of the published layout"
                yield Entry(f"{kind} {name}", values={"stray": reason})


def refuse_stray(entry: Entry) -> None:
    """Refuse an entry of :func:`stray_entries`.

    Raises:
        Reject: with its reason.
    """
    if "stray" in entry.values:
        raise Reject(entry.values["stray"])


def label(
    name: str, value: bool | int | float | str, source: str, lesion: int | None = None
) -> Fact:
    """A fact that a table or folder name of the set states."""
    return Fact(name=name, value=value, lesion=lesion, origin=Origin.LABEL, source=source)
