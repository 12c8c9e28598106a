"""Pictures that come twice: the same bytes, or nearly the same picture.

Same bytes are told by SHA-256. Nearly the same are pictures whose perceptual hashes of 256 bits
(signs of low frequencies of the cosine transform, Zauner 2010; the library ImageHash) differ in at
most ``NEAR_BITS``. Unrelated pictures differ in 128 on average; among 1,034 pictures of four public
sets all pairs of up to 40 bits show the same patient in the same plane, and unrelated ones of one
scanner preset begin near 58. A difference hash is no use here: black margins are equal everywhere.
The exception are apical four-chamber views, whose black chambers lie alike in every heart: among
19,243 simulated pictures, 12,276 of the 12,290 pairs that join different patients were such views.

Up to 20,000 pictures every pair is compared. Beyond that, candidates are pairs that agree in all of
24 drawn bits, for any of 256 draws: a pair of 40 bits is found with probability 0.99, nearer pairs
more surely.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from echovlm.data.record import Record

HASH_BITS = 256
NEAR_BITS = 40
_SIDE = 16
_COMPARE_ALL = 20_000
_DRAWS, _DRAWN_BITS = 256, 24
_ROWS = 400  # rows compared with all others at a time: 32 MB at 20,000 pictures


def perceptual_hash(pixels: np.ndarray) -> str:
    """Perceptual hash of 256 bits, hexadecimal.

    Args:
        pixels: ``(H, W)`` or ``(H, W, 3)`` uint8.
    """
    import imagehash

    return str(imagehash.phash(Image.fromarray(pixels), hash_size=_SIDE))


def near_pairs(hashes: bytes, compare_all: int = _COMPARE_ALL) -> list[tuple[int, int, int]]:
    """Find pairs of nearly equal pictures.

    Args:
        hashes: perceptual hashes of 32 bytes each, one after the other.
        compare_all: most pictures of which every pair is compared.

    Returns:
        ``(first index, second index, differing bits)``, ordered by the indices.
    """
    bits = np.unpackbits(np.frombuffer(hashes, np.uint8)).reshape(-1, HASH_BITS)
    if len(bits) < 2:
        return []
    return sorted(_all_pairs(bits) if len(bits) <= compare_all else _drawn_pairs(bits))


def _all_pairs(bits: np.ndarray) -> Iterator[tuple[int, int, int]]:
    signs = bits.astype(np.float32) * 2 - 1
    for start in range(0, len(signs), _ROWS):
        agree = signs[start : start + _ROWS] @ signs[start:].T  # agreeing less differing bits
        rows, columns = np.nonzero(agree >= HASH_BITS - 2 * NEAR_BITS)
        for row, column in zip(rows[columns > rows], columns[columns > rows], strict=True):
            away = int(HASH_BITS - agree[row, column]) // 2
            yield int(start + row), int(start + column), away


def _drawn_pairs(bits: np.ndarray) -> set[tuple[int, int, int]]:
    rng = np.random.default_rng(HASH_BITS)
    weights = (1 << np.arange(_DRAWN_BITS)).astype(np.int64)
    found: set[tuple[int, int, int]] = set()
    for _ in range(_DRAWS):
        keys = bits[:, rng.choice(HASH_BITS, _DRAWN_BITS, replace=False)] @ weights
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        # Members of a run of equal keys are compared with the next one, the one after that, ...
        gap = 1
        while gap < len(order):
            at = np.flatnonzero(ranked[gap:] == ranked[:-gap])
            if at.size == 0:
                break
            first, second = order[at], order[at + gap]
            away = (bits[first] != bits[second]).sum(axis=1)
            near = away <= NEAR_BITS
            low, high = np.minimum(first, second)[near], np.maximum(first, second)[near]
            found.update(zip(low.tolist(), high.tolist(), away[near].tolist(), strict=True))
            gap += 1
    return found


class Pictures:
    """Every picture seen so far in one pass over all records.

    A picture takes about 150 bytes here, so that a set of millions fits into memory.
    """

    def __init__(self) -> None:
        self._records: list[tuple[str, str]] = []  # id and patient
        self._first: dict[bytes, int] = {}  # half a digest -> number of its first record
        self._hashes = bytearray()
        self._record_of: list[int] = []  # number of the record of each hash
        self._groups: list[set[str]] = []

    def add(self, record: Record) -> str:
        """Take in the pictures of one record.

        Returns:
            Why the record is left out: all its pictures came before; else "".
        """
        number = len(self._records)
        self._records.append((record.id, record.patient_key))
        earlier = []
        for picture in record.pictures:
            first = self._first.setdefault(bytes.fromhex(picture.sha256)[:16], number)
            earlier.append(first)
            if self._records[first][1] != record.patient_key:
                self._groups.append({self._records[first][1], record.patient_key})
            self._hashes += bytes.fromhex(picture.perceptual_hash)
            self._record_of.append(number)
        if number in earlier:
            return ""
        return f"its pictures are those of {self._records[min(earlier)][0]}"

    def patient_groups(self) -> list[set[str]]:
        """Patients that share an equal or nearly equal picture."""
        patients = [self._records[number][1] for number in self._record_of]
        near = [
            {patients[first], patients[second]}
            for first, second, _ in near_pairs(bytes(self._hashes))
        ]
        return self._groups + [pair for pair in near if len(pair) == 2]
