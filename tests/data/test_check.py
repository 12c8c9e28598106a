"""The check finds what was planted, and nothing in a sound set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted import ScriptedSource, tree

from echovlm.data.build import build_set
from echovlm.data.check import check_set
from echovlm.data.contact_sheet import write_contact_sheet
from echovlm.data.importing import import_source
from echovlm.data.statistics import statistics
from echovlm.data.store import StoredSet
from echovlm.errors import OptionError


@pytest.fixture
def imported(tmp_path) -> Path:
    import_source(ScriptedSource(30), tmp_path / "imported")
    return tmp_path / "imported"


@pytest.fixture
def built(imported, tmp_path) -> Path:
    build_set([imported], tmp_path / "built")
    return tmp_path / "built"


def kinds(folder: Path, severity: str = "error", **options) -> set[str]:
    result = check_set(folder, **options)
    return {kind for (found, kind), count in result.counts.items() if found == severity and count}


def rewrite(table: Path, change) -> None:
    rows = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    change(rows)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("workers", [1, 2])
def test_sound_sets_have_no_errors_and_are_left_as_they_are(imported, built, workers):
    for folder in (imported, built):
        before = tree(folder)
        result = check_set(folder, workers=workers)
        assert result.errors == 0, result.findings
        assert result.examined["pictures"] == 27
        assert tree(folder) == before


def test_a_parquet_set_is_checked_like_its_twin(imported, built, tmp_path):
    build_set([imported], tmp_path / "parquet", store="parquet")
    one, other = check_set(built), check_set(tmp_path / "parquet")
    assert one.examined == other.examined
    assert one.errors == other.errors == 0


def test_changed_and_missing_and_unknown_files_are_found(built):
    pictures = sorted((built / "images").rglob("*.png"))
    pictures[0].write_bytes(pictures[1].read_bytes())
    pictures[2].write_bytes(b"broken")
    (built / "images" / "mine.png").write_bytes(b"x")
    details = {finding.detail for finding in check_set(built).findings}
    assert "was changed after it was written" in details
    assert "it cannot be decoded" in details
    assert "belongs to nothing in the set" in details
    pictures[3].unlink()
    assert any(finding.detail == "is missing" for finding in check_set(built).findings)


def test_a_cut_table_is_damaged(built):
    table = built / "samples.jsonl"
    table.write_bytes(table.read_bytes()[:-40])
    assert kinds(built) == {"damaged"}


def test_a_patient_in_two_splits_is_leakage(built):
    def move(rows):
        patient = rows[0]["patient_key"]
        studies = {row["study"] for row in rows if row["patient_key"] == patient}
        assert len(studies) > 1
        for row in rows:
            if row["study"] == rows[0]["study"]:
                row["split"] = "test" if row["split"] != "test" else "train"

    rewrite(built / "samples.jsonl", move)
    assert {"leakage", "damaged"} <= kinds(built)


def test_the_same_picture_in_two_splits_is_an_error(built):
    rows = [json.loads(line) for line in (built / "samples.jsonl").read_text().splitlines()]
    train = next(row for row in rows if row["split"] == "train")["images"][0]
    test = next(row for row in rows if row["split"] == "test")["images"][0]
    (built / test).write_bytes((built / train).read_bytes())
    assert "duplicate picture across splits" in kinds(built)


def test_nearly_the_same_picture_in_two_splits_is_an_error(built):
    rows = [json.loads(line) for line in (built / "samples.jsonl").read_text().splitlines()]
    train = next(row for row in rows if row["split"] == "train")["images"][0]
    test = next(row for row in rows if row["split"] == "test")["images"][0]
    pixels = np.asarray(Image.open(built / train)).astype(float) * 1.05
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(built / test)
    assert "near-duplicate picture across splits" in kinds(built)


def test_faulty_texts_are_errors_that_name_the_sample(built):
    def spoil(rows):
        rows[0]["turns"][0]["text"] = "no tag"
        rows[1]["turns"][-1]["text"] = "The liver lesion is malignant. The lesion is benign."
        rows[1]["turns"][-1]["statements"] = []

    rewrite(built / "samples.jsonl", spoil)
    where = [f.where for f in check_set(built).findings if f.kind == "text"]
    ids = [json.loads(line)["id"] for line in (built / "samples.jsonl").read_text().splitlines()]
    assert {ids[0], ids[1]} <= set(where)


def test_a_report_against_its_label_is_found_in_an_imported_set(imported):
    def spoil(rows):
        row = next(row for row in rows if row["reports"])
        kind = next(f["value"] for f in row["facts"] if f["name"] == "pathology")
        other = "benign" if kind == "malignant" else "malignant"
        row["reports"][0]["impression"] = f"The breast nodule is {other}."

    rewrite(imported / "records.jsonl", spoil)
    assert {"contradiction", "damaged"} == kinds(imported)


def test_an_empty_mask_is_a_warning(imported):
    mask = next((imported / "images").rglob("*.mask.png"))
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(mask)
    assert "mask" in kinds(imported, "warning")


def test_statistics_count_what_is_there(imported, built):
    records, samples = statistics(StoredSet(imported)), statistics(StoredSet(built))
    assert records.totals["studies"] == samples.totals["studies"] == 27
    assert records.totals["left out"] == 3
    assert sum(records.tables["pathology"].values()) == 27
    assert sum(samples.tables["split"].values()) == samples.totals["samples"]
    assert set(samples.tables["language"]) == {"zh", "en"}


@pytest.mark.parametrize("name", ["sheet.png", "sheet.html"])
def test_a_contact_sheet_shows_drawn_pictures(imported, built, tmp_path, name):
    assert write_contact_sheet(StoredSet(imported), tmp_path / name, 12, seed=1) == 12
    first = (tmp_path / name).read_bytes()
    write_contact_sheet(StoredSet(imported), tmp_path / name, 12, seed=1)
    assert (tmp_path / name).read_bytes() == first
    assert write_contact_sheet(StoredSet(built), tmp_path / name, 100) == 27
    if name.endswith("png"):
        assert Image.open(tmp_path / name).width == 8 * 220
    else:
        page = (tmp_path / name).read_text(encoding="utf-8")
        assert page.count("<figure>") == 27
        assert "http" not in page


def test_a_sheet_of_another_kind_is_refused(imported, tmp_path):
    with pytest.raises(OptionError, match=r"neither a \.png nor a \.html"):
        write_contact_sheet(StoredSet(imported), tmp_path / "sheet.pdf")
