"""Simulated cases as a source: even labels, wide settings, truth beside every picture."""

from __future__ import annotations

import itertools
import pickle
from collections import Counter

import numpy as np
import pytest

from echovlm.data.sources.simulated import Simulated
from echovlm.errors import OptionError
from echovlm.facts import Origin
from echovlm.simulate.cases import LABELS, make_case
from echovlm.simulate.scanner import Variation
from echovlm.terms import Language, Mode


def entry_of(source: Simulated, kind: str):
    return next(entry for entry in source.entries() if entry.values["kind"] == kind)


def test_labels_and_studies_are_dealt_evenly():
    kinds = Counter(entry.values["kind"] for entry in Simulated(87).entries())
    assert set(kinds) == {*LABELS, "heart-cine", "carotid-doppler", "nodule-doppler"}
    assert set(kinds.values()) == {3}


def test_some_patients_come_twice_and_none_three_times():
    visits = Counter(entry.values["patient"] for entry in Simulated(200).entries())
    assert set(visits.values()) == {1, 2}
    assert 15 < sum(count == 2 for count in visits.values()) < 60


def test_entries_are_the_same_each_time_and_unique():
    source = Simulated(60, seed=4)
    entries = list(source.entries())
    assert entries == list(source.entries())
    assert len({entry.key for entry in entries}) == len(entries) == 60
    assert len({entry.values["seed"] for entry in entries}) == 60
    other = list(Simulated(60, seed=5).entries())
    assert [entry.values for entry in other] != [entry.values for entry in entries]


def test_a_longer_source_begins_like_a_shorter_one():
    assert list(itertools.islice(Simulated(500).entries(), 40)) == list(Simulated(40).entries())


def test_seeds_lie_apart_from_those_of_the_shipped_network():
    assert min(entry.values["seed"] for entry in Simulated(300).entries()) >= 1 << 30


def test_a_draft_holds_both_languages_and_the_facts_of_the_case():
    source = Simulated(60)
    entry = entry_of(source, "thyroid-suspicious")
    draft = source.draft(entry)
    case = make_case(entry.values["seed"], "thyroid-suspicious", variation=Variation.WIDE)
    assert draft.anatomy == case.anatomy
    assert {report.language for report in draft.reports} == set(Language)
    for report in draft.reports:
        assert report.findings == case.findings(report.language)
        assert report.impression == case.impression(report.language)
        assert report.origin is Origin.SIMULATED
    asked = [text for text in draft.asked if text.language is Language.ENGLISH]
    assert [text.answer for text in asked] == [q.answer for q in case.questions(Language.ENGLISH)]
    named = {fact.name: fact.value for fact in draft.facts}
    assert named["diagnosis"] == "thyroid-suspicious"
    assert named["laterality"] == case.features.side
    assert len(draft.pictures) == len(case.images)
    assert draft.pictures[0].view == "transverse"
    assert draft.pictures[0].pixel_spacing_mm == pytest.approx((case.images[0].spacing_mm,) * 2)


def test_equal_entries_give_equal_pictures():
    source = Simulated(60)
    entry = entry_of(source, "breast-cyst")
    for one, other in zip(source.draft(entry).pictures, source.draft(entry).pictures, strict=True):
        assert np.array_equal(one.pixels, other.pixels)


def test_annotated_pictures_hold_the_same_picture_in_a_frame():
    bare, framed = Simulated(60, annotated=0.0), Simulated(60, annotated=1.0)
    entry = entry_of(bare, "liver-cyst")
    small, large = bare.draft(entry).pictures[0], framed.draft(entry).pictures[0]
    assert small.pixels.ndim == 2
    assert large.pixels.ndim == 3
    assert large.pixels.shape[0] > small.pixels.shape[0]
    assert large.pixel_spacing_mm == small.pixel_spacing_mm


def test_a_beating_heart_gives_frames_in_time():
    source = Simulated(60)
    draft = source.draft(entry_of(source, "heart-cine"))
    assert len(draft.pictures) > 1
    assert all(picture.frame_time_ms for picture in draft.pictures)
    assert draft.pictures[0].view == "apical four-chamber"
    assert any(fact.name == "ejection_fraction_percent" for fact in draft.facts)


def test_a_doppler_study_gives_colour_and_spectrum():
    source = Simulated(60)
    draft = source.draft(entry_of(source, "carotid-doppler"))
    assert [picture.mode for picture in draft.pictures] == [
        Mode.COLOUR_DOPPLER,
        Mode.SPECTRAL_DOPPLER,
    ]
    assert draft.pictures[0].pixels.ndim == 3


def test_settings_and_pickles_carry_every_option():
    source = Simulated(5, seed=2, variation=Variation.NARROW, annotated=0.25)
    assert source.settings() == {"cases": 5, "seed": 2, "variation": "narrow", "annotated": 0.25}
    assert pickle.loads(pickle.dumps(source)) == source


def test_a_source_without_cases_is_refused():
    with pytest.raises(OptionError, match="0 is no number of cases"):
        Simulated(0)
