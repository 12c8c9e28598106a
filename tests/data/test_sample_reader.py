"""Reading for training: every sample once per epoch, the order a function of seed and epoch."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted import ScriptedSource, speckle

from echovlm.data.importing import import_source, json_line
from echovlm.data.manifest import Manifest, write_manifest
from echovlm.data.reader import SampleReader
from echovlm.data.sample import Sample, Split, Turn
from echovlm.data.store import StoredSet, StoredStudy, read_studies, write_studies
from echovlm.errors import DataError

PER_STUDY, STUDIES, PER_SHARD = 3, 12, 4


def png(number: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(speckle(number)).save(stream, "PNG")
    return stream.getvalue()


def study(number: int) -> StoredStudy:
    path = f"images/{number:02d}.png"
    samples = tuple(
        Sample(
            id=f"s/{number}/{position}",
            study=f"s/{number}",
            images=(path,),
            turns=(
                Turn(role="user", text=f"<image>\nQuestion {position}?"),
                Turn(role="assistant", text=f"Answer {number}."),
            ),
            source="s",
            patient_key=f"s/{number}",
            split=Split.TRAIN if number % 4 else Split.TEST,
        )
        for position in range(PER_STUDY)
    )
    return StoredStudy(samples, {path: png(number)})


def write_set(folder: Path, store: str) -> Path:
    studies = [study(number) for number in range(STUDIES)]
    (folder / "samples").mkdir(parents=True)
    if store == "parquet":
        for start in range(0, STUDIES, PER_SHARD):
            shard = folder / "samples" / f"{start:05d}.parquet"
            write_studies(shard, studies[start : start + PER_SHARD])
    else:
        rows = [json_line(sample) for one in studies for sample in one.samples]
        (folder / "samples.jsonl").write_bytes(b"".join(rows))
        (folder / "images").mkdir()
        for one in studies:
            for path, data in one.pictures.items():
                (folder / path).write_bytes(data)
    manifest = Manifest(kind="samples", store=store, sources=(), echovlm_version="0", files={})
    write_manifest(folder, manifest)
    return folder


@pytest.fixture(scope="module", params=["jsonl", "parquet"])
def folder(request, tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("set") / request.param, request.param)


def test_an_epoch_holds_every_sample_once(folder):
    reader = SampleReader(folder)
    assert len(reader) == STUDIES * PER_STUDY
    seen = [reader[int(index)].sample.id for index in reader.order(seed=1)]
    assert len(set(seen)) == STUDIES * PER_STUDY
    assert seen != sorted(seen)


def test_the_order_is_a_function_of_seed_and_epoch(folder):
    reader = SampleReader(folder)
    first = reader.order(seed=1, epoch=0)
    assert np.array_equal(first, SampleReader(folder).order(seed=1, epoch=0))
    assert not np.array_equal(first, reader.order(seed=1, epoch=1))
    assert not np.array_equal(first, reader.order(seed=2, epoch=0))


def test_pictures_come_with_their_sample(folder):
    reader = SampleReader(folder)
    for index in range(0, len(reader), 5):
        example = reader[index]
        number = int(example.sample.study.split("/")[1])
        (pixels,) = example.pictures
        assert np.array_equal(pixels[..., 0], speckle(number))


def test_a_split_holds_its_samples_alone(folder):
    test = SampleReader(folder, Split.TEST)
    assert len(test) == 3 * PER_STUDY
    assert {test[index].sample.split for index in range(len(test))} == {Split.TEST}
    assert len(SampleReader(folder, Split.VALIDATION)) == 0


def test_both_stores_read_back_what_was_written(folder):
    written = [sample for number in range(STUDIES) for sample in study(number).samples]
    assert list(StoredSet(folder).samples()) == written


def test_a_large_set_is_read_shard_by_shard(tmp_path):
    reader = SampleReader(write_set(tmp_path / "set", "parquet"))
    order = reader.order(seed=3)
    shard_of = [int(reader[int(index)].sample.study.split("/")[1]) // PER_SHARD for index in order]
    assert sum(one != other for one, other in pairwise(shard_of)) == 2


def test_equal_studies_give_equal_shards_that_datasets_can_load(tmp_path):
    import datasets

    studies = [study(number) for number in range(3)]
    write_studies(tmp_path / "a.parquet", studies)
    write_studies(tmp_path / "b.parquet", studies)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    rows = datasets.Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path / "c"))
    assert rows.column_names == ["study", "source", "split", "anatomy", "images", "samples"]
    assert rows[1]["study"] == "s/1"
    assert rows[1]["images"][0]["bytes"] == png(1)


def test_a_corrupt_shard_is_named(tmp_path):
    folder = write_set(tmp_path / "set", "parquet")
    shard = folder / "samples" / "00004.parquet"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    shard.write_bytes(data)
    with pytest.raises(DataError, match=r"00004\.parquet: is a damaged shard"):
        list(read_studies(shard))
    with pytest.raises(DataError, match=r"00004\.parquet: is a damaged shard"):
        SampleReader(folder)


def test_a_damaged_picture_or_line_is_named(tmp_path):
    folder = write_set(tmp_path / "set", "jsonl")
    (folder / "images" / "00.png").write_bytes(b"broken")
    (folder / "images" / "01.png").unlink()
    reader = SampleReader(folder)
    with pytest.raises(DataError, match=r"00\.png: is missing or damaged"):
        reader[0]
    with pytest.raises(DataError, match=r"01\.png: is missing or cannot be read"):
        reader[PER_STUDY]
    table = folder / "samples.jsonl"
    table.write_bytes(table.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"samples\.jsonl: is damaged in line 36"):
        reader[len(reader) - 1]


def test_an_imported_set_cannot_be_trained_on(tmp_path):
    import_source(ScriptedSource(3), tmp_path / "set")
    with pytest.raises(DataError, match="is an imported set without samples"):
        SampleReader(tmp_path / "set")
