"""CAMUS and MyHeart: views, masks, ejection fraction, colour Doppler."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import trees
from drafting import drafts, stated, told

from echovlm.data.sources.catalogue import open_source
from echovlm.terms import Mode


def test_camus(tmp_path):
    done, refused = drafts(open_source("camus", trees.camus(tmp_path / "database_nifti")))
    assert refused == {}
    for key, fraction in (("patient0001", 51.5), ("patient0002", 52.5)):
        draft = done[key]
        assert draft.rejected == ()
        assert [picture.view for picture in draft.pictures] == [
            "apical two-chamber, end-diastole",
            "apical two-chamber, end-systole",
            "apical four-chamber, end-diastole",
            "apical four-chamber, end-systole",
        ]
        assert draft.pictures[0].pixel_spacing_mm == pytest.approx((0.6, 0.3))
        assert np.array_equal(draft.pictures[0].mask, trees.disc() + trees.disc(radius=9))
        assert stated(draft)["ejection_fraction_percent"] == fraction
        structures = [fact.value for fact in draft.facts if fact.name == "structure"]
        assert structures == ["left ventricle", "myocardium"]


def test_a_damaged_volume_leaves_the_other_pictures(tmp_path):
    root = trees.camus(tmp_path)
    for file in (root / "patient0001").glob("*2CH_ED.nii.gz"):
        file.write_bytes(file.read_bytes()[:200])
    done, _ = drafts(open_source("camus", root))
    assert len(done["patient0001"].pictures) == 3
    assert told(done["patient0001"]) == {
        "patient0001 2CH_ED": "its file patient0001_2CH_ED.nii.gz is missing or damaged"
    }


def test_a_patient_without_a_readable_picture_is_refused(tmp_path):
    root = trees.camus(tmp_path)
    for file in (root / "patient0001").glob("*.nii.gz"):
        file.write_bytes(gzip.compress(b"short"))
    _, refused = drafts(open_source("camus", root))
    reason = "its file patient0001_2CH_ED.nii.gz is no single-file NIfTI-1"
    assert refused == {"patient0001": reason}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (None, "its mask is missing"),
        (np.zeros((96, 128)), "its mask is empty"),
        (np.full((96, 128), 7), "its mask holds a value without a known meaning"),
        (np.ones((90, 128)), "its mask is not as large as its picture"),
    ],
)
def test_a_mask_that_cannot_be_used_is_left_out_and_told(tmp_path, values, reason):
    root = trees.camus(tmp_path)
    path = root / "patient0001" / "patient0001_4CH_ES_gt.nii.gz"
    path.unlink()
    if values is not None:
        trees.nifti(path, values, 0.3)
    done, _ = drafts(open_source("camus", root))
    draft = done["patient0001"]
    assert [picture.mask is None for picture in draft.pictures] == [False, False, False, True]
    assert told(draft) == {"patient0001 4CH_ES mask": reason}


def test_patients_of_one_name_in_two_folders_stay_apart(tmp_path):
    trees.camus(tmp_path / "training")
    trees.camus(tmp_path / "testing")
    done, _ = drafts(open_source("camus", tmp_path))
    assert len({draft.patient for draft in done.values()}) == len(done) == 4
    assert "testing-patient0001" in done


def test_ejection_fractions_that_disagree_are_refused(tmp_path):
    root = trees.camus(tmp_path)
    (root / "patient0001" / "Info_4CH.cfg").write_text("ED: 1\nEF: 30\n")
    _, refused = drafts(open_source("camus", root))
    assert "disagree in the ejection fraction" in refused["patient0001"]


def test_the_loop_with_colour_doppler_is_told_from_the_others(shared_dir):
    source = open_source("my-heart", shared_dir / "ultrasound" / "heart" / "MyHeart")
    modes = {}
    for entry in source.entries():
        if entry.key in ("SDX000051", "SDX000053"):
            (modes[entry.key],) = {picture.mode for picture in source.draft(entry).pictures}
    assert modes == {"SDX000051": Mode.B_MODE, "SDX000053": Mode.COLOUR_DOPPLER}
