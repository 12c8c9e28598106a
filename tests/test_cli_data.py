"""The data commands as a user types them: what they print, and one sentence for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from echovlm.cli import run

SET = "obstetrics/HC18"


@pytest.fixture(scope="module")
def sets(shared_dir, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    source = str(shared_dir / "ultrasound" / SET)
    assert run(["data", "import", "hc18", source, str(folder / "in"), "--workers", "2"]) == 0
    assert run(["data", "build", str(folder / "in"), "--out", str(folder / "out")]) == 0
    return folder


def test_import_and_build_say_what_they_wrote(shared_dir, tmp_path, capsys):
    source = str(shared_dir / "ultrasound" / SET)
    run(["data", "import", "hc18", source, str(tmp_path / "in")])
    run(["data", "build", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    assert "in: 77 records, 77 pictures, 0 rejected, 0 quarantined." in printed
    assert "out: 77 studies" in printed


def test_check_prints_a_table_and_its_exit_code_tells_of_errors(sets, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["data", "check", str(sets / "out")]) == 0
    assert "looked at 77 pictures" in capsys.readouterr().out
    picture = next((sets / "out" / "images").rglob("*.png"))
    whole = picture.read_bytes()
    picture.write_bytes(b"broken")
    try:
        findings = sets / "findings.jsonl"
        assert run(["data", "check", str(sets / "out"), "--findings", str(findings)]) == 2
        assert "was changed after it was written" in capsys.readouterr().out
        rows = [json.loads(line) for line in findings.read_text().splitlines()]
        errors = [row["detail"] for row in rows if row["severity"] == "error"]
        assert set(errors) == {"was changed after it was written", "it cannot be decoded"}
    finally:
        picture.write_bytes(whole)


def test_check_and_stats_print_json(sets, capsys):
    run(["data", "check", str(sets / "in"), "--json"])
    assert json.loads(capsys.readouterr().out)["errors"] == 0
    run(["data", "stats", str(sets / "out"), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["totals"]["studies"] == 77
    assert sum(document["tables"]["split"].values()) == document["totals"]["samples"]


def test_stats_counts_and_draws_a_sheet(sets, tmp_path, capsys):
    sheet = tmp_path / "sheet.html"
    assert run(["data", "stats", str(sets / "out"), "--sheet", str(sheet)]) == 0
    printed = capsys.readouterr().out
    for word in ("anatomy", "task", "language", "split", "gynaecology"):
        assert word in printed
    assert sheet.read_text(encoding="utf-8").count("<figure>") == 48


@pytest.mark.parametrize(
    ("form", "file"), [("messages", "train.jsonl"), ("conversations", "train.json")]
)
def test_an_export_can_be_imported_again(sets, tmp_path, form, file, capsys):
    out = tmp_path / "out"
    assert run(["data", "export", str(sets / "out"), str(out), "--form", form]) == 0
    assert run(["data", "import", form, str(out / file), str(tmp_path / "again")]) == 0
    assert "0 rejected" in capsys.readouterr().out
    assert run(["data", "check", str(tmp_path / "again")]) == 0


def test_sources_are_listed(capsys):
    assert run(["data", "sources"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("bus-bra", "mmotu", "archive", "messages"))


def test_simulated_cases_become_samples(tmp_path, capsys):
    assert run(["data", "simulate", str(tmp_path / "in"), "--cases", "6", "--seed", "3"]) == 0
    assert run(["data", "build", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 0
    assert "6 studies" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["import", "nope", "x", "y"], 2, "'nope' is no known source; choose one of bus-bra"),
        (["import", "hc18", "absent", "y"], 2, "absent: does not exist or is no folder"),
        (["import", "archive", "absent", "y"], 2, "--key-file"),
        (["import", "hc18", "x", "y", "--keep-dicom"], 2, "are for 'archive', not for 'hc18'"),
        (["import", "messages", "absent.json", "y"], 2, "absent.json: cannot be read"),
        (["check", "absent"], 2, "absent: does not exist or is no folder"),
        (["build", "absent", "--out", "y"], 2, "absent: does not exist or is no folder"),
        (["stats", "."], 2, "is no stored set"),
        (["build"], 2, "Missing argument"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, code, sentence):
    monkeypatch.chdir(tmp_path)
    assert run(["data", *arguments]) == code
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
