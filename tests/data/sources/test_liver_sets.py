"""AUL: outlines beside pictures of three classes."""

from __future__ import annotations

import json

import pytest
import trees
from drafting import drafts, stated

from echovlm.data.sources.catalogue import open_source


@pytest.fixture
def aul(tmp_path):
    corners = [list(corner) for corner in trees.CORNERS]
    for kind in ("Benign", "Malignant", "Normal"):
        trees.still(tmp_path / kind / "image" / "3.jpg", 1)
        parts = ("liver", "outline") if kind == "Normal" else ("mass", "liver", "outline")
        for part in parts:
            path = tmp_path / kind / "segmentation" / part / "3.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(corners))
    return tmp_path


def test_aul_fills_the_outline_of_the_mass(aul):
    done, refused = drafts(open_source("aul", aul))
    assert refused == {}
    mask = done["benign-3"].pictures[0].mask
    assert mask[48, 64] == 1
    assert mask[10, 10] == 0
    assert stated(done["malignant-3"])["pathology"] == "malignant"
    assert done["normal-3"].pictures[0].mask is None
    assert not [fact for fact in done["benign-3"].facts if fact.name == "margin"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "its outline 3.json is missing or damaged"),
        ("{", "its outline 3.json is missing or damaged"),
        ("[[1, 2], [3, 4]]", "its outline is no list of three or more points"),
        ('[["a", 2], [3, 4], [5, 6]]', "its outline is no list of points"),
        ("[[1, 2], [3], [5, 6]]", "its outline is no list of points"),
        ("[[NaN, 2], [3, 4], [5, 6]]", "its outline lies outside the picture"),
        ("[[900, 900], [950, 900], [900, 950]]", "its outline lies outside the picture"),
    ],
)
def test_an_outline_that_cannot_be_used_is_refused(aul, text, reason):
    path = aul / "Benign" / "segmentation" / "mass" / "3.json"
    path.unlink() if text is None else path.write_text(text)
    _, refused = drafts(open_source("aul", aul))
    assert refused == {"benign-3": reason}


def test_a_mass_in_the_folder_normal_is_refused(aul):
    path = aul / "Normal" / "segmentation" / "mass" / "3.json"
    path.parent.mkdir()
    path.write_text("[[1, 2], [30, 4], [5, 60]]")
    _, refused = drafts(open_source("aul", aul))
    assert refused == {"normal-3": "a mass is outlined, but it lies in the folder Normal"}
