"""What public data sets have in common: a root folder, terms of use, pictures with masks.

The published files are kept as they are where they can be (PNG and JPEG bytes), so that an import
loses nothing; masks become label pictures of the same size.
"""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from echovlm.data.descriptors import lesion_facts
from echovlm.data.sources.source import Draft, DraftPicture, Entry, Reject
from echovlm.errors import DataError, InputError
from echovlm.facts import Fact, Origin

_KEPT = ("PNG", "JPEG")
STILLS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


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

    def relative(self, path: Path) -> str:
        """Path of a file of the set, from its root."""
        return path.relative_to(self.root).as_posix()


def stray_entries(
    root: Path, folders: Iterable[Path], used: Iterable[str], ignored: Sequence[str] = ()
) -> Iterator[Entry]:
    """Entries for files that belong to none, so that they are told as left out.

    Args:
        root: folder of the set.
        folders: where pictures and masks lie.
        used: files that entries name, relative to ``root``.
        ignored: endings of files that a set has by design beside its pictures.
    """
    known = set(used)
    for folder in sorted(set(folders)):
        for path in sorted(folder.iterdir()):
            name = path.relative_to(root).as_posix()
            if path.is_file() and name not in known and not name.endswith(tuple(ignored)):
                reason = "it belongs to no picture of the published layout"
                yield Entry(f"file {name}", values={"stray": reason})


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


def read_pixels(path: Path) -> np.ndarray:
    """Pixels of a picture, ``(H, W, 3)`` uint8.

    Raises:
        Reject: when it is missing or damaged.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:
        raise Reject(f"its picture {path.name} is missing or damaged") from None


def picture(path: Path, mask: np.ndarray | None, **about: Any) -> DraftPicture:
    """A picture of the set with its bytes kept where they are PNG or JPEG.

    Raises:
        Reject: when it is missing or damaged, or the mask is of another size.
    """
    pixels = read_pixels(path)
    if mask is not None and mask.shape != pixels.shape[:2]:
        raise Reject(
            f"its mask is {mask.shape[1]} x {mask.shape[0]} pixels, "
            f"the picture {pixels.shape[1]} x {pixels.shape[0]}"
        )
    data = path.read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        kept = image.format in _KEPT
    if kept:
        return DraftPicture(encoded=data, mask=mask, **about)
    return DraftPicture(pixels=pixels, mask=mask, **about)


def read_mask(path: Path) -> np.ndarray:
    """A mask as ``(H, W)`` uint8; palette and grey values are kept, colours give 1.

    Raises:
        Reject: when it is missing or damaged.
    """
    try:
        with Image.open(path) as image:
            values = np.asarray(image if image.mode in ("1", "L", "P") else image.convert("L"))
    except Exception:
        raise Reject(f"its mask {path.name} is missing or damaged") from None
    return values.astype(np.uint8)


def lesion_mask(path: Path) -> np.ndarray:
    """A mask of one lesion: 1 inside, 0 outside.

    Raises:
        Reject: when it is missing, damaged or empty.
    """
    mask = (read_mask(path) > 0).astype(np.uint8)
    if not mask.any():
        raise Reject(f"its mask {path.name} is empty")
    return mask


def polygon_mask(points: Sequence[Sequence[float]], shape: tuple[int, int]) -> np.ndarray:
    """Fill a closed polygon.

    Args:
        points: ``(x, y)`` in pixels.
        shape: ``(rows, columns)`` of the mask.

    Raises:
        Reject: when it is no polygon inside the picture.
    """
    canvas = Image.new("L", (shape[1], shape[0]))
    try:
        corners = [(float(x), float(y)) for x, y in points]
        ImageDraw.Draw(canvas).polygon(corners, fill=1, outline=1)
    except (TypeError, ValueError):
        raise Reject("its outline is no list of points") from None
    mask = np.asarray(canvas)
    if not mask.any():
        raise Reject("its outline lies outside the picture")
    return mask


def polygon_file(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """Fill the polygon of a JSON file.

    Raises:
        Reject: when the file is missing or damaged.
    """
    try:
        points = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Reject(f"its outline {path.name} is missing or damaged") from None
    return polygon_mask(points, shape)


def mask_facts(
    pixels: np.ndarray,
    mask: np.ndarray,
    image: int = 0,
    pixel_spacing_mm: tuple[float, float] | None = None,
    first_lesion: int = 1,
) -> list[Fact]:
    """What the masks of one picture show of each lesion (values 1, 2, ... of the mask)."""
    found: list[Fact] = []
    for number, value in enumerate(np.unique(mask[mask > 0])):
        lesion = mask == value
        others = (mask > 0) & ~lesion
        try:
            found += lesion_facts(
                pixels,
                lesion,
                lesion=first_lesion + number,
                image_index=image,
                pixel_spacing_mm=pixel_spacing_mm,
                others=others if others.any() else None,
            )
        except InputError as error:
            raise Reject(f"its mask cannot be measured ({type(error).__name__})") from None
    return found
