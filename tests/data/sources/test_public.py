"""Public sets: what the published layouts state becomes facts, and nothing is dropped silently."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import trees
from drafting import drafts, every_nth, stated

from echovlm.data.sources.catalogue import SOURCES, open_source
from echovlm.errors import DataError, OptionError
from echovlm.facts.lexicon import names


def cases_of(table: Path) -> dict[str, list[dict[str, str]]]:
    cases: dict[str, list[dict[str, str]]] = {}
    with open(table, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            cases.setdefault(row["Case"], []).append(row)
    return cases


# --- the real sets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "folder", "entries", "pictures"),
    [
        ("bus-bra", "breast/BUS-BRA", 400, 715),
        ("aul", "liver/AUL", 213, 213),
        ("ccaus", "vessel/CCAUS", 29, 29),
        ("usgra", "vessel/USGRA", 27, 27),
        ("hc18", "obstetrics/HC18", 77, 77),
        ("kidney-stone-us", "kidney/KidneyStoneUS", 11, 11),
        ("my-heart", "heart/MyHeart", 7, 7),
    ],
)
def test_every_real_picture_has_an_entry_and_no_file_is_left_over(
    shared_dir, name, folder, entries, pictures
):
    found = list(open_source(name, shared_dir / "ultrasound" / folder).entries())
    assert len({entry.key for entry in found}) == len(found) == entries
    assert not [entry for entry in found if "stray" in entry.values]
    files = [file for entry in found for file in entry.files]
    shown = [file for file in files if "ask" not in file and not file.endswith(".json")]
    assert len(shown) == pictures


def test_bus_bra_says_what_its_table_says_and_no_side(shared_dir):
    root = shared_dir / "ultrasound" / "breast" / "BUS-BRA"
    rows = cases_of(root / "bus_data.csv")
    for draft in every_nth(open_source("bus-bra", root), 12):
        table = rows[draft.patient]
        facts = stated(draft)
        assert facts["pathology"] == table[0]["Pathology"]
        assert facts["birads"] == table[0]["BIRADS"]
        assert facts["histology"] == table[0]["Histology"]
        assert "laterality" not in {fact.name for fact in draft.facts}
        assert len(draft.pictures) == len(table)
        assert all(picture.mask.max() == 1 for picture in draft.pictures)
        assert not [fact for fact in draft.facts if fact.name.endswith("_mm")]


@pytest.mark.parametrize(
    ("key", "histology", "pathology", "birads"),
    [
        ("case-9", "invasive ductal carcinoma", "malignant", "4"),
        ("case-484", "invasive ductal carcinoma", "malignant", "5"),
        ("case-7", "hyperplasia", "benign", "4"),
    ],
)
def test_bus_bra_facts_as_read_by_eye(shared_dir, key, histology, pathology, birads):
    source = open_source("bus-bra", shared_dir / "ultrasound" / "breast" / "BUS-BRA")
    entry = next(entry for entry in source.entries() if entry.key == key)
    facts = stated(source.draft(entry))
    assert (facts["histology"], facts["pathology"], facts["birads"]) == (
        histology,
        pathology,
        birads,
    )


def test_both_halves_of_a_bus_bra_case_show_one_lesion(shared_dir):
    # The evidence for not reading "Side" as a side of the body.
    table = shared_dir / "ultrasound" / "breast" / "BUS-BRA" / "bus_data.csv"
    pairs = [rows for rows in cases_of(table).values() if len(rows) == 2]
    assert len(pairs) > 300
    assert all({row["Side"] for row in rows} == {"left", "right"} for rows in pairs)
    assert all(len({(r["Histology"], r["BIRADS"]) for r in rows}) == 1 for rows in pairs)


def test_a_bus_bra_mask_that_misses_its_box_is_left_out_and_told(shared_dir):
    source = open_source("bus-bra", shared_dir / "ultrasound" / "breast" / "BUS-BRA")
    entry = next(entry for entry in source.entries() if entry.key == "case-845")
    draft = source.draft(entry)
    assert draft.pictures[0].mask is None
    assert [row.key for row in draft.rejected] == ["case-845 mask 1"]
    assert not [fact for fact in draft.facts if fact.origin == "mask"]


def test_aul_classes_and_masses(shared_dir):
    source = open_source("aul", shared_dir / "ultrasound" / "liver")
    assert isinstance(next(iter(source.entries())).files, tuple)
    for draft in every_nth(source, 15):
        kind = stated(draft)["pathology"]
        assert stated(draft)["lesion_present"] is (kind != "normal")
        assert (draft.pictures[0].mask is None) is (kind == "normal")


def test_hc18_is_calibrated_and_its_outline_fits_its_circumference(shared_dir):
    for draft in every_nth(open_source("hc18", shared_dir / "ultrasound" / "obstetrics"), 10):
        assert 0.03 < draft.pictures[0].pixel_spacing_mm[0] < 0.5
        assert 40 < stated(draft)["head_circumference_mm"] < 400
        assert draft.pictures[0].mask.mean() > 0.02


@pytest.mark.parametrize(
    ("key", "pixel_mm", "circumference_mm"),
    [("009_HC", 0.121525358863, 62.31), ("019_2HC", 0.117779842445, 75.75)],
)
def test_hc18_facts_as_read_by_eye(shared_dir, key, pixel_mm, circumference_mm):
    source = open_source("hc18", shared_dir / "ultrasound" / "obstetrics" / "HC18")
    draft = source.draft(next(entry for entry in source.entries() if entry.key == key))
    assert stated(draft)["head_circumference_mm"] == circumference_mm
    assert draft.pictures[0].pixel_spacing_mm == (pixel_mm, pixel_mm)
    assert draft.patient == key[:3]


def test_carotid_acquisitions_stay_together(shared_dir):
    source = open_source("ccaus", shared_dir / "ultrasound" / "vessel" / "CCAUS")
    found = [source.draft(entry) for entry in source.entries()]
    assert len({draft.patient for draft in found}) == 8
    assert {fact.name for draft in found for fact in draft.facts} == {"anatomy", "structure"}


# --- what is not there, or does not belong ---------------------------------------------------

TREES = {
    "busi": (trees.busi, "benign/benign (1).png"),
    "bus-uc": (trees.bus_uc, "Benign/images/001.png"),
    "tn3k": (trees.tn3k, "test-image/0000.jpg"),
    "mmotu": (trees.mmotu, "OTU_2d/images/1.JPG"),
    "ddti": (trees.ddti, "1_1.jpg"),
    "camus": (trees.camus, "patient0001/patient0001_4CH_ES.nii.gz"),
}


@pytest.mark.parametrize("name", TREES)
def test_a_damaged_picture_and_what_belongs_to_none_are_told(tmp_path, name):
    write, file = TREES[name]
    root = write(tmp_path / "set")
    (root / file).write_bytes(b"no picture")
    folder = (root / file).parent
    (folder / "notes.doc").write_text("mine")
    (folder / "older").mkdir()
    done, refused = drafts(open_source(name, root))
    reasons = [*refused.values(), *(part.reason for d in done.values() for part in d.rejected)]
    assert len([reason for reason in reasons if "is missing or damaged" in reason]) == 1
    stray = sorted(key for key in refused if "notes.doc" in key or "older" in key)
    assert [key.partition(" ")[0] for key in stray] == ["file", "folder"]


@pytest.mark.parametrize("name", SOURCES)
def test_another_folder_is_told_apart(tmp_path, name):
    with pytest.raises(DataError, match=r"is not laid out as|holds no"):
        list(open_source(name, tmp_path).entries())
    with pytest.raises(DataError, match="does not exist"):
        open_source(name, tmp_path / "absent")


def test_an_unknown_set_lists_the_known_ones(tmp_path):
    with pytest.raises(OptionError, match="choose one of bus-bra, busi"):
        open_source("imagenet", tmp_path)


def test_every_set_names_its_licence_and_citation():
    for name, kind in SOURCES.items():
        source = kind(Path("x"))
        assert source.name == name
        assert source.licence
        assert source.citation
        assert source.title


def test_every_fact_of_the_drawn_sets_has_words_in_the_lexicon(tmp_path):
    known = set(names())
    for name, (write, _) in TREES.items():
        done, _ = drafts(open_source(name, write(tmp_path / name)))
        for draft in done.values():
            assert {fact.name for fact in draft.facts} <= known
