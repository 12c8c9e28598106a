"""Whole instances: real test objects, damage, silence, and writing."""

from __future__ import annotations

import io
import logging
import traceback
from pathlib import Path

import numpy as np
import pytest
from planted import TEXT_PLACES, burn, file_of, ink, planted_instance, tissue

from echovlm.errors import OutputError, StudyError
from echovlm.imaging import read
from echovlm.imaging.deidentify import (
    Policy,
    deidentify_instance,
    identifiers_of,
    ocr,
    write_instance,
)
from echovlm.imaging.deidentify import instance as instance_module
from echovlm.imaging.deidentify.words import Kind, kind_of_text

SALT = b"salt of the tests, no secret"


def test_the_name_burnt_into_a_real_file_is_gone(shared_dir: Path, reader: None) -> None:
    path = shared_dir / "ultrasound/dicom/YBR_FULL-RLE.dcm"
    result = deidentify_instance(path, Policy(salt=SALT))
    before, after = read(path).clips[0].frames[0], result.clip.frames[0]
    assert not after[:48].any()
    assert not after[370:390, 112:150].any()  # "DOE" inside the picture
    inside = after[48:416, 84:484]
    assert (inside == before[48:416, 84:484]).all(axis=-1).mean() > 0.93
    assert result.clip.pixel_spacing_mm == read(path).clips[0].pixel_spacing_mm
    assert result.quarantine == ""


def test_every_real_object_goes_through(shared_dir: Path, tmp_path: Path) -> None:
    names = ["OBXXXX1A_expb", "US1_J2KI", "color-pl", "examples_palette", "ExplVR_BigEnd"]
    for name in names:
        source, target = shared_dir / f"ultrasound/dicom/{name}.dcm", tmp_path / f"{name}.dcm"
        result = deidentify_instance(source, Policy(salt=SALT))
        write_instance(result, target)
        again = read(target).clips[0]
        assert np.array_equal(again.frames, result.clip.frames)
        assert again.regions == result.clip.regions
        assert again.pixel_spacing_mm == result.clip.pixel_spacing_mm


def test_lossy_compression_stays_stated(shared_dir: Path) -> None:
    path = shared_dir / "ultrasound/dicom/US1_J2KI.dcm"
    assert deidentify_instance(path, Policy(salt=SALT)).dataset.LossyImageCompression == "01"


def test_without_a_text_reader_every_instance_is_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = "Text in pixels cannot be read: tesseract is absent."
    monkeypatch.setattr(ocr, "ocr_available", lambda: missing)
    monkeypatch.setattr(instance_module, "ocr_available", lambda: missing)
    picture = (tissue(seed=3) * 0.6).astype(np.uint8)
    burnt = burn(picture, "DOE, JOHN", (30, 30), 18)
    (tmp_path / "in.dcm").write_bytes(file_of(planted_instance({}, "ISO_IR 6", frame=burnt)))
    result = deidentify_instance(tmp_path / "in.dcm", Policy(salt=SALT))
    assert missing in result.quarantine
    assert result.dataset.BurnedInAnnotation == "YES"
    assert (result.clip.frames[0][ink(picture, burnt)] == 0).mean() > 0.97


def test_a_text_reader_that_fails_holds_the_instance_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("DOE^JOHN")

    monkeypatch.setattr(instance_module, "find_lines", fail)
    (tmp_path / "in.dcm").write_bytes(file_of(planted_instance({}, "ISO_IR 6")))
    result = deidentify_instance(tmp_path / "in.dcm", Policy(salt=SALT))
    assert result.quarantine == "the text reader failed on this picture"


def test_nothing_planted_is_logged_warned_or_raised(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
    capfd: pytest.CaptureFixture[str],
) -> None:
    planted = "ZHANGSANFENG"
    content = file_of(planted_instance(dict.fromkeys(TEXT_PLACES, planted), "ISO_IR 192"), planted)
    rng = np.random.default_rng(3)
    recwarn.clear()
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    raised, passed = [], 0
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, len(damaged), 12):
            damaged[place] = rng.integers(0, 256)
        cut = int(rng.integers(len(damaged) // 2, len(damaged) + 1))
        (tmp_path / "in.dcm").write_bytes(bytes(damaged[:cut]))
        try:
            result = deidentify_instance(tmp_path / "in.dcm", Policy(salt=SALT))
            passed += 1
            stream = io.BytesIO()
            result.dataset.save_as(stream, enforce_file_format=True)
            assert planted.encode() not in stream.getvalue()
        except StudyError as error:
            raised.append(str(error))
            raised.append("".join(traceback.format_exception(error)))
    assert raised
    shown = capfd.readouterr()
    told = [*raised, caplog.text, *(str(w.message) for w in recwarn), shown.out, shown.err]
    assert not any(planted in text for text in told)


@pytest.mark.parametrize("content", [b"", b"no dicom at all", b"\0" * 128 + b"DICM"])
def test_what_is_no_dicom_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.dcm").write_bytes(content)
    with pytest.raises(StudyError) as caught:
        deidentify_instance(tmp_path / "in.dcm", Policy(salt=SALT))
    assert "\n" not in str(caught.value)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError):
        deidentify_instance(tmp_path / "absent.dcm", Policy(salt=SALT))


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "in.dcm").write_bytes(file_of(planted_instance({}, "ISO_IR 6")))
    result = deidentify_instance(tmp_path / "in.dcm", Policy(salt=SALT))
    with pytest.raises(OutputError):
        write_instance(result, tmp_path / "absent" / "out.dcm")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError):
        write_instance(result, tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "in.dcm"]


def test_identifiers_come_from_nested_sequences_and_scripts() -> None:
    planted = {"PatientName": "ZHANG^SAN=张^三丰", "OtherPatientIDsSequence": "X778812"}
    words = identifiers_of(planted_instance(planted, "ISO_IR 192"))
    assert {"ZHANG", "SAN", "张三丰", "X778812", "1981-02-14", "14/02/1981"} <= set(words)
    assert "US" not in words


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DOE, J0HN", Kind.IDENTIFIER),
        ("SMITH^ANNA", Kind.IDENTIFIER),
        ("ID 8472913", Kind.IDENTIFIER),
        ("14/02/1981", Kind.IDENTIFIER),
        ("13:45:02", Kind.IDENTIFIER),
        ("北京协和医院", Kind.IDENTIFIER),
        ("MERCY HOSPITAL", Kind.IDENTIFIER),
        ("PSV 85.2 cm/s", Kind.MEASUREMENT),
        ("1 D 12.3 mm", Kind.MEASUREMENT),
        ("RI 0.62", Kind.UNKNOWN),
        ("+ Dist 1.06 cm", Kind.MEASUREMENT),
        ("JOHN 12 mm", Kind.IDENTIFIER),
        ("LYMPH NODE", Kind.UNKNOWN),
        ("Wang 5 mm", Kind.UNKNOWN),
    ],
)
def test_lines_are_told_apart(text: str, kind: Kind) -> None:
    assert kind_of_text(text, ("DOE", "JOHN", "DOE^JOHN")) is kind
