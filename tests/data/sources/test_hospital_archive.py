"""A hospital archive comes in without its patients: nothing planted leaks, nothing is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted import tree

from echovlm.data.importing import import_source
from echovlm.data.sources.archive import open_archive, read_key
from echovlm.data.store import StoredSet
from echovlm.errors import DataError
from echovlm.imaging.deidentify import ocr_available, study_digest
from echovlm.simulate.archive import write_archive

STUDIES = 12


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A simulated archive of twelve studies with its truth."""
    root = tmp_path_factory.mktemp("hospital") / "archive"
    return root, write_archive(root, STUDIES, 5)


@pytest.fixture(scope="module")
def imported(archive, tmp_path_factory) -> Path:
    if reason := ocr_available():
        pytest.skip(reason)
    root, _ = archive
    folder = tmp_path_factory.mktemp("imported")
    source = open_archive(
        root, key_file=folder / "key", reports=next(root.glob("reports.*")), keep_dicom=True
    )
    import_source(source, folder / "set", workers=2)
    return folder


def planted_strings(truth) -> set[str]:
    strings = {planted.text for study in truth.studies for planted in study.planted}
    strings |= {part for text in strings if "^" in text for part in [text.replace("^", " ")]}
    return {text for text in strings if len(text) >= 3 or not text.isascii()}


def test_no_planted_string_is_in_any_byte(archive, imported):
    _, truth = archive
    files = tree(imported / "set")
    assert any(name.endswith(".dcm") for name in files)
    strings = planted_strings(truth)
    assert len(strings) > 10 * STUDIES
    for text in sorted(strings):
        for encoding in ("utf-8", "gb18030", "utf-16-le"):
            needle = text.encode(encoding)
            if len(needle) < 5:  # so short a string stands in compressed pixels by chance
                continue
            leaking = [name for name, data in files.items() if needle in data]
            assert not leaking, (encoding, len(text), leaking)


def test_burned_in_text_of_patients_is_gone_from_the_pictures(archive, imported):
    _, truth = archive
    key = read_key(imported / "key")
    records = {r.id.split("/")[1]: r for r in StoredSet(imported / "set").records()}
    looked = hidden = 0
    for study in truth.studies:
        record = records.get(study_digest(study.study_uid, key))
        if record is None or len(study.files) != 1 or len(record.pictures) != 1:
            continue
        pixels = np.asarray(Image.open(imported / "set" / record.pictures[0].path).convert("L"))
        for text in next(iter(study.texts.values())):
            if text["is_patient"]:
                x0, y0, x1, y1 = text["box"]
                looked += 1
                hidden += int(float((pixels[y0:y1, x0:x1] > 60).mean()) < 0.05)
    assert looked >= 10
    assert hidden >= 0.9 * looked


def test_every_study_is_a_record_or_told(archive, imported):
    _, truth = archive
    key = read_key(imported / "key")
    stored = StoredSet(imported / "set")
    told = {row.key.split()[0] for row in stored.rejected()}
    ids = {record.id.split("/")[1] for record in stored.records()}
    for study in truth.studies:
        assert study_digest(study.study_uid, key) in ids | told
    assert any("belongs to no study" in row.reason for row in stored.rejected())
    assert len(ids) >= 0.7 * STUDIES


def test_one_patient_has_one_key_and_reports_find_their_study(archive, imported):
    _, truth = archive
    key = read_key(imported / "key")
    records = {r.id.split("/")[1]: r for r in StoredSet(imported / "set").records()}
    patients: dict[str, set[str]] = {}
    for study in truth.studies:
        record = records.get(study_digest(study.study_uid, key))
        if record is None:
            continue
        patients.setdefault(study.patient, set()).add(record.patient_key)
        assert bool(record.reports) is (study.report is not None)
        for report in record.reports:
            assert report.findings == study.report.clean_findings
            assert report.impression == study.report.clean_impression
    assert all(len(keys) == 1 for keys in patients.values())
    assert len({next(iter(keys)) for keys in patients.values()}) == len(patients)


def test_calibration_and_anatomy_survive(imported):
    pictures = [p for r in StoredSet(imported / "set").records() for p in r.pictures]
    assert sum(p.pixel_spacing_mm is not None for p in pictures) > 0.7 * len(pictures)


def test_every_change_is_in_the_audit(imported):
    lines = (imported / "set" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["kind"] for row in rows} == {"header", "pixels", "text"}
    assert all({"study", "kind", "where", "action"} <= set(row) for row in rows)
    assert len(rows) > 20 * STUDIES


def test_the_key_decides_the_patient_keys_and_is_not_in_the_set(archive, imported, tmp_path):
    secret = (imported / "key").read_bytes().strip()
    assert not any(secret in data for data in tree(imported / "set").values())
    assert (imported / "key").stat().st_mode & 0o077 == 0
    assert read_key(imported / "key") == read_key(imported / "key")
    assert read_key(tmp_path / "other") != read_key(imported / "key")


def test_an_archive_needs_a_key_and_a_folder(archive, tmp_path):
    root, _ = archive
    with pytest.raises(DataError, match="--key-file"):
        open_archive(root, key_file=None)
    (tmp_path / "key").write_text("not hexadecimal")
    with pytest.raises(DataError, match="holds no key of an archive"):
        open_archive(root, key_file=tmp_path / "key")
    source = open_archive(tmp_path / "absent", key_file=tmp_path / "new")
    with pytest.raises(DataError, match="is no folder"):
        list(source.entries())


def test_patients_mixed_in_one_study_are_set_aside(archive, tmp_path):
    if reason := ocr_available():
        pytest.skip(reason)
    root, truth = archive
    import pydicom

    first = next(s for s in truth.studies if not s.problem and s.files)
    other = next(s for s in truth.studies if s.patient != first.patient and s.files)
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(root / first.files[0], folder / "a.dcm")
    stranger = pydicom.dcmread(root / other.files[0])
    stranger.StudyInstanceUID = first.study_uid
    stranger.save_as(folder / "b.dcm")
    import_source(open_archive(folder, key_file=tmp_path / "key"), tmp_path / "set")
    (rejected,) = StoredSet(tmp_path / "set").rejected()
    assert rejected.quarantined
    assert rejected.reason == "its instances belong to different patients"
