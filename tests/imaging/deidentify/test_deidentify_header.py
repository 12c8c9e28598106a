"""The header: whatever is planted wherever, none of it is in the output."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from planted import CODE_PLACES, TEXT_PLACES, file_of, planted_instance
from pydicom import dcmread
from pydicom.dataset import Dataset

from echovlm.imaging import read
from echovlm.imaging.deidentify import (
    Deidentified,
    Policy,
    deidentify_instance,
    patient_digest,
    write_instance,
)
from echovlm.imaging.deidentify.allowed import WORDS
from echovlm.terms import Anatomy

SALT = b"salt of the tests, no secret"
CODECS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be", "latin-1")

names = st.text("ABCDEFGHKLMNPQRSTUVWXYZ", min_size=6, max_size=12)
chinese = st.text("张王李赵欧阳娜小明芳伟敏静秀英丽强磊军洋", min_size=4, max_size=6)
numbers = st.text("0123456789", min_size=7, max_size=12)


def _clean(content: bytes, folder: Path) -> tuple[Deidentified, bytes]:
    source, target = folder / "in.dcm", folder / "out.dcm"
    source.write_bytes(content)
    result = deidentify_instance(source, Policy(salt=SALT))
    write_instance(result, target)
    return result, target.read_bytes()


def _forms(text: str) -> list[bytes]:
    found = []
    for codec in CODECS:
        try:
            found.append(text.encode(codec))
        except UnicodeEncodeError:
            continue
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.one_of(names, chinese, numbers), charset=st.sampled_from(["ISO_IR 192", "GB18030"]))
def test_no_text_planted_anywhere_is_in_the_output(folder: Path, text: str, charset: str) -> None:
    assert len(TEXT_PLACES) >= 40
    dataset = planted_instance(dict.fromkeys(TEXT_PLACES, text), charset)
    result, content = _clean(file_of(dataset, text), folder)
    assert [form for form in _forms(text) if form in content] == []
    assert text not in str(result.dataset)
    assert text not in str([change.as_json() for change in result.changes])
    assert text not in repr(result)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(sorted(TEXT_PLACES)), text=st.one_of(names, chinese, numbers))
def test_a_text_planted_in_one_place_alone_is_gone(folder: Path, place: str, text: str) -> None:
    dataset = planted_instance({place: text}, "ISO_IR 192")
    _, content = _clean(file_of(dataset), folder)
    assert [form for form in _forms(text) if form in content] == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(sorted(CODE_PLACES)), word=names)
def test_a_coded_word_that_is_not_listed_is_gone(folder: Path, place: str, word: str) -> None:
    assume(all(word.upper() not in words for words in WORDS.values()))
    _, content = _clean(file_of(planted_instance({place: word}, "ISO_IR 6")), folder)
    assert word.encode() not in content


@settings(max_examples=10, deadline=None)
@given(born=st.dates().map(lambda day: day.strftime("%Y%m%d")).filter(lambda day: day[0] != "0"))
def test_dates_are_gone_from_elements_and_uids(folder: Path, born: str) -> None:
    result, content = _clean(file_of(planted_instance({}, "ISO_IR 6", born)), folder)
    assert f".{born}.".encode() not in content
    assert all(element.value != born for element in result.dataset.iterall())
    assert not any(
        element.VR in ("DA", "TM", "DT", "AS") and element.value
        for element in result.dataset.iterall()
    )


def test_uids_keys_and_names_are_equal_for_equal_salts_alone(folder: Path) -> None:
    content = file_of(planted_instance({"PatientID": "8472913"}, "ISO_IR 6"))
    source = folder / "in.dcm"
    source.write_bytes(content)
    one, same = (deidentify_instance(source, Policy(salt=SALT)) for _ in range(2))
    other = deidentify_instance(source, Policy(salt=SALT[::-1]))
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID"):
        assert one.dataset[keyword].value == same.dataset[keyword].value
        assert one.dataset[keyword].value != other.dataset[keyword].value
    assert one.patient_key == patient_digest(" 8472913 ", SALT) == one.dataset.PatientID
    assert one.study_key == same.study_key != other.study_key
    assert one.dataset.SOPInstanceUID.startswith("2.25.")
    assert len(one.dataset.SOPInstanceUID) <= 64
    assert one.dataset.file_meta.MediaStorageSOPInstanceUID == one.dataset.SOPInstanceUID


def test_patients_without_an_identifier_are_told_apart_by_name_and_birth_date(
    folder: Path,
) -> None:
    keys = set()
    for name, born in (
        ("DOE^JOHN", "19810214"),
        ("DOE^JANE", "19810214"),
        ("DOE^JOHN", "19810215"),
    ):
        dataset = planted_instance({"PatientName": name}, "ISO_IR 6")
        dataset.PatientBirthDate = born
        keys.add(_clean(file_of(dataset), folder)[0].patient_key)
    assert len(keys) == 3


def test_the_method_is_stated_and_sex_and_age_are_not(folder: Path) -> None:
    result, _ = _clean(file_of(planted_instance({}, "ISO_IR 6")), folder)
    dataset = result.dataset
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.PatientSex == ""
    assert "PatientAge" not in dataset
    assert result.quarantine or dataset.BurnedInAnnotation == "NO"
    codes = [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence]
    assert codes == (["113100"] if result.quarantine else ["113100", "113101"])


def test_what_calibration_and_time_need_is_kept(folder: Path) -> None:
    dataset = planted_instance(
        {"Manufacturer": "Philips Medical Systems", "ManufacturerModelName": "CX50"}, "ISO_IR 6"
    )
    dataset.NumberOfFrames = 2
    dataset.PixelData = dataset.PixelData * 2
    dataset.FrameTime = "33.333"
    dataset.BodyPartExamined = "THYROID"
    dataset.TransducerType = "LINEAR"
    dataset.TransducerData = ["L12-5", "SN 991182", ""]
    result, _ = _clean(file_of(dataset), folder)
    kept = read(folder / "out.dcm")
    original = read(folder / "in.dcm")
    assert kept.clips[0].pixel_spacing_mm == original.clips[0].pixel_spacing_mm == (0.2, 0.2)
    assert kept.clips[0].regions == original.clips[0].regions == result.clip.regions
    assert kept.clips[0].frame_time_ms == pytest.approx(33.333)
    assert kept.anatomy is Anatomy.THYROID is result.anatomy
    assert (result.dataset.Manufacturer, result.dataset.ManufacturerModelName) == (
        "Philips",
        "CX50",
    )
    assert result.dataset.TransducerData == "L12-5"
    assert result.dataset.TransducerType == "LINEAR"


def test_a_model_name_that_is_the_patients_is_not_kept(folder: Path) -> None:
    planted = {"PatientName": "EDGE^TITAN", "ManufacturerModelName": "Titan"}
    result, _ = _clean(file_of(planted_instance(planted, "ISO_IR 6")), folder)
    assert "ManufacturerModelName" not in result.dataset


def test_every_element_of_the_input_is_accounted_for(folder: Path) -> None:
    dataset = planted_instance({"private": "X", "OtherPatientIDsSequence": "Y"}, "ISO_IR 6")
    result, _ = _clean(file_of(dataset), folder)
    actions = {change.where: change.action for change in result.changes if change.kind == "header"}
    assert actions["PatientAge"] == actions["(0019,1010)"] == "removed"
    assert actions["OtherPatientIDsSequence"] == "removed"
    assert actions["PatientSex"] == actions["StudyDate"] == "emptied"
    assert actions["SOPInstanceUID"] == actions["FileMetaInformation"] == "replaced"
    assert actions["DeidentificationMethodCodeSequence"] == "added"
    assert "SequenceOfUltrasoundRegions[0].PhysicalDeltaX" not in actions


def test_irregular_values_are_left_out_and_do_not_stop_the_rest(folder: Path) -> None:
    dataset = planted_instance({}, "ISO_IR 6")
    dataset.SequenceOfUltrasoundRegions[0].PhysicalDeltaX = float("nan")
    dataset.InstanceNumber = "19810214"
    result, _ = _clean(file_of(dataset), folder)
    assert result.dataset.InstanceNumber is None
    assert "PhysicalDeltaX" not in result.dataset.SequenceOfUltrasoundRegions[0]


def test_the_salt_is_never_shown() -> None:
    assert "salt of" not in repr(Policy(salt=SALT))
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Policy(salt=b"short")


def _errors(path: Path) -> set[str]:
    run = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace")
    return {line for line in run.stderr.splitlines() if line.startswith("Error")}


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian: dicom3tools)")
def test_the_validator_finds_no_error_that_the_input_did_not_have(
    shared_dir: Path, policy: Policy, tmp_path: Path
) -> None:
    for name in ("OBXXXX1A_rle_2frame", "YBR_FULL-RLE", "US1_J2KR", "examples_ybr_color"):
        source, target = shared_dir / f"ultrasound/dicom/{name}.dcm", tmp_path / f"{name}.dcm"
        write_instance(deidentify_instance(source, policy), target)
        assert _errors(target) - _errors(source) == set(), name


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian: dicom3tools)")
def test_the_validator_accepts_a_cine_loop(folder: Path) -> None:
    dataset: Dataset = planted_instance({}, "ISO_IR 6")
    dataset.NumberOfFrames = 2
    dataset.PixelData = dataset.PixelData * 2
    dataset.FrameTime = "40"
    _clean(file_of(dataset), folder)
    assert _errors(folder / "out.dcm") == set()
    assert np.array_equal(dcmread(folder / "out.dcm").pixel_array[0], np.full((64, 80), 90))
