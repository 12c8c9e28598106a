"""DDTI and TN3K: descriptors, outlines and labels, and what damaged files give."""

from __future__ import annotations

import numpy as np
import pytest
import trees
from drafting import drafts, stated, told

from echovlm.data.sources.catalogue import open_source
from echovlm.errors import DataError


def test_ddti(tmp_path):
    done, refused = drafts(open_source("ddti", trees.ddti(tmp_path)))
    assert refused == {"case-3": "its file 3.xml is no XML"}
    assert list(done) == ["case-1", "case-12"]
    assert stated(done["case-1"]) == {
        "anatomy": "thyroid",
        "lesion_present": True,
        "echogenicity": "hypoechoic",
        "margin": "circumscribed",
        "calcification": "none",
        "tirads": "4A",
    }
    assert "tirads" not in stated(done["case-12"])
    first, second = done["case-1"].pictures
    assert first.mask.max() == 1
    assert second.mask is None


def test_ddti_is_found_in_its_folder_archive(tmp_path):
    trees.ddti(tmp_path / "archive")
    done, _ = drafts(open_source("ddti", tmp_path))
    assert list(done) == ["case-1", "case-12"]


def test_an_xml_file_with_entities_is_refused(tmp_path):
    root = trees.ddti(tmp_path)
    (root / "1.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><case>&b;</case>')
    _, refused = drafts(open_source("ddti", root))
    assert refused["case-1"] == "its file 1.xml declares entities"


@pytest.mark.parametrize(
    ("said", "margin"),
    [("ill- defined", "indistinct"), ("spiculated", "spiculated"), ("macrolobulated", None)],
)
def test_words_of_a_ddti_margin(tmp_path, said, margin):
    trees.ddti_case(tmp_path, 5, {1: trees.svg(trees.CORNERS)}, margins=said)
    done, _ = drafts(open_source("ddti", tmp_path))
    assert stated(done["case-5"]).get("margin") == margin


def test_a_case_without_outline_and_category_states_no_lesion(tmp_path):
    trees.ddti_case(tmp_path, 6, {}, tirads="")
    trees.ddti_case(tmp_path, 7, {}, tirads="3")
    done, _ = drafts(open_source("ddti", tmp_path))
    assert stated(done["case-6"]) == {"anatomy": "thyroid"}
    assert stated(done["case-7"])["tirads"] == "3"
    assert stated(done["case-7"])["lesion_present"] is True


def test_descriptors_of_one_of_several_nodules_are_not_stated(tmp_path):
    second = [(5, 5), (25, 5), (25, 20), (5, 20)]
    trees.ddti_case(tmp_path, 8, {1: trees.svg(trees.CORNERS, second)})
    done, _ = drafts(open_source("ddti", tmp_path))
    draft = done["case-8"]
    assert np.unique(draft.pictures[0].mask).tolist() == [0, 1, 2]
    assert {fact.name for fact in draft.facts} == {"anatomy", "lesion_present"}


@pytest.mark.parametrize(
    ("outline", "reason"),
    [
        ("[{]", "an outline of its XML file is damaged, so it is left out"),
        (trees.svg(trees.CORNERS[:2]), "its outline is no list of three or more points"),
        (
            trees.svg(trees.CORNERS, [(60, 45), (70, 45), (65, 50)]),
            "one of its outlines lies inside another, so none is kept",
        ),
    ],
)
def test_a_damaged_outline_leaves_the_picture_without_a_mask(tmp_path, outline, reason):
    trees.ddti_case(tmp_path, 9, {1: outline, 2: trees.svg(trees.CORNERS)})
    done, _ = drafts(open_source("ddti", tmp_path))
    draft = done["case-9"]
    assert [picture.mask is None for picture in draft.pictures] == [True, False]
    assert told(draft) == {"case-9 outline 9_1": reason}
    assert {fact.image for fact in draft.facts if fact.origin == "mask"} == {1}


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


def test_the_fringe_of_a_jpeg_mask_is_left_out(tmp_path):
    done, _ = drafts(open_source("tn3k", trees.tn3k(tmp_path)))
    mask = done["test-0000"].pictures[0].mask
    assert np.unique(mask).tolist() == [0, 1]
    assert np.mean(mask != trees.disc()) < 0.005


def test_a_damaged_line_of_labels_is_told(tmp_path):
    root = trees.tn3k(tmp_path)
    (root / "label4trainval.csv").write_text("0000.jpg,1\n0001.jpg,2\n")
    with pytest.raises(DataError, match=r"label4trainval.csv: is damaged in line 2"):
        list(open_source("tn3k", root).entries())
