"""Tables of reports as hospitals export them."""

from __future__ import annotations

import json

import openpyxl
import pytest

from echovlm.data.sources.report_table import read_report_table
from echovlm.errors import DataError
from echovlm.terms import Language

ROWS = [
    {"检查号": "A1", "超声所见": "肝内见一低回声结节。", "超声提示": "肝内结节。"},
    {"检查号": "A2", "超声所见": "胆囊未见异常，\n大小正常。", "超声提示": ""},
]


def write(path, rows, encoding="utf-8"):
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        book.active.append(list(rows[0]))
        for row in rows:
            book.active.append(list(row.values()))
        book.save(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False), encoding=encoding)
    elif path.suffix == ".jsonl":
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        path.write_text(lines, encoding=encoding)
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        lines = [mark.join(rows[0])]
        lines += [mark.join(f'"{cell}"' for cell in row.values()) for row in rows]
        path.write_text("\n".join(lines), encoding=encoding)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl", ".xlsx"])
def test_every_kind_of_table_gives_the_same_reports(tmp_path, suffix):
    first, second = read_report_table(write(tmp_path / f"reports{suffix}", ROWS))
    assert (first.accession, first.study_uid) == ("A1", "")
    assert (first.findings, first.impression) == ("肝内见一低回声结节。", "肝内结节。")
    assert (second.number, second.findings) == (2, "胆囊未见异常，\n大小正常。")


def test_an_export_in_gb18030_is_read(tmp_path):
    path = write(tmp_path / "r.csv", ROWS, encoding="gb18030")
    assert read_report_table(path)[0].impression == "肝内结节。"


def test_one_column_of_text_is_split_at_its_headings(tmp_path):
    text = "Ultrasound findings: A cyst. Impression: Hepatic cyst."
    rows = [{"Study Instance UID": "1.2.3", "Report Text": text}]
    (row,) = read_report_table(write(tmp_path / "r.json", rows))
    assert (row.study_uid, row.findings, row.impression) == ("1.2.3", "A cyst.", "Hepatic cyst.")


def test_numbers_of_excel_stay_numbers_without_a_point(tmp_path):
    rows = [{"Accession Number": 1234567.0, "Findings": "A cyst."}]
    (row,) = read_report_table(write(tmp_path / "r.xlsx", rows))
    assert row.accession == "1234567"


def test_a_report_says_its_language_and_an_empty_one_is_none(tmp_path):
    (row, _) = read_report_table(write(tmp_path / "r.csv", ROWS))
    assert row.as_text(row.findings, row.impression, "row 1").language is Language.CHINESE
    assert row.as_text("", "", "row 1") is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("r.csv", b"name,findings\nx,y\n", "has no column of accession numbers"),
        ("r.csv", b"accession,name\nx,y\n", "has no column of texts"),
        ("r.json", b'{"a": 1}', "is no list of objects"),
        ("r.json", b"[1", "is damaged or not a table"),
        ("r.xlsx", b"not excel", "is damaged or not a table"),
        ("r.csv", b"\xff\xff\xff", "is neither UTF-8 nor GB 18030"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_sentence(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=problem):
        read_report_table(tmp_path / name)


def test_an_absent_table_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_report_table(tmp_path / "absent.csv")
