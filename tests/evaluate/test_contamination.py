"""Pictures and patients of an evaluation that training has seen."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from echovlm.data.manifest import Manifest, write_manifest
from echovlm.data.quality.duplicates import NEAR_BITS, perceptual_hash
from echovlm.data.record import Picture, Record
from echovlm.data.sample import Sample, Split, Turn
from echovlm.data.store import StoredStudy, write_studies
from echovlm.errors import DataError
from echovlm.evaluate.contamination import contamination
from echovlm.evaluate.same_picture import SAME_DETAIL, agreement, distances, seen
from echovlm.simulate.cases import make_case
from echovlm.simulate.scanner import Variation


def _still(seed: int, label: str = "breast-cyst") -> np.ndarray:
    return make_case(seed, label, views=1, variation=Variation.WIDE).study.clips[0].frames[0]


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _disguised(pixels: np.ndarray) -> bytes:
    """Cropped by 3 to 7 % a side, brighter, as a JPEG of quality 60."""
    height, width = pixels.shape[:2]
    cut = pixels[int(0.03 * height) : int(0.94 * height), int(0.05 * width) : int(0.93 * width)]
    stream = io.BytesIO()
    bright = np.clip(cut * 1.2 + 10, 0, 255).astype(np.uint8)
    Image.fromarray(bright).save(stream, "JPEG", quality=60)
    return stream.getvalue()


Files = dict[str, tuple[bytes, str]]
"""Bytes and patient of every picture by its name."""


def _imported(folder: Path, files: Files, with_pictures: bool = True) -> Path:
    folder.mkdir()
    lines = []
    for name, (data, patient) in files.items():
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        picture = Picture(
            path=name,
            sha256=hashlib.sha256(data).hexdigest(),
            perceptual_hash=perceptual_hash(pixels),
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
        )
        record = Record(
            id=f"set/{name}", source="set", licence="CC0", patient_key=patient, pictures=(picture,)
        )
        lines.append(record.model_dump_json())
        if with_pictures:
            (folder / name).write_bytes(data)
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_manifest(folder, Manifest(kind="records", sources=(), echovlm_version="0", files={}))
    return folder


def _sample(name: str, patient: str, split: Split) -> Sample:
    return Sample(
        id=name,
        study=f"set/{name}",
        images=(name,),
        turns=(Turn(role="user", text="<image>What?"), Turn(role="assistant", text="A cyst.")),
        source="set",
        patient_key=patient,
        split=split,
    )


def _built(folder: Path, files: Files, split: Split) -> Path:
    folder.mkdir()
    samples = [_sample(name, patient, split) for name, (_, patient) in files.items()]
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    text = "".join(sample.model_dump_json() + "\n" for sample in samples)
    (folder / "samples.jsonl").write_text(text, encoding="utf-8")
    write_manifest(folder, Manifest(kind="samples", sources=(), echovlm_version="0", files={}))
    return folder


@pytest.fixture(scope="module")
def stills() -> list[np.ndarray]:
    return [_still(seed) for seed in range(3)]


def test_the_first_view_is_the_recorded_hash(stills):
    bits = seen(stills[0]).bits
    assert bits.shape == (81, 256)
    assert np.packbits(bits[0]).tobytes().hex() == perceptual_hash(stills[0])


def test_a_planted_duplicate_is_found_though_cropped_brightened_and_compressed(tmp_path, stills):
    evaluated = _imported(tmp_path / "test", {"a.png": (_png(stills[0]), "p1")})
    others = {"x.png": (_png(stills[1]), "p2"), "y.jpg": (_disguised(stills[0]), "p3")}
    found = contamination(evaluated, [_imported(tmp_path / "train", others)])
    (pair,) = found.pairs
    assert (pair.case, pair.training_case) == ("set/a.png", "set/y.jpg")
    assert pair.bits <= NEAR_BITS
    assert pair.detail > 0.9
    assert found.share == 1.0
    assert not found.is_clean
    assert "1 cases (100.0 %) have a near duplicate" in found.sentence


def test_it_does_not_matter_which_of_the_two_is_cropped(tmp_path, stills):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "cut.jpg").write_bytes(_disguised(stills[0]))
    (folder / "other.png").write_bytes(_png(stills[2]))
    training = _imported(tmp_path / "train", {"a.png": (_png(stills[0]), "p1")})
    found = contamination(folder, [training])
    assert found.touched == ("cut.jpg",)
    assert (found.cases, found.patients, found.share) == (2, 0, 0.5)


def test_cases_of_all_anatomies_are_clean_of_each_other(tmp_path):
    labels = [
        *("breast-fibroadenoma", "thyroid-normal", "liver-normal", "kidney-normal"),
        *("heart-normal", "carotid-normal", "uterus-normal"),
    ]
    halves = [
        {f"{label}.png": (_png(_still(seed, label)), f"{seed}") for label in labels}
        for seed in (11, 12)
    ]
    evaluated = _imported(tmp_path / "test", halves[0])
    found = contamination(evaluated, [_imported(tmp_path / "train", halves[1])])
    assert found.is_clean
    assert found.sentence == (
        "No contamination found: 7 evaluated cases against 7 training pictures, no near duplicate, "
        "no shared patient."
    )


def test_views_of_different_hearts_are_alike_but_not_the_same():
    one, other = (seen(_still(seed, "heart-normal")) for seed in (21, 22))
    assert distances([one], [other])[0, 0] < 80  # unrelated pictures differ in 128 bits
    detail = agreement(one, other)
    assert detail is not None
    assert detail < SAME_DETAIL


def test_a_picture_of_one_grey_agrees_with_nothing():
    flat, noise = (seen(np.full((50, 60, 3), 90, np.uint8)), seen(_still(3)))
    assert agreement(flat, noise) == 0


def test_a_shared_patient_is_told_without_a_shared_picture(tmp_path, stills):
    evaluated = _built(tmp_path / "test", {"a.png": (_png(stills[0]), "p1")}, Split.TEST)
    training = _built(tmp_path / "train", {"b.png": (_png(stills[1]), "p1")}, Split.TRAIN)
    found = contamination(evaluated, [training])
    assert found.shared_patients == ("p1",)
    assert not found.pairs
    assert "1 of 1 patients are in training too" in found.sentence


def test_only_the_training_split_of_a_built_set_counts(tmp_path, stills):
    same = {"a.png": (_png(stills[0]), "p1")}
    evaluated = _built(tmp_path / "test", same, Split.TEST)
    held_out = _built(tmp_path / "held-out", same, Split.TEST)
    with pytest.raises(DataError, match="holds no training picture"):
        contamination(evaluated, [held_out])


def test_pictures_inside_parquet_shards_are_read(tmp_path, stills):
    folder = tmp_path / "train"
    (folder / "samples").mkdir(parents=True)
    study = StoredStudy((_sample("a.png", "p1", Split.TRAIN),), {"a.png": _png(stills[0])})
    write_studies(folder / "samples" / "0.parquet", [study])
    about = Manifest(kind="samples", store="parquet", sources=(), echovlm_version="0", files={})
    write_manifest(folder, about)
    evaluated = _built(tmp_path / "test", {"b.png": (_png(stills[0]), "p2")}, Split.TEST)
    (pair,) = contamination(evaluated, [folder]).pairs
    assert pair.bits == 0


def test_records_without_their_pictures_are_compared_by_their_hash(tmp_path, stills):
    evaluated = _imported(tmp_path / "test", {"a.png": (_png(stills[0]), "p1")})
    training = _imported(tmp_path / "train", {"b.png": (_png(stills[0]), "p2")}, False)
    found = contamination(evaluated, [training])
    assert [pair.bits for pair in found.pairs] == [0]
    assert "(1 by recorded hash alone)" in found.sentence


def test_what_cannot_be_compared_is_named(tmp_path, stills):
    training = _imported(tmp_path / "train", {"b.png": (_png(stills[0]), "p2")})
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="empty: holds no picture to look for"):
        contamination(empty, [training])
    with pytest.raises(DataError, match="absent: does not exist"):
        contamination(tmp_path / "absent", [training])
    (empty / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png: is no picture or damaged"):
        contamination(empty, [training])
