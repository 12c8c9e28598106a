"""Writes an archive: instances, the table of reports, and the truth apart from both."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset

from echovlm.errors import OptionError, OutputError
from echovlm.simulate.annotations import BurnedText
from echovlm.simulate.archive.drawing import Picture, draw_study, identifying_lines
from echovlm.simulate.archive.instances import image_instance, text_instance
from echovlm.simulate.archive.plan import Kind, PlannedStudy, Problem, plan, uid_of
from echovlm.simulate.archive.reports import Planted, Report, TableFormat, draw_report, write_table
from echovlm.simulate.people import draw_person
from echovlm.terms import Language

DICOM_FOLDER = "dicom"


@dataclass(frozen=True)
class StudyTruth:
    """Everything that is true of one study of the archive.

    Attributes:
        number: from 1.
        study_uid: StudyInstanceUID.
        accession: accession number.
        patient: PatientID.
        label: key of the diagnosis, "" where none fits.
        anatomy: region shown.
        side: side that its header states, "" for none.
        language: of names and report.
        kind: stills, cine loop or Doppler.
        problem: what is wrong with it, "" for nothing.
        files: instances of the study, relative to the archive.
        texts: per file, what is written in its pixels.
        report: its report with and without planted strings, None where the table has none.
        planted: every identifying string of header, pixels, report and path.
    """

    number: int
    study_uid: str
    accession: str
    patient: str
    label: str
    anatomy: str
    side: str
    language: str
    kind: str
    problem: str
    files: tuple[str, ...]
    texts: dict[str, list[dict[str, Any]]]
    report: Report | None
    planted: tuple[Planted, ...]


@dataclass(frozen=True)
class ArchiveTruth:
    """The truth of an archive.

    Attributes:
        seed: that made it.
        studies: in the order of their numbers.
        orphan: the report that belongs to no study, None in archives without problems.
        loose_files: files that are no DICOM instances, relative to the archive.
    """

    seed: int
    studies: tuple[StudyTruth, ...]
    orphan: Report | None
    loose_files: tuple[str, ...]

    def planted(self) -> set[str]:
        """Every identifying string, of all studies and of the orphaned report."""
        found = {string.text for study in self.studies for string in study.planted}
        return found | {string.text for string in (self.orphan.planted if self.orphan else ())}

    def as_json(self) -> dict[str, Any]:
        """The truth as plain JSON values."""
        return dataclasses.asdict(self)


def write_archive(
    folder: Path,
    studies: int = 200,
    seed: int = 0,
    reports: TableFormat = TableFormat.CSV,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> ArchiveTruth:
    """Simulate a hospital archive.

    The folder gets ``dicom/`` with a tree of studies and ``reports.csv`` (or ``.json``, ``.xlsx``);
    it appears when it is whole. Equal arguments give equal bytes.

    Args:
        folder: must not exist.
        studies: how many, at least 1; from 8 on a few have a problem as archives do.
        seed: decides everything.
        reports: format of the table.
        workers: processes; set ``OMP_NUM_THREADS=1`` for more than one.
        progress: called with the number of finished studies.

    Returns:
        The truth, which is not written: it names every planted string.

    Raises:
        OptionError: where the folder exists already.
        OutputError: where it cannot be written; nothing is left behind.
    """
    if folder.exists():
        raise OptionError(f"{folder} exists already; name another folder or remove it.")
    planned = plan(studies, seed)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    except OSError as error:
        raise OutputError(f"{folder} could not be written: {error.strerror}.") from error
    try:
        (temporary / DICOM_FOLDER).mkdir()
        truths = []
        for truth in _written(temporary, planned, workers):
            truths.append(truth)
            progress(len(truths))
        orphan: Report | None = None
        loose: tuple[str, ...] = ()
        if any(study.problem for study in planned):
            orphan = _orphan(planned[0])
            loose = (f"{DICOM_FOLDER}/Thumbs.db",)
            (temporary / loose[0]).write_bytes(b"no DICOM file\n" * 8)
        rows = [truth.report for truth in truths if truth.report is not None]
        table = temporary / f"reports.{reports.value}"
        write_table(table, rows + ([orphan] if orphan else []), planned[0].language)
        os.chmod(temporary, 0o755)
        os.replace(temporary, folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise OutputError(f"{folder} could not be written: {error.strerror}.") from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return ArchiveTruth(seed, tuple(truths), orphan, loose)


def write_truth(truth: ArchiveTruth, path: Path) -> None:
    """Write the truth as JSON; it belongs outside of the archive."""
    temporary = path.with_name(f".{path.name}.part")
    text = json.dumps(truth.as_json(), ensure_ascii=False, indent=1)
    temporary.write_text(text + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _written(root: Path, planned: list[PlannedStudy], workers: int) -> Iterator[StudyTruth]:
    if workers <= 1:
        yield from (_write_study(root, study) for study in planned)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_write_study, [root] * len(planned), planned)


def _write_study(root: Path, study: PlannedStudy) -> StudyTruth:
    case, pictures = draw_study(study)
    folder = Path(DICOM_FOLDER) / study.folder
    (root / folder).mkdir()
    files: list[str] = []
    texts: dict[str, list[dict[str, Any]]] = {}
    planted: list[Planted] = []
    for number, picture in enumerate(pictures, start=1):
        name = (folder / f"IM{number:04d}.dcm").as_posix()
        dataset = image_instance(study, picture.frames, number)
        _write(root / name, dataset)
        files.append(name)
        texts[name] = [_as_json(text) for text in picture.texts]
    planted += _of_headers(study)
    planted += _of_pixels(study, pictures)
    if study.problem is Problem.TWO_PATIENTS:
        planted += _of_headers(_stranger(study))
    if not study.folder.startswith("ST"):
        planted.append(Planted(study.folder, "name", "path"))
    files += _trouble(root, folder, study, pictures)
    report = None if study.problem is Problem.NO_REPORT else draw_report(study, case)
    planted += report.planted if report else ()
    return StudyTruth(
        number=study.number,
        study_uid=study.study_uid,
        accession=study.accession,
        patient=study.person.number,
        label=case.label,
        anatomy=study.anatomy.value,
        side=pictures[0].frames.side,
        language=study.language.value,
        kind=study.kind.value,
        problem=study.problem.value,
        files=tuple(files),
        texts=texts,
        report=report,
        planted=tuple(planted),
    )


def _write(path: Path, dataset: Dataset) -> None:
    dcmwrite(path, dataset, enforce_file_format=True)


def _as_json(text: BurnedText) -> dict[str, Any]:
    return dataclasses.asdict(text)


def _trouble(root: Path, folder: Path, study: PlannedStudy, pictures: list[Picture]) -> list[str]:
    """Add what is wrong with a study; return the files that this adds."""
    first = folder / "IM0001.dcm"
    if study.problem is Problem.CORRUPT:
        spoiled = folder / "IM0099.dcm"
        _write(root / spoiled, image_instance(study, pictures[0].frames, 99))
        os.truncate(root / spoiled, (root / spoiled).stat().st_size // 3)
        return [spoiled.as_posix()]
    if study.problem is Problem.DUPLICATE:
        again = folder / "COPY.dcm"
        shutil.copyfile(root / first, root / again)
        return [again.as_posix()]
    if study.problem is Problem.NO_ULTRASOUND:
        text = folder / "SR0001.dcm"
        _write(root / text, text_instance(study))
        return [text.as_posix()]
    if study.problem is Problem.TWO_PATIENTS:
        stranger = _stranger(study)
        mixed = folder / "IM0098.dcm"
        _write(root / mixed, image_instance(stranger, pictures[0].frames, 98))
        return [mixed.as_posix()]
    return []


def _stranger(study: PlannedStudy) -> PlannedStudy:
    """Return the study as if it were another patient's."""
    person = draw_person(study.rng(6), study.language, study.person.sex, study.when.date())
    return dataclasses.replace(study, person=person)


def _of_headers(study: PlannedStudy) -> list[Planted]:
    person = study.person
    found = {
        person.name: "name",
        person.number: "number",
        person.phone: "phone",
        person.address: "address",
        f"{person.born:%Y%m%d}": "date",
        f"{study.when:%Y%m%d}": "date",
        study.accession: "number",
        study.hospital: "hospital",
        study.study_uid: "number",
    }
    found[f"{person.roman[0]}^{person.roman[1]}"] = "name"
    found |= {f"{doctor.roman[0]}^{doctor.roman[1]}": "doctor" for doctor in study.doctors}
    if study.language is Language.CHINESE:
        found |= {f"{doctor.family}^{doctor.given}": "doctor" for doctor in study.doctors}
    return [Planted(text, kind, "header") for text, kind in found.items()]


def _of_pixels(study: PlannedStudy, pictures: list[Picture]) -> list[Planted]:
    """Return identifying lines that really stand in the pixels, without their headings."""
    written = {text.text for picture in pictures for text in picture.texts if text.is_patient}
    left, right = identifying_lines(study)
    kinds = {left[0]: "name", left[1]: "number", left[2]: "date"}
    kinds |= {line: "doctor" for line in right if "医师" in line or line.startswith("Dr.")}
    found = []
    for line in (*left, *right):
        if line in written:
            value = line.split(": ", 1)[-1].removeprefix("Dr. ")
            kind = kinds.get(line, "date" if line[:2] == "20" else "hospital")
            found.append(Planted(value, kind, "pixels"))
    return found


def _orphan(study: PlannedStudy) -> Report:
    """Return a report whose study is not in the archive."""
    absent = dataclasses.replace(
        study,
        number=99_999,
        kind=Kind.STILLS,
        person=draw_person(np.random.default_rng([study.seed, 99_999]), study.language),
        accession=f"A9999{study.seed % 100:02d}",
        study_uid=uid_of(study.seed, "absent"),
    )
    case, _ = draw_study(absent)
    return draw_report(absent, case)
