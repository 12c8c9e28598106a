"""KidneyStoneUS: pictures without their pseudo masks."""

from __future__ import annotations

from drafting import drafts, stated

from echovlm.data.sources.catalogue import open_source


def test_kidney_stones_come_without_the_pseudo_masks(shared_dir):
    root = shared_dir / "ultrasound" / "kidney" / "KidneyStoneUS"
    done, refused = drafts(open_source("kidney-stone-us", root))
    assert refused == {}
    assert len(done) == 11
    for draft in done.values():
        assert stated(draft) == {"anatomy": "kidney", "stone_present": True}
        assert draft.pictures[0].mask is None
