"""CCAUS and USGRA: masks of structures."""

from __future__ import annotations

import numpy as np
import trees
from drafting import drafts
from PIL import Image

from echovlm.data.sources.catalogue import open_source


def test_a_ccaus_picture_without_its_mask_is_refused(tmp_path):
    for number in (10, 9):
        trees.still(tmp_path / "US images" / f"2022010100VAS_slice_{number}.png", number)
        trees.mask(tmp_path / "Expert mask images" / f"2022010100VAS_slice_{number}.png")
    (tmp_path / "Expert mask images" / "2022010100VAS_slice_10.png").unlink()
    done, refused = drafts(open_source("ccaus", tmp_path))
    assert {key: draft.patient for key, draft in done.items()} == {
        "2022010100VAS_slice_9": "2022010100"
    }
    assert list(refused) == ["2022010100VAS_slice_10"]
    assert "is missing or damaged" in refused["2022010100VAS_slice_10"]


def test_usgra_says_that_the_meaning_of_its_values_is_inferred(tmp_path):
    for name, drawn in (
        ("0001", trees.disc() + trees.disc(radius=8)),
        ("0002", 3 * trees.disc()),
    ):
        trees.still(tmp_path / "images" / f"{name}.png", 1)
        path = tmp_path / "masks" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(drawn).save(path)
    done, refused = drafts(open_source("usgra", tmp_path))
    assert refused == {"0002": "its mask holds the value 3, which has no known meaning"}
    facts = [fact for fact in done["0001"].facts if fact.name == "structure"]
    assert [fact.value for fact in facts] == ["nerve", "vessel"]
    assert all("meaning inferred" in fact.source for fact in facts)
    assert np.unique(done["0001"].pictures[0].mask).tolist() == [0, 1, 2]


def test_every_usgra_mask_holds_known_values(shared_dir):
    _, refused = drafts(open_source("usgra", shared_dir / "ultrasound" / "vessel" / "USGRA"))
    assert refused == {}
