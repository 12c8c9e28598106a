"""BUS-BRA, BUSI and BUS-UC: what broken and unusual files of their layouts give."""

from __future__ import annotations

import json

import numpy as np
import trees
from drafting import drafts, stated, told
from PIL import Image

from echovlm.data.sources.catalogue import open_source


def bus_bra(root, rows):
    """Draw a BUS-BRA tree: one row is the name, case, side, histology and a box that fits."""
    lines = ["ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX"]
    for name, case, side, histology, box in rows:
        trees.still(root / "Images" / f"bus_{name}.png", len(name))
        trees.mask(root / "Masks" / f"mask_{name}.png")
        lines.append(
            f'bus_{name},{case},{histology},benign,4,GE,{trees.WIDTH},{trees.HEIGHT},{side},"{box}"'
        )
    (root / "bus_data.csv").write_text("\n".join(lines) + "\n")
    return root


FITS = json.dumps([46, 30, 37, 37])  # the drawn disc has centre 64, 48 and radius 18
CASE_7 = [("0007-l", 7, "left", "Cyst", FITS), ("0007-r", 7, "right", "Cyst", FITS)]


def test_a_bus_bra_case_holds_both_halves_of_the_screen(tmp_path):
    done, refused = drafts(open_source("bus-bra", bus_bra(tmp_path, CASE_7)))
    assert refused == {}
    draft = done["case-7"]
    assert draft.patient == "7"
    assert [picture.view for picture in draft.pictures] == [
        "left half of the screen",
        "right half of the screen",
    ]
    assert stated(draft) == {
        "anatomy": "breast",
        "lesion_present": True,
        "pathology": "benign",
        "histology": "cyst",
        "birads": "4",
    }
    assert {fact.image for fact in draft.facts if fact.origin == "mask"} == {0, 1}


def test_a_missing_half_leaves_the_other(tmp_path):
    root = bus_bra(tmp_path, CASE_7)
    (root / "Images" / "bus_0007-l.png").unlink()
    done, _ = drafts(open_source("bus-bra", root))
    draft = done["case-7"]
    assert [picture.view for picture in draft.pictures] == ["right half of the screen"]
    assert told(draft) == {"case-7 picture 1": "its picture bus_0007-l.png is missing or damaged"}
    assert {fact.image for fact in draft.facts if fact.origin == "mask"} == {0}


def test_a_case_without_a_usable_half_is_refused(tmp_path):
    root = bus_bra(tmp_path, CASE_7[:1])
    trees.mask(root / "Masks" / "mask_0007-l.png", np.zeros((trees.HEIGHT, trees.WIDTH), np.uint8))
    done, refused = drafts(open_source("bus-bra", root))
    assert done == {}
    assert refused == {"case-7": "its mask mask_0007-l.png is empty"}


def test_a_case_whose_rows_disagree_is_refused(tmp_path):
    rows = [CASE_7[0], ("0007-r", 7, "right", "lipoma", FITS)]
    _, refused = drafts(open_source("bus-bra", bus_bra(tmp_path, rows)))
    assert refused == {"case-7": "its rows disagree in Histology"}


def test_a_mask_elsewhere_than_its_box_is_left_out_and_told(tmp_path):
    box = json.dumps([2, 2, 30, 30])
    done, _ = drafts(
        open_source("bus-bra", bus_bra(tmp_path, [("0009-s", 9, "single", "cyst", box)]))
    )
    draft = done["case-9"]
    assert draft.pictures[0].mask is None
    assert list(told(draft)) == ["case-9 mask 1"]
    assert not stated(draft, "mask")


def test_busi(tmp_path):
    done, refused = drafts(open_source("busi", trees.busi(tmp_path / "Dataset_BUSI_with_GT")))
    assert len(done) == 8
    assert refused == {"malignant (10)": "its mask is missing"}
    assert list(done)[:3] == ["benign (1)", "benign (2)", "benign (10)"]
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


def test_a_busi_lesion_that_would_vanish_under_another_is_told(tmp_path):
    root = trees.busi(tmp_path)
    trees.mask(root / "benign" / "benign (2)_mask_1.png", trees.disc(radius=5))
    trees.mask(root / "benign" / "benign (1)_mask.png", np.zeros((96, 128), np.uint8))
    _, refused = drafts(open_source("busi", root))
    reason = "one of its masks is empty or lies inside another"
    assert refused["benign (2)"] == refused["benign (1)"] == reason


def test_a_busi_lesion_in_the_folder_normal_is_told(tmp_path):
    root = trees.busi(tmp_path)
    trees.mask(root / "normal" / "normal (1)_mask.png")
    _, refused = drafts(open_source("busi", root))
    assert refused["normal (1)"] == "a lesion is outlined, but it lies in the folder normal"


def test_a_busi_mask_with_an_alpha_channel_is_read(tmp_path):
    root = trees.busi(tmp_path)
    path = root / "benign" / "benign (1)_mask.png"
    Image.open(path).convert("RGBA").save(path)
    done, _ = drafts(open_source("busi", root))
    assert np.array_equal(done["benign (1)"].pictures[0].mask, trees.disc())


def test_bus_uc(tmp_path):
    root = trees.bus_uc(tmp_path)
    trees.still(root / "All" / "images" / "001.png", 1)
    (root / "Benign" / "masks" / "002.png").unlink()
    done, refused = drafts(open_source("bus-uc", root))
    assert refused == {"benign-002": "its mask 002.png is missing or damaged"}
    assert {key: stated(draft)["pathology"] for key, draft in done.items()} == {
        "benign-001": "benign",
        "malignant-001": "malignant",
        "malignant-002": "malignant",
    }


def test_a_mask_of_another_size_is_refused(tmp_path):
    root = trees.bus_uc(tmp_path)
    trees.mask(root / "Benign" / "masks" / "001.png", trees.disc()[:90])
    _, refused = drafts(open_source("bus-uc", root))
    assert refused == {"benign-001": "its mask is 128 x 90 pixels, the picture 128 x 96"}
