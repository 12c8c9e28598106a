"""A stored set: reading records, samples and pictures back, one at a time.

A small set is JSON Lines beside picture files. A large one is Parquet shards with one row per
study, which ``datasets`` loads as they are: the pictures' bytes and the samples of that study.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from echovlm.data.manifest import Manifest, read_manifest
from echovlm.data.record import Record, Rejected
from echovlm.data.sample import Sample
from echovlm.errors import DataError

Row = TypeVar("Row", bound=BaseModel)

SAMPLES = "samples.jsonl"
RECORDS = "records.jsonl"
REJECTED = "rejected.jsonl"
DIGESTS = "files.sha256"


@dataclass(frozen=True)
class StoredSet:
    """A finished set on disk.

    Attributes:
        folder: where it is.
    """

    folder: Path

    @cached_property
    def manifest(self) -> Manifest:
        """What the set is.

        Raises:
            DataError: when the folder is no finished set.
        """
        return read_manifest(self.folder)

    def records(self) -> Iterator[Record]:
        """The imported studies in order; none in a built set."""
        if self.manifest.kind == "records":
            yield from read_rows(self.folder / RECORDS, Record)

    def samples(self) -> Iterator[Sample]:
        """The samples in order; none in an imported set."""
        if self.manifest.kind != "samples":
            return
        if self.manifest.store == "jsonl":
            yield from read_rows(self.folder / SAMPLES, Sample)
            return
        for shard in self.shards():
            for study in read_studies(shard):
                yield from study.samples

    def rejected(self) -> Iterator[Rejected]:
        """What was left out, with the reason."""
        path = self.folder / REJECTED
        if path.exists():
            yield from read_rows(path, Rejected)

    def shards(self) -> list[Path]:
        """The Parquet files of a large set, in order."""
        return sorted((self.folder / "samples").glob("*.parquet"))

    def picture(self, path: str) -> bytes:
        """Bytes of a picture file of a JSON Lines set.

        Raises:
            DataError: when it is absent or lies outside the set.
        """
        return read_inside(self.folder, path)


def read_inside(folder: Path, path: str) -> bytes:
    """Read a file that must lie inside a folder.

    Raises:
        DataError: when it is absent, cannot be read, or the path leads out of the folder.
    """
    place = folder / path
    if not place.resolve().is_relative_to(folder.resolve()):
        raise DataError(place, "leads out of the set's folder", "Correct the path in the set")
    try:
        return place.read_bytes()
    except OSError:
        raise DataError(place, "is missing or cannot be read", "Write the set again") from None


def read_rows(path: Path, kind: type[Row]) -> Iterator[Row]:
    """Read a JSON Lines file row by row.

    Raises:
        DataError: naming the first line that is damaged.
    """
    try:
        with open(path, "rb") as stream:
            for number, line in enumerate(stream, start=1):
                yield parse_row(path, number, line, kind)
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", "Write the set again") from None


def parse_row(path: Path, number: int, line: bytes, kind: type[Row]) -> Row:
    """Read one line of a JSON Lines file.

    Raises:
        DataError: when it is damaged.
    """
    try:
        return kind.model_validate_json(line)
    except ValidationError:
        raise DataError(
            path, f"is damaged in line {number}", "Restore the file or write the set again"
        ) from None


# --- Parquet ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class StoredStudy:
    """One row of a Parquet shard.

    Attributes:
        samples: the conversations about the study.
        pictures: picture bytes by the path that the samples name.
    """

    samples: tuple[Sample, ...]
    pictures: dict[str, bytes]


def write_studies(path: Path, studies: Iterable[StoredStudy]) -> None:
    """Write one Parquet shard that ``datasets.load_dataset("parquet", ...)`` reads.

    Columns: ``study``, ``source``, ``split``, ``anatomy``, ``images`` (a list of the Image feature)
    and ``samples`` (JSON texts). Equal studies give equal bytes.
    """
    import datasets

    datasets.disable_progress_bars()
    features = datasets.Features(
        {
            "study": datasets.Value("string"),
            "source": datasets.Value("string"),
            "split": datasets.Value("string"),
            "anatomy": datasets.Value("string"),
            "images": datasets.List(datasets.Image(decode=False)),
            "samples": datasets.List(datasets.Value("string")),
        }
    )
    rows = [_row(study) for study in studies]
    columns = {name: [row[name] for row in rows] for name in features}
    table = datasets.Dataset.from_dict(columns, features=features)
    table.to_parquet(str(path))


def _row(study: StoredStudy) -> dict[str, Any]:
    first = study.samples[0]
    return {
        "study": first.study,
        "source": first.source,
        "split": first.split,
        "anatomy": first.anatomy,
        "images": [{"bytes": data, "path": path} for path, data in study.pictures.items()],
        "samples": [sample.model_dump_json() for sample in study.samples],
    }


def read_studies(path: Path) -> Iterator[StoredStudy]:
    """Read a Parquet shard study by study, a few at a time.

    Raises:
        DataError: when the shard is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=16, columns=["images", "samples"]):
                for row in batch.to_pylist():
                    yield StoredStudy(
                        samples=tuple(Sample.model_validate_json(text) for text in row["samples"]),
                        pictures={image["path"]: image["bytes"] for image in row["images"]},
                    )
    except (OSError, pyarrow.ArrowException, ValidationError, json.JSONDecodeError):
        raise DataError(path, "is a damaged shard", "Restore it or build the set again") from None
