"""Reports as a hospital exports them: true texts, into which identifying words have crept.

The findings carry the true sizes, as findings do; a patient's name, number or address, dates,
telephone numbers and doctors are planted around them, and every planted string is kept.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from echovlm.simulate.archive.plan import PlannedStudy
from echovlm.simulate.cases import Case
from echovlm.simulate.facts import case_facts
from echovlm.simulate.studies import SimulatedStudy
from echovlm.terms import Language


class TableFormat(StrEnum):
    """File format of the table of reports."""

    CSV = "csv"
    JSON = "json"
    EXCEL = "xlsx"


@dataclass(frozen=True)
class Planted:
    """A string that identifies somebody.

    Attributes:
        text: the string itself.
        kind: "name", "number", "date", "phone", "doctor", "hospital" or "address".
        where: "header", "pixels", "report" or "path".
    """

    text: str
    kind: str
    where: str


@dataclass(frozen=True)
class Report:
    """A report with what was planted in it.

    Attributes:
        accession: key, "" where only the UID is given.
        study_uid: key, "" where only the accession number is given.
        findings: with planted strings.
        impression: with planted strings.
        clean_findings: without them.
        clean_impression: without them.
        planted: the strings.
    """

    accession: str
    study_uid: str
    findings: str
    impression: str
    clean_findings: str
    clean_impression: str
    planted: tuple[Planted, ...]

    def row(self, language: Language) -> dict[str, str]:
        """The report as a row of the table; the headings are those of the language."""
        return dict(zip(_HEADINGS[language], (
            self.accession, self.study_uid, self.findings, self.impression,
        ), strict=True))  # fmt: skip


_HEADINGS = {
    Language.CHINESE: ("检查号", "StudyInstanceUID", "超声所见", "超声提示"),
    Language.ENGLISH: ("Accession Number", "StudyInstanceUID", "Findings", "Impression"),
}


def draw_report(study: PlannedStudy, case: Case | SimulatedStudy) -> Report:
    """Write the report of a study in its language."""
    rng = study.rng(5)
    language = study.language
    findings = case.findings(language)
    if isinstance(case, Case) and rng.random() < 0.6:
        findings += _size(case, language)
    impression = case.impression(language)
    before, after, planted = _ZH_EN[language](study, int(rng.integers(3)))
    by_uid, by_accession = rng.random() < 0.25, rng.random() < 0.9
    return Report(
        accession=study.accession if by_accession or not by_uid else "",
        study_uid=study.study_uid if by_uid or not by_accession else "",
        findings=f"{before}{findings}",
        impression=f"{impression}{after}",
        clean_findings=findings,
        clean_impression=impression,
        planted=planted,
    )


def _size(case: Case, language: Language) -> str:
    """Say how large the (larger) lesion is, nothing where two diameters are not known of one."""
    facts = case_facts(case)
    long_mm, short_mm = (
        [float(fact.value) for fact in facts if fact.name == name]
        for name in ("size_long_mm", "size_short_mm")
    )
    if len(long_mm) != 1 or len(short_mm) != 1:
        return ""
    count = next(fact.value for fact in facts if fact.name == "lesion_count")
    first, second = f"{long_mm[0]:.0f}", f"{short_mm[0]:.0f}"
    if language is Language.CHINESE:
        return f"{'大小' if count == 1 else '较大者'}约{first}mm×{second}mm。"
    subject = "It" if count == 1 else "The larger one"
    return f" {subject} measures {first} mm x {second} mm."


_Planting = tuple[str, str, tuple[Planted, ...]]


def _zh(study: PlannedStudy, style: int) -> _Planting:
    person, when = study.person, study.when
    reporting = study.doctors[2].name
    day = f"{when:%Y年%m月%d日}"
    found = [_of(person.name, "name"), _of(reporting, "doctor"), _of(day, "date")]
    if style == 0:
        found += [_of(person.number, "number"), _of(person.phone, "phone")]
        return (
            f"患者{person.name}，门诊号{person.number}。",
            f" 报告医师：{reporting} {day}，联系电话{person.phone}",
            tuple(found),
        )
    if style == 1:
        found += [_of(study.hospital, "hospital"), _of(study.doctors[0].name, "doctor")]
        return (
            f"姓名：{person.name} 检查日期：{day}。",
            f" {study.hospital}，审核医师：{study.doctors[0].name}，检查医师：{reporting}",
            tuple(found),
        )
    found += [_of(person.address, "address"), _of(f"{person.born:%Y-%m-%d}", "date")]
    return (
        f"受检者姓名：{person.name}，出生日期：{person.born:%Y-%m-%d}，住址：{person.address}。",
        f" 诊断医师：{reporting}，{day}",
        tuple(found),
    )


def _en(study: PlannedStudy, style: int) -> _Planting:
    person, when = study.person, study.when
    reporting = study.doctors[2].name
    day = f"{when:%d %B %Y}"
    found = [_of(person.name, "name"), _of(reporting, "doctor"), _of(day, "date")]
    if style == 0:
        found += [_of(person.number, "number"), _of(person.phone, "phone")]
        return (
            f"Patient: {person.name}, MRN {person.number}. ",
            f" Reported by Dr. {reporting} on {day}, phone {person.phone}.",
            tuple(found),
        )
    if style == 1:
        found += [_of(study.hospital, "hospital"), _of(study.doctors[0].name, "doctor")]
        return (
            f"Patient name: {person.name}. Referring physician: Dr. {study.doctors[0].name}. ",
            f" {study.hospital}. Signed by Dr. {reporting}, {day}.",
            tuple(found),
        )
    found += [_of(person.address, "address"), _of(f"{person.born:%Y-%m-%d}", "date")]
    return (
        f"Name: {person.name}, DOB {person.born:%Y-%m-%d}, address: {person.address}. ",
        f" Dictated by Dr. {reporting}, {day}.",
        tuple(found),
    )


_ZH_EN = {Language.CHINESE: _zh, Language.ENGLISH: _en}


def _of(text: str, kind: str) -> Planted:
    return Planted(text, kind, "report")


def write_table(path: Path, reports: list[Report], language: Language) -> None:
    """Write the table of reports; the file's ending chooses the format.

    Args:
        path: ``.csv`` (UTF-8 with a byte order mark, as Excel exports it), ``.json`` or ``.xlsx``.
        reports: rows, in order.
        language: of the headings.
    """
    rows = [report.row(language) for report in reports]
    if path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    elif path.suffix == ".xlsx":
        _write_excel(path, rows, language)
    else:
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, _HEADINGS[language])
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(stream.getvalue(), encoding="utf-8-sig", newline="")


def _write_excel(path: Path, rows: list[dict[str, str]], language: Language) -> None:
    import datetime
    import zipfile

    import openpyxl

    book = openpyxl.Workbook()
    long_ago = datetime.datetime(2020, 1, 1)
    book.properties.created = book.properties.modified = long_ago
    sheet = book.worksheets[0]
    sheet.append(list(_HEADINGS[language]))
    for row in rows:
        sheet.append(list(row.values()))
    raw = io.BytesIO()
    book.save(raw)
    # Zip entries carry the time of writing; packed afresh, equal tables are equal files.
    with zipfile.ZipFile(raw) as packed, zipfile.ZipFile(path, "w") as fresh:
        for name in packed.namelist():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            data = packed.read(name)
            if name == "docProps/core.xml":
                data = _without_times(data)
            fresh.writestr(entry, data)


def _without_times(core: bytes) -> bytes:
    import re

    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2020-01-01T00:00:00Z", core)
