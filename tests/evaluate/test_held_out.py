"""Held-out cases: from a record to the study an engine sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from echovlm.data.record import Picture, Record
from echovlm.data.store import StoredSet
from echovlm.errors import DataError
from echovlm.evaluate.held_out import HeldOutCase, spread
from echovlm.facts import Fact, Origin


def _picture(folder: Path, number: int, shape: tuple[int, int] = (40, 50), **more) -> Picture:
    name = f"{number}.png"
    Image.fromarray(np.full(shape, 20 * number, np.uint8)).save(folder / name)
    return Picture(
        path=name,
        sha256="0",
        perceptual_hash="0",
        width_px=shape[1],
        height_px=shape[0],
        **more,
    )


def _case(folder: Path, pictures: list[Picture], patient: str = "a", facts=()) -> HeldOutCase:
    record = Record(
        id=f"test/{patient}",
        source="test",
        licence="CC0-1.0",
        patient_key=patient,
        anatomy="liver",
        pictures=pictures,
        facts=facts,
    )
    return HeldOutCase(StoredSet(folder), record)


def test_stills_are_clips_of_their_own_and_frames_of_a_loop_are_one(tmp_path):
    still = {"pixel_spacing_mm": (0.2, 0.1)}
    loop = {"clip": 1, "frame_time_ms": 20.0}
    pictures = [
        _picture(tmp_path, 0, **still),
        _picture(tmp_path, 1, (60, 30)),
        _picture(tmp_path, 2, frame=0, **loop),
        _picture(tmp_path, 3, frame=7, **loop),
    ]
    study = _case(tmp_path, pictures).study()
    assert [clip.frames.shape for clip in study.clips] == [
        (1, 40, 50, 3),
        (1, 60, 30, 3),
        (2, 40, 50, 3),
    ]
    assert study.clips[2].frames[:, 0, 0, 0].tolist() == [40, 60]
    assert study.clips[0].pixel_spacing_mm == (0.2, 0.1)
    assert not study.clips[1].is_calibrated
    assert study.clips[2].frame_time_ms == 20.0


def test_a_study_does_not_tell_its_anatomy(tmp_path):
    case = _case(tmp_path, [_picture(tmp_path, 1)])
    assert case.study().anatomy is None
    assert case.first_picture().shape == (40, 50, 3)


def test_a_damaged_picture_is_named(tmp_path):
    case = _case(tmp_path, [_picture(tmp_path, 1)])
    (tmp_path / "1.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"1\.png: is damaged"):
        case.study()


def test_the_first_fact_of_a_name_is_its_value(tmp_path):
    facts = [Fact(name="pathology", value="benign", origin=Origin.LABEL, source="test")]
    case = _case(tmp_path, [_picture(tmp_path, 1)], facts=facts)
    assert case.value("pathology") == "benign"
    assert case.value("diagnosis") == ""


def test_cases_are_chosen_evenly_over_their_labels(tmp_path):
    picture = [_picture(tmp_path, 1)]
    cases = [_case(tmp_path, picture, str(number)) for number in range(30)]
    labels = ["rare"] * 3 + ["frequent"] * 27
    chosen = spread(cases, labels, 10, seed=5)
    rare = [case for case in chosen if int(case.record.patient_key) < 3]
    assert (len(rare), len(chosen)) == (3, 10)
    assert chosen == spread(cases, labels, 10, seed=5)
    assert chosen != spread(cases, labels, 10, seed=6)
    assert len(spread(cases, labels, 99)) == 30
