"""A table of reports, as a hospital exports it: CSV, JSON or Excel, one row per report.

Columns are known by their usual names in both languages, whatever their order and case. A row is
keyed by accession number, StudyInstanceUID, or both; its text stands in one column or in two.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echovlm.data.quality.texts import language_of
from echovlm.data.record import ReportText
from echovlm.errors import DataError
from echovlm.facts import Origin
from echovlm.report import parse_text
from echovlm.terms import Language

_COLUMNS = {
    "accession": ("accession", "accessionnumber", "accessionno", "检查号", "检查编号", "影像号"),
    "study_uid": ("studyinstanceuid", "studyuid", "检查实例uid"),
    "findings": ("findings", "超声所见", "检查所见", "影像所见", "所见"),
    "impression": (
        "impression",
        "conclusion",
        "超声提示",
        "超声诊断",
        "诊断意见",
        "诊断结论",
        "提示",
        "诊断",
    ),
    "text": ("report", "reporttext", "text", "报告", "报告内容"),
}
_NOT_A_WORD = re.compile(r"[\s_\-()（）:：]+")
_LARGEST_CELL = 1 << 20


@dataclass(frozen=True)
class ReportRow:
    """One report of the table.

    Attributes:
        number: row of the file, from 1, without the heading.
        accession: accession number, "" where absent.
        study_uid: StudyInstanceUID, "" where absent.
        findings: text as written, identifying words included.
        impression: the same.
    """

    number: int
    accession: str
    study_uid: str
    findings: str
    impression: str

    def as_text(self, findings: str, impression: str, source: str) -> ReportText | None:
        """The scrubbed report; None where no text remains."""
        language = language_of(findings + impression)
        if language is None:
            return None
        return ReportText(
            language=language,
            findings=findings,
            impression=impression,
            origin=Origin.HUMAN,
            source=source,
        )


def read_report_table(path: Path) -> list[ReportRow]:
    """Read a table of reports.

    Args:
        path: ``.csv`` (UTF-8 or GB 18030), ``.tsv``, ``.json`` (a list of objects), ``.jsonl`` or
            ``.xlsx`` (its first sheet).

    Raises:
        DataError: when it cannot be read, or has no key or no text column.
    """
    try:
        rows = list(_rows(path))
    except DataError:
        raise
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", "Check the path") from None
    except (ValueError, KeyError, csv.Error, zipfile.BadZipFile):
        raise DataError(
            path, "is damaged or not a table of reports", "Export it as CSV, JSON or Excel"
        ) from None
    names = {kind: _column(rows, kind) for kind in _COLUMNS}
    if not (names["accession"] or names["study_uid"]):
        raise DataError(
            path,
            "has no column of accession numbers or StudyInstanceUIDs",
            "Name one 'AccessionNumber' or 'StudyInstanceUID'",
        )
    if not (names["findings"] or names["impression"] or names["text"]):
        raise DataError(
            path, "has no column of texts", "Name one 'findings' or 'impression', or 'report'"
        )
    return [_report(number, row, names) for number, row in enumerate(rows, start=1)]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    kind = path.suffix.lower()
    if kind in (".json", ".jsonl"):
        text = path.read_text(encoding="utf-8-sig")
        lines = kind == ".jsonl"
        rows = [json.loads(line) for line in text.splitlines() if line.strip()] if lines else None
        parsed = json.loads(text) if rows is None else rows
        if not isinstance(parsed, list) or not all(isinstance(row, dict) for row in parsed):
            raise DataError(path, "is no list of objects", "Export one object per report")
        yield from parsed
    elif kind == ".xlsx":
        yield from _excel_rows(path)
    else:
        csv.field_size_limit(_LARGEST_CELL)
        stream = io.StringIO(_decoded(path), newline="")
        yield from csv.DictReader(stream, dialect="excel-tab" if kind == ".tsv" else "excel")


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError(path, "is neither UTF-8 nor GB 18030", "Save it as UTF-8")


def _excel_rows(path: Path) -> Iterator[dict[str, Any]]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except InvalidFileException:
        raise DataError(path, "is no Excel file", "Save it as .xlsx") from None
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        heading = [str(cell or "") for cell in next(rows, ())]
        for row in rows:
            if any(cell is not None for cell in row):
                yield dict(zip(heading, row, strict=False))
    finally:
        book.close()


def _column(rows: Sequence[dict[str, Any]], kind: str) -> str | None:
    names = {_NOT_A_WORD.sub("", str(name)).lower(): name for name in (rows[0] if rows else ())}
    return next((names[word] for word in _COLUMNS[kind] if word in names), None)


def _report(number: int, row: dict[str, Any], names: dict[str, str | None]) -> ReportRow:
    cells = {kind: _cell(row.get(name)) if name else "" for kind, name in names.items()}
    findings, impression = cells["findings"], cells["impression"]
    if not (findings or impression):
        findings, impression = parse_text(cells["text"], Language.CHINESE)
    return ReportRow(number, cells["accession"], cells["study_uid"], findings, impression)


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # Excel keeps numbers as floats
    return "" if value is None else str(value).strip()
