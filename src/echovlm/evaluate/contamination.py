"""Has the system seen the test? Pictures of an evaluation sought among those of training sets.

Pictures are known again by :mod:`echovlm.evaluate.same_picture`, though cropped, brightened, scaled
or compressed; patients by their keys. Training pictures whose files are missing are compared by the
hash in their record, which tells fewer crops and mistakes what is merely built alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.manifest import MANIFEST
from echovlm.data.quality import pictures
from echovlm.data.quality.duplicates import HASH_BITS, NEAR_BITS
from echovlm.data.sample import Split
from echovlm.data.store import StoredSet, read_inside, read_studies
from echovlm.errors import DataError
from echovlm.evaluate.same_picture import SAME_DETAIL, Seen, agreement, distances, recorded, seen

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
_ROWS = 256  # pictures compared at a time: 20 MB of distances


@dataclass(frozen=True)
class NearPair:
    """An evaluated picture and a training picture that are nearly the same.

    Attributes:
        case: study of the evaluation, or the file's path within a folder of pictures.
        picture: path of its picture.
        training: folder of the training set.
        training_case: study there.
        training_picture: path of its picture.
        bits: how many of 256 differ between a view of one and the whole of the other.
        detail: correlation of their detail, None where the training picture is missing.
    """

    case: str
    picture: str
    training: str
    training_case: str
    training_picture: str
    bits: int
    detail: float | None


@dataclass(frozen=True)
class Contamination:
    """What an evaluation shares with training.

    Attributes:
        pairs: nearly equal pictures, nearest first.
        cases: number of evaluated studies.
        touched: those with a near pair, in order.
        patients: number of evaluated patients; 0 for a folder of pictures, which names none.
        shared_patients: those that training has too, in order.
        trained: number of training pictures looked at.
        unseen: how many of them only by the hash in their record, for lack of the picture.
    """

    pairs: tuple[NearPair, ...]
    cases: int
    touched: tuple[str, ...]
    patients: int
    shared_patients: tuple[str, ...]
    trained: int
    unseen: int

    @property
    def share(self) -> float:
        """Share of evaluated cases with a near pair, 0 to 1."""
        return len(self.touched) / self.cases

    @property
    def is_clean(self) -> bool:
        """True where neither a picture nor a patient is shared."""
        return not self.pairs and not self.shared_patients

    @property
    def sentence(self) -> str:
        """What a report says of it."""
        looked = f"{self.cases} evaluated cases against {self.trained} training pictures"
        if self.unseen:
            looked += f" ({self.unseen} by recorded hash alone)"
        if self.is_clean:
            return f"No contamination found: {looked}, no near duplicate, no shared patient."
        nearest = f", the nearest at {self.pairs[0].bits} of {HASH_BITS} bits" if self.pairs else ""
        return (
            f"Contamination: {looked}; {len(self.touched)} cases ({100 * self.share:.1f} %) have a "
            f"near duplicate{nearest}; {len(self.shared_patients)} of {self.patients} patients are "
            "in training too."
        )


@dataclass(frozen=True, eq=False)
class _Picture:
    case: str
    patient: str
    path: str
    seen: Seen


def contamination(
    evaluated: Path, training: Sequence[Path], split: Split | None = Split.TEST
) -> Contamination:
    """Look for pictures and patients of an evaluation among those of training.

    Args:
        evaluated: an imported or built set, or a folder of pictures, looked through with all its
            subfolders.
        training: imported or built sets; of a built set the training split counts.
        split: of a built ``evaluated`` set; all of it where None.

    Raises:
        DataError: when a set cannot be read, a picture is damaged, or there is nothing to compare.
    """
    own = list(_pictures(evaluated, split))
    if not own:
        raise DataError(evaluated, "holds no picture to look for", "Name another set or split")
    found: list[NearPair] = []
    known: set[str] = set()
    trained = unseen = 0
    for folder in training:
        for chunk in _chunks(_pictures(folder, Split.TRAIN)):
            trained += len(chunk)
            unseen += sum(picture.seen.small is None for picture in chunk)
            known |= {picture.patient for picture in chunk}
            found += _near(own, chunk, str(folder))
    if not trained:
        raise DataError(
            training[0] if training else "training", "holds no training picture", "Name another set"
        )
    found.sort(key=lambda pair: (pair.bits, pair.case, pair.training_case))
    patients = {picture.patient for picture in own if picture.patient}
    return Contamination(
        pairs=tuple(found),
        cases=len({picture.case for picture in own}),
        touched=tuple(sorted({pair.case for pair in found})),
        patients=len(patients),
        shared_patients=tuple(sorted(patients & known)),
        trained=trained,
        unseen=unseen,
    )


def _near(own: Sequence[_Picture], chunk: Sequence[_Picture], folder: str) -> Iterator[NearPair]:
    for start in range(0, len(own), _ROWS):
        block = own[start : start + _ROWS]
        away = distances([one.seen for one in block], [one.seen for one in chunk])
        for row, column in np.argwhere(away <= NEAR_BITS):
            one, other = block[row], chunk[column]
            detail = agreement(one.seen, other.seen)
            if detail is None or detail >= SAME_DETAIL:
                bits = int(away[row, column])
                yield NearPair(one.case, one.path, folder, other.case, other.path, bits, detail)


def _chunks(found: Iterator[_Picture]) -> Iterator[list[_Picture]]:
    chunk: list[_Picture] = []
    for picture in found:
        chunk.append(picture)
        if len(chunk) == _ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _pictures(folder: Path, split: Split | None) -> Iterator[_Picture]:
    """Every picture of a set or folder once."""
    if not (folder / MANIFEST).is_file():
        yield from _files(folder)
        return
    stored = StoredSet(folder)
    if stored.manifest.kind == "records":
        for record in stored.records():
            for picture in record.pictures:
                if (folder / picture.path).is_file():
                    data = stored.picture(picture.path)
                    yield _looked_at(folder, picture.path, data, record.id, record.patient_key)
                else:
                    known = recorded(picture.perceptual_hash)
                    yield _Picture(record.id, record.patient_key, picture.path, known)
    elif stored.manifest.store == "jsonl":
        yield from _of_samples(stored, split)
    else:
        yield from _of_shards(stored, split)


def _files(folder: Path) -> Iterator[_Picture]:
    if not folder.is_dir():
        raise DataError(
            folder, "does not exist or is no folder", "Name a set or a folder of pictures"
        )
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            name = path.relative_to(folder).as_posix()
            yield _looked_at(folder, name, path.read_bytes(), name, "")


def _of_samples(stored: StoredSet, split: Split | None) -> Iterator[_Picture]:
    done: set[str] = set()
    for sample in stored.samples():
        if split is None or sample.split is split:
            for path in sample.images:
                if path not in done:
                    done.add(path)
                    data = read_inside(stored.folder, path)
                    yield _looked_at(stored.folder, path, data, sample.study, sample.patient_key)


def _of_shards(stored: StoredSet, split: Split | None) -> Iterator[_Picture]:
    for shard in stored.shards():
        for study in read_studies(shard):
            first = study.samples[0]
            if split is None or first.split is split:
                for path, data in study.pictures.items():
                    yield _looked_at(stored.folder, path, data, first.study, first.patient_key)


def _looked_at(folder: Path, path: str, data: bytes, case: str, patient: str) -> _Picture:
    pixels = pictures.decode(data)
    if pixels is None:
        raise DataError(folder / path, "is no picture or damaged", "Remove or restore it")
    return _Picture(case, patient, path, seen(pixels))
