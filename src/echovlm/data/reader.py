"""Reading samples for training: random access, one decoded example at a time, in a seeded order.

The order of an epoch is a function of the seed and the epoch alone. Of a Parquet set whole shards
are shuffled and then the samples inside each, so that a shard is read once however the samples are
dealt out; of a JSON Lines set all samples are shuffled.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echovlm.data.manifest import Manifest
from echovlm.data.quality import pictures
from echovlm.data.sample import Sample, Split
from echovlm.data.store import (
    SAMPLES,
    StoredSet,
    StoredStudy,
    parse_row,
    read_inside,
    read_studies,
)
from echovlm.errors import DataError

_CACHED_SHARDS = 2


@dataclass(frozen=True, eq=False)
class Example:
    """A sample with its pictures.

    Attributes:
        sample: the conversation.
        pictures: ``(H, W, 3)`` uint8 RGB each, in the order of the image tags.
    """

    sample: Sample
    pictures: list[np.ndarray]


class SampleReader:
    """The samples of one split of a stored set.

    Args:
        folder: a built set.
        split: which samples; all where None.

    Raises:
        DataError: when the folder is no built set, or a file of it is damaged.
    """

    def __init__(self, folder: Path, split: Split | None = None) -> None:
        self._stored = StoredSet(folder)
        if self._stored.manifest.kind != "samples":
            raise DataError(
                folder, "is an imported set without samples", "Build it: echovlm data build"
            )
        self._shards = self._stored.shards()
        self._cache: OrderedDict[int, list[StoredStudy]] = OrderedDict()
        parquet = self._stored.manifest.store == "parquet"
        self._index = self._parquet_index(split) if parquet else self._jsonl_index(split)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self._index)

    def order(self, seed: int, epoch: int = 0) -> np.ndarray:
        """Indices of all samples in the order of one epoch."""
        rng = np.random.default_rng((seed, epoch))
        if not self._shards:
            return rng.permutation(len(self))
        shards = self._index[:, 0]
        parts = [rng.permutation(np.flatnonzero(shards == shard)) for shard in np.unique(shards)]
        return np.concatenate([parts[number] for number in rng.permutation(len(parts))])

    def __getitem__(self, index: int) -> Example:
        """Read one sample and decode its pictures.

        Raises:
            DataError: naming the picture or line that is damaged.
        """
        sample, data = self._stored_sample(index)
        return Example(sample, [self._decoded(path, data.get(path)) for path in sample.images])

    def sample(self, index: int) -> Sample:
        """Read one sample without its pictures."""
        if self._shards:
            return self._stored_sample(index)[0]
        return self._line(*(int(value) for value in self._index[index]))

    def picture_sizes(self, index: int) -> list[tuple[int, int]]:
        """Height and width of the pictures of one sample, without decoding them.

        Raises:
            DataError: naming the picture that is damaged.
        """
        sample, data = self._stored_sample(index)
        return [self._size(path, data.get(path)) for path in sample.images]

    def shard(self, index: int) -> int:
        """Number of the file that one sample lies in; a JSON Lines set is one file."""
        return int(self._index[index][0]) if self._shards else 0

    @property
    def manifest(self) -> Manifest:
        """What the set is."""
        return self._stored.manifest

    def _stored_sample(self, index: int) -> tuple[Sample, dict[str, bytes]]:
        if self._shards:
            shard, study, position = (int(value) for value in self._index[index])
            stored = self._studies(shard)[study]
            return stored.samples[position], stored.pictures
        sample = self._line(*(int(value) for value in self._index[index]))
        return sample, {path: read_inside(self._stored.folder, path) for path in sample.images}

    def _size(self, path: str, data: bytes | None) -> tuple[int, int]:
        size = pictures.size(data) if data is not None else None
        if size is None:
            raise self._damaged(path)
        return size

    def _damaged(self, path: str) -> DataError:
        return DataError(
            self._stored.folder / path, "is missing or damaged", "Run 'echovlm data check'"
        )

    def _decoded(self, path: str, data: bytes | None) -> np.ndarray:
        pixels = pictures.decode(data) if data is not None else None
        if pixels is None:
            raise self._damaged(path)
        return pixels

    def _line(self, offset: int, number: int) -> Sample:
        path = self._stored.folder / SAMPLES
        with open(path, "rb") as stream:
            stream.seek(offset)
            return parse_row(path, number, stream.readline(), Sample)

    def _studies(self, shard: int) -> list[StoredStudy]:
        if shard not in self._cache:
            self._cache[shard] = list(read_studies(self._shards[shard]))
            while len(self._cache) > _CACHED_SHARDS:
                self._cache.popitem(last=False)
        self._cache.move_to_end(shard)
        return self._cache[shard]

    def _jsonl_index(self, split: Split | None) -> np.ndarray:
        path = self._stored.folder / SAMPLES
        rows, offset = [], 0
        with open(path, "rb") as stream:
            for number, line in enumerate(stream, start=1):
                if split is None or _split_of(path, number, line) == split:
                    rows.append((offset, number))
                offset += len(line)
        return np.array(rows, dtype=np.int64).reshape(-1, 2)

    def _parquet_index(self, split: Split | None) -> np.ndarray:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet

        rows = []
        for shard, path in enumerate(self._shards):
            try:
                table = pyarrow.parquet.read_table(path, columns=["split", "samples"])
            except (OSError, pyarrow.ArrowException):
                raise DataError(path, "is a damaged shard", "Build the set again") from None
            lengths = pyarrow.compute.list_value_length(table["samples"]).to_pylist()
            for study, (name, length) in enumerate(
                zip(table["split"].to_pylist(), lengths, strict=True)
            ):
                if split is None or name == split:
                    rows += [(shard, study, position) for position in range(length)]
        return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _split_of(path: Path, number: int, line: bytes) -> str | None:
    try:
        return json.loads(line).get("split")
    except (ValueError, AttributeError):
        raise DataError(path, f"is damaged in line {number}", "Build the set again") from None
