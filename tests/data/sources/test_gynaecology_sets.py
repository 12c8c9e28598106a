"""HC18 and MMOTU: sizes, circumferences and classes."""

from __future__ import annotations

import numpy as np
import pytest
import trees
from drafting import drafts, stated
from PIL import Image

from echovlm.data.sources.catalogue import open_source
from echovlm.errors import DataError

RADIUS, PIXEL_MM = 30.0, 0.5
CIRCUMFERENCE_MM = 2 * np.pi * RADIUS * PIXEL_MM


def hc18(root, circumference_mm=CIRCUMFERENCE_MM, kind="Annotation"):
    """Draw a head whose outline is one ring of pixels, as the set publishes it."""
    folder = root / "training_set"
    trees.still(folder / "012_2HC.png", 1)
    inside = trees.disc(radius=RADIUS - 1)
    ring = trees.disc(radius=RADIUS) - inside
    Image.fromarray(ring * 255).save(folder / f"012_2HC_{kind}.png")
    (root / "training_set_pixel_size_and_HC.csv").write_text(
        "filename,pixel size(mm),head circumference (mm)\n"
        f"012_2HC.png,{PIXEL_MM},{circumference_mm:.2f}\n"
    )
    return root


@pytest.mark.parametrize("kind", ["Annotation", "Mask"])
def test_hc18_fills_the_outline_and_states_the_table(tmp_path, kind):
    done, refused = drafts(open_source("hc18", hc18(tmp_path, kind=kind)))
    assert refused == {}
    draft = done["012_2HC"]
    assert draft.patient == "012"
    assert draft.pictures[0].pixel_spacing_mm == (PIXEL_MM, PIXEL_MM)
    assert np.array_equal(draft.pictures[0].mask, trees.disc(radius=RADIUS))
    assert stated(draft) == {
        "anatomy": "gynaecology",
        "structure": "fetal head",
        "head_circumference_mm": pytest.approx(CIRCUMFERENCE_MM, abs=0.01),
    }


def test_hc18_is_read_with_one_training_set_in_another(tmp_path):
    root = hc18(tmp_path)
    (root / "training_set").rename(root / "inner")
    (root / "training_set").mkdir()
    (root / "inner").rename(root / "training_set" / "training_set")
    assert list(drafts(open_source("hc18", root))[0]) == ["012_2HC"]


def test_an_outline_that_does_not_fit_the_table_is_refused(tmp_path):
    _, refused = drafts(open_source("hc18", hc18(tmp_path, 1.2 * CIRCUMFERENCE_MM)))
    assert refused == {"012_2HC": "its outline does not fit the circumference of the table"}


def test_a_table_without_numbers_is_told(tmp_path):
    root = hc18(tmp_path)
    (root / "training_set_pixel_size_and_HC.csv").write_text("name,size,hc\n012_2HC.png,small,1\n")
    with pytest.raises(DataError, match="is no table of name, pixel size and circumference"):
        list(open_source("hc18", root).entries())


def test_mmotu(tmp_path):
    done, refused = drafts(open_source("mmotu", trees.mmotu(tmp_path)))
    assert refused == {"4": "its class is missing or unknown"}
    assert stated(done["1"])["histology"] == "endometrioma"
    assert stated(done["1"])["pathology"] == "benign"
    assert stated(done["2"])["lesion_present"] is False
    assert not stated(done["2"], "mask")
    assert stated(done["3"])["pathology"] == "malignant"


def test_mmotu_is_opened_at_its_two_dimensional_part_too(tmp_path):
    root = trees.mmotu(tmp_path)
    done, _ = drafts(open_source("mmotu", root / "OTU_2d"))
    assert list(done) == ["1", "2", "3"]


def test_a_picture_that_a_class_list_names_but_the_folder_lacks_is_told(tmp_path):
    root = trees.mmotu(tmp_path)
    (root / "OTU_2d" / "val_cls.txt").write_text("3.JPG  7\n77.JPG  4\n")
    _, refused = drafts(open_source("mmotu", root))
    assert refused["77"] == "its mask 77_binary.PNG is missing or damaged"


def test_a_second_class_of_one_picture_is_told(tmp_path):
    root = trees.mmotu(tmp_path)
    (root / "OTU_2d" / "val_cls.txt").write_text("3.JPG  7\n1.JPG  4\n")
    with pytest.raises(DataError, match=r"val_cls.txt: gives a second class in line 2"):
        list(open_source("mmotu", root).entries())


@pytest.mark.parametrize("number", [2, 3])
def test_a_class_that_does_not_decide_gives_no_pathology(tmp_path, number):
    root = trees.mmotu(tmp_path)
    (root / "OTU_2d" / "train_cls.txt").write_text(f"1.JPG  {number}\n2.JPG  5\n")
    done, _ = drafts(open_source("mmotu", root))
    assert "histology" in stated(done["1"])
    assert "pathology" not in stated(done["1"])
