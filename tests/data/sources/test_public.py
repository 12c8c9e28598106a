"""Public sets: what the published layouts state becomes facts, and nothing is dropped silently."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import trees

from echovlm.data.sources.catalogue import SOURCES, open_source
from echovlm.data.sources.source import Draft, Reject
from echovlm.errors import DataError, OptionError
from echovlm.facts.lexicon import names


def drafts(source) -> tuple[dict[str, Draft], dict[str, str]]:
    """Every entry drafted: drafts and reasons by key."""
    done, refused = {}, {}
    for entry in source.entries():
        try:
            done[entry.key] = source.draft(entry)
        except Reject as refusal:
            refused[entry.key] = refusal.reason
    return done, refused


def stated(draft: Draft, origin: str = "label") -> dict[str, object]:
    return {fact.name: fact.value for fact in draft.facts if fact.origin == origin}


def every_nth(source, count: int) -> list[Draft]:
    entries = list(source.entries())
    return [source.draft(entry) for entry in entries[:: max(1, len(entries) // count)]]


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


def test_carotid_acquisitions_stay_together(shared_dir):
    source = open_source("ccaus", shared_dir / "ultrasound" / "vessel" / "CCAUS")
    found = [source.draft(entry) for entry in source.entries()]
    assert len({draft.patient for draft in found}) == 8
    assert {fact.name for draft in found for fact in draft.facts} == {"anatomy", "structure"}


# --- sets drawn in their layouts -------------------------------------------------------------


def test_busi(tmp_path):
    done, refused = drafts(open_source("busi", trees.busi(tmp_path / "Dataset_BUSI_with_GT")))
    assert len(done) == 8
    assert refused == {"malignant (10)": "its mask is missing"}
    assert stated(done["normal (1)"]) == {
        "anatomy": "breast",
        "pathology": "normal",
        "lesion_present": False,
    }
    assert np.unique(done["benign (2)"].pictures[0].mask).tolist() == [0, 1, 2]
    assert {fact.lesion for fact in done["benign (2)"].facts} == {None, 1, 2}


def test_busi_is_found_one_folder_below(tmp_path):
    trees.busi(tmp_path / "Dataset_BUSI_with_GT")
    assert len(list(open_source("busi", tmp_path).entries())) == 9


def test_bus_uc(tmp_path):
    done, refused = drafts(open_source("bus-uc", trees.bus_uc(tmp_path)))
    assert refused == {}
    assert {key: stated(draft)["pathology"] for key, draft in done.items()} == {
        "benign-001": "benign",
        "benign-002": "benign",
        "malignant-001": "malignant",
        "malignant-002": "malignant",
    }


def test_ddti(tmp_path):
    done, refused = drafts(open_source("ddti", trees.ddti(tmp_path)))
    assert refused == {"case-3": "its file 3.xml is no XML"}
    assert list(done) == ["case-1", "case-12"]
    facts = stated(done["case-1"])
    assert (facts["echogenicity"], facts["margin"]) == ("hypoechoic", "circumscribed")
    assert (facts["calcification"], facts["tirads"]) == ("none", "4A")
    assert "tirads" not in stated(done["case-12"])
    first, second = done["case-1"].pictures
    assert first.mask.max() == 1
    assert second.mask is None


def test_an_xml_file_with_entities_is_refused(tmp_path):
    root = trees.ddti(tmp_path)
    (root / "1.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><case>&b;</case>')
    _, refused = drafts(open_source("ddti", root))
    assert refused["case-1"] == "its file 1.xml declares entities"


def test_tn3k(tmp_path):
    done, refused = drafts(open_source("tn3k", trees.tn3k(tmp_path)))
    assert refused == {}
    pathology = {key: stated(draft).get("pathology") for key, draft in done.items()}
    assert pathology == {
        "trainval-0000": "malignant",
        "trainval-0001": "benign",
        "test-0000": None,
        "test-0001": None,
    }


def test_mmotu(tmp_path):
    done, refused = drafts(open_source("mmotu", trees.mmotu(tmp_path)))
    assert refused == {"4": "its class is missing or unknown"}
    assert stated(done["1"])["histology"] == "endometriotic cyst"
    assert stated(done["2"])["lesion_present"] is False
    assert stated(done["3"])["pathology"] == "malignant"


def test_camus(tmp_path):
    done, refused = drafts(open_source("camus", trees.camus(tmp_path)))
    assert refused == {}
    for key, fraction in (("patient0001", 51.5), ("patient0002", 52.5)):
        draft = done[key]
        assert len(draft.pictures) == 4
        assert draft.pictures[0].view == "apical two-chamber, end-diastole"
        assert draft.pictures[0].pixel_spacing_mm == pytest.approx((0.6, 0.3))
        assert np.unique(draft.pictures[0].mask).tolist() == [0, 1, 2]
        assert np.array_equal(draft.pictures[0].mask, trees.disc() + trees.disc(radius=9))
        assert stated(draft)["ejection_fraction_percent"] == fraction


def test_a_damaged_volume_is_refused(tmp_path):
    root = trees.camus(tmp_path)
    for file in (root / "patient0001").glob("*2CH_ED.nii.gz"):
        file.write_bytes(file.read_bytes()[:200])
    _, refused = drafts(open_source("camus", root))
    assert refused == {"patient0001": "its file patient0001_2CH_ED.nii.gz is missing or damaged"}


# --- what is not there, or does not belong ---------------------------------------------------

TREES = {
    "busi": (trees.busi, "benign/benign (1).png"),
    "bus-uc": (trees.bus_uc, "Benign/images/001.png"),
    "tn3k": (trees.tn3k, "test-image/0000.jpg"),
    "mmotu": (trees.mmotu, "OTU_2d/images/1.JPG"),
}


@pytest.mark.parametrize("name", TREES)
def test_a_damaged_picture_and_a_stray_file_are_told(tmp_path, name):
    write, file = TREES[name]
    root = write(tmp_path / "set")
    (root / file).write_bytes(b"no picture")
    (root / file).parent.joinpath("notes.doc").write_text("mine")
    done, refused = drafts(open_source(name, root))
    assert any("is missing or damaged" in reason for reason in refused.values())
    stray = [key for key in {**refused, **done} if "notes.doc" in key or key.endswith("notes")]
    assert len(stray) == 1
    assert stray[0] in refused


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
