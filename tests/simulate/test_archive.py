"""The simulated archive: sound objects, true calibration, and every planted word accounted for."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from echovlm import imaging
from echovlm.cli import simulation
from echovlm.errors import OptionError, OutputError
from echovlm.facts.contradictions import check_text
from echovlm.imaging.deidentify import identifiers_of
from echovlm.report import measurement_spans
from echovlm.simulate.archive import write_archive
from echovlm.simulate.archive.drawing import draw_study
from echovlm.simulate.archive.instances import image_instance
from echovlm.simulate.archive.plan import Burned, Kind, Problem, plan
from echovlm.simulate.archive.reports import TableFormat, draw_report
from echovlm.simulate.archive.writing import ArchiveTruth, write_truth
from echovlm.simulate.cases import LABELS, Case
from echovlm.simulate.facts import case_facts
from echovlm.terms import Language

STUDIES = 28
SEED = 3


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> tuple[Path, ArchiveTruth]:
    folder = tmp_path_factory.mktemp("simulated") / "archive"
    return folder, write_archive(folder, STUDIES, SEED)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def instances(folder: Path):
    for path in sorted((folder / "dicom").rglob("*.dcm")):
        if path.name != "IM0099.dcm":
            yield path, dcmread(path)


def test_a_plan_deals_labels_evenly_and_some_patients_come_twice():
    planned = plan(104, 1)
    counts = {label: sum(study.label == label for study in planned) for label in LABELS}
    assert set(counts.values()) == {4}
    numbers = [study.person.number for study in planned]
    repeated = {number for number in numbers if numbers.count(number) > 1}
    assert len(repeated) >= 5
    assert all(numbers.count(number) == 2 for number in repeated)
    women = [s for s in planned if s.label.split("-")[0] in ("breast", "ovary", "uterus")]
    assert {study.person.sex for study in women} == {"F"}
    assert {study.kind for study in planned} == set(Kind)
    assert {study.burned for study in planned} == set(Burned)
    assert {study.language for study in planned} == set(Language)
    assert len({study.study_uid for study in planned}) == 104
    assert len({study.accession for study in planned}) == 104


def test_a_second_visit_is_later_and_in_the_same_hospital():
    first = {}
    for study in plan(104, 1):
        earlier = first.setdefault(study.person.number, study)
        if earlier is not study:
            assert study.when > earlier.when
            assert study.hospital == earlier.hospital
            assert study.person == earlier.person


def test_an_archive_has_each_problem_and_a_tiny_one_has_none():
    assert {study.problem for study in plan(STUDIES, SEED)} == set(Problem)
    assert {study.problem for study in plan(7, SEED)} == {Problem.NONE}


def test_equal_seeds_give_equal_bytes_with_any_number_of_workers(archive, tmp_path):
    folder, truth = archive
    again = write_archive(tmp_path / "again", STUDIES, SEED, workers=2)
    assert digests(tmp_path / "again") == digests(folder)
    assert again.as_json() == truth.as_json()


@pytest.mark.parametrize("reports", [TableFormat.JSON, TableFormat.EXCEL])
def test_every_table_format_is_the_same_twice_and_holds_the_same_reports(reports, tmp_path):
    tables = []
    for name in ("a", "b"):
        truth = write_archive(tmp_path / name, 3, 8, reports)
        tables.append((tmp_path / name / f"reports.{reports.value}").read_bytes())
    assert tables[0] == tables[1]
    findings = [study.report.findings for study in truth.studies]
    if reports is TableFormat.JSON:
        rows = [list(row.values()) for row in json.loads(tables[0])]
    else:
        import openpyxl

        sheet = openpyxl.load_workbook(io.BytesIO(tables[0])).worksheets[0]
        rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert [row[2] for row in rows] == findings


def test_objects_are_sound(archive):
    folder, _ = archive
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed")
    seen = set()
    for path, dataset in instances(folder):
        kind = (dataset.SOPClassUID, dataset.get("PhotometricInterpretation"), dataset.Modality,
                dataset.BodyPartExamined if "BodyPartExamined" in dataset else "")  # fmt: skip
        if kind in seen:
            continue
        seen.add(kind)
        checked = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True)
        errors = [line for line in checked.stderr.splitlines() if line.startswith("Error")]
        assert errors == [], path.name
    assert len(seen) >= 10


def test_every_usable_file_reads_as_calibrated_ultrasound(archive):
    folder, truth = archive
    for study in truth.studies:
        if study.problem:
            continue
        read = imaging.read(folder / "dicom" / Path(study.files[0]).parts[1])
        assert read.left_out == ()
        assert read.is_calibrated
        assert read.anatomy == study.anatomy
        assert any(clip.is_cine for clip in read.clips) is (study.kind == Kind.CINE)


def test_the_declared_region_holds_the_picture_with_its_true_spacing(archive):
    folder, _ = archive
    planned = {study.study_uid: study for study in plan(STUDIES, SEED)}
    for path, dataset in instances(folder):
        if path.name != "IM0001.dcm" or planned[dataset.StudyInstanceUID].kind is not Kind.STILLS:
            continue
        case, _ = draw_study(planned[dataset.StudyInstanceUID])
        region = dataset.SequenceOfUltrasoundRegions[0]
        spacing_mm = 10 * region.PhysicalDeltaX
        assert spacing_mm == pytest.approx(case.images[0].spacing_mm)
        rows = region.RegionLocationMaxY1 - region.RegionLocationMinY0 + 1
        assert rows == case.images[0].pixels.shape[0]
        break


def test_a_spectrum_states_its_scale_in_seconds_and_cm_per_second():
    study = next(
        study
        for study in plan(104, 1)
        if study.kind is Kind.DOPPLER and study.label == "carotid-plaque"
    )
    case, pictures = draw_study(study)
    dataset = image_instance(study, pictures[1].frames, 2)
    regions = {item.RegionSpatialFormat: item for item in dataset.SequenceOfUltrasoundRegions}
    scale = case.truth.spectrum.scale
    spectrum = regions[3]
    assert (spectrum.PhysicalUnitsXDirection, spectrum.PhysicalUnitsYDirection) == (4, 7)
    assert spectrum.PhysicalDeltaX == pytest.approx(scale.seconds_per_pixel)
    top = -spectrum.ReferencePixelY0 * spectrum.PhysicalDeltaY
    assert top == pytest.approx(scale.highest_cm_per_s)
    assert regions[1].PhysicalUnitsXDirection == 3


def test_chinese_names_survive_both_character_sets(archive):
    folder, _ = archive
    names = {study.study_uid: study for study in plan(STUDIES, SEED)}
    seen = set()
    for path, dataset in instances(folder):
        study = names[dataset.StudyInstanceUID]
        if study.language is Language.CHINESE and path.name == "IM0001.dcm":
            written = str(dataset.PatientName).split("=")[1]
            assert written == f"{study.person.family}^{study.person.given}"
            seen.add(dataset.SpecificCharacterSet)
    assert seen == {"ISO_IR 192", "GB18030"}


def test_headers_name_the_patient_in_private_and_nested_elements(archive):
    folder, _ = archive
    for path, dataset in instances(folder):
        if path.name == "IM0001.dcm":
            block = dataset.private_block(0x0019, "AURALIS_PRIVATE_01")
            assert block[0x03].value[0].PatientID == dataset.PatientID
            assert str(dataset.PatientID) in identifiers_of(dataset)


def test_planted_header_words_are_really_there(archive):
    folder, truth = archive
    for study in truth.studies:
        header = str(dcmread(folder / study.files[0], stop_before_pixels=True))
        for planted in study.planted:
            if planted.where == "header" and study.problem != "instances of two patients":
                assert planted.text in header
            if planted.where == "path":
                assert planted.text in study.files[0]


def test_burned_text_stands_in_the_pixels_at_its_box(archive):
    folder, truth = archive
    burned = 0
    for study in truth.studies:
        for name, texts in study.texts.items():
            if not texts:
                continue
            pixels = dcmread(folder / name).pixel_array
            frame = pixels[0] if study.kind == Kind.CINE else pixels
            for text in texts:
                x0, y0, x1, y1 = text["box"]
                assert frame[y0:y1, x0:x1].max() > 100
                burned += text["is_patient"]
    assert burned > 20


def test_reports_hold_their_planted_words_and_the_clean_text_none(archive):
    _, truth = archive
    reports = [study.report for study in truth.studies if study.report]
    assert truth.orphan is not None
    for report in (*reports, truth.orphan):
        assert report.accession or report.study_uid
        for planted in report.planted:
            assert planted.text in report.findings + report.impression
            assert planted.text not in report.clean_findings + report.clean_impression
        assert report.clean_findings in report.findings
        assert report.clean_impression in report.impression
    accessions = {study.accession for study in truth.studies}
    assert truth.orphan.accession not in accessions
    assert truth.orphan.study_uid not in {study.study_uid for study in truth.studies}


def test_clean_reports_agree_with_the_facts_of_their_case():
    sized = 0
    for study in plan(STUDIES, SEED)[:14]:
        case, _ = draw_study(study)
        report = draw_report(study, case)
        text = f"{report.clean_findings}\n{report.clean_impression}"
        if isinstance(case, Case):
            sized += bool(measurement_spans(text))
            assert check_text(text, case_facts(case), study.language) == ()
    assert sized >= 2


def test_problems_are_as_the_truth_says(archive):
    folder, truth = archive
    by_problem = {study.problem: study for study in truth.studies if study.problem}
    assert by_problem["no report"].report is None
    with pytest.raises((InvalidDicomError, OSError, EOFError, ValueError, AttributeError)):
        np.asarray(dcmread(folder / by_problem["a corrupt file"].files[-1]).pixel_array)
    first, *_, copy = by_problem["a duplicate instance"].files
    assert (folder / first).read_bytes() == (folder / copy).read_bytes()
    other = dcmread(folder / by_problem["an object that is no ultrasound"].files[-1])
    assert other.Modality == "SR"
    mixed = {dcmread(folder / f).PatientID for f in by_problem["instances of two patients"].files}
    assert len(mixed) == 2
    assert (folder / truth.loose_files[0]).is_file()


def test_the_truth_is_written_apart_and_complete(archive, tmp_path):
    folder, truth = archive
    assert not any("truth" in path.name for path in folder.rglob("*"))
    write_truth(truth, tmp_path / "truth.json")
    read = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert len(read["studies"]) == STUDIES
    assert {study["label"] for study in read["studies"]} <= {*LABELS, ""}
    assert {string["where"] for study in read["studies"] for string in study["planted"]} == {
        "header",
        "pixels",
        "report",
        "path",
    }


def test_the_command_writes_archive_and_truth_side_by_side(tmp_path, capsys):
    out = tmp_path / "archive"
    simulation.simulate_archive(out, 2, 1, simulation.ReportTable.JSON, 1)
    assert "Wrote 2 studies in" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "archive.truth.json"]
    assert sorted(path.name for path in out.iterdir()) == ["dicom", "reports.json"]
    with pytest.raises(OptionError, match="exists already"):
        simulation.simulate_archive(out, 2, 1, simulation.ReportTable.JSON, 1)


def test_the_command_keeps_a_truth_that_is_not_its_own(tmp_path):
    (tmp_path / "archive.truth.json").write_text("mine")
    with pytest.raises(OptionError, match="exists already"):
        simulation.simulate_archive(tmp_path / "archive", 2)
    assert not (tmp_path / "archive").exists()


def test_nothing_that_exists_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(OptionError, match="exists already"):
        write_archive(tmp_path / "mine", 1)


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        write_archive(tmp_path / "file" / "archive", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_interrupted_archive_leaves_nothing(tmp_path):
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_archive(tmp_path / "archive", 2, progress=stop)
    assert list(tmp_path.iterdir()) == []
