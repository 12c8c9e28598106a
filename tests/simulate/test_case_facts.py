"""Features first: facts, categories, reports and answers of a case say the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.facts import Origin, lexicon
from echovlm.facts.contradiction import ContradictionKind
from echovlm.facts.contradictions import check_text
from echovlm.report import measurement_spans
from echovlm.simulate import breast, gynaecology, heart, kidney, liver, thyroid, vessel
from echovlm.simulate.cases import LABELS, Case
from echovlm.simulate.facts import case_facts
from echovlm.study import Clip, Study
from echovlm.terms import Anatomy, Language

MODULES = {
    Anatomy.BREAST: breast,
    Anatomy.THYROID: thyroid,
    Anatomy.LIVER: liver,
    Anatomy.KIDNEY: kidney,
    Anatomy.HEART: heart,
    Anatomy.VESSEL: vessel,
    Anatomy.GYNAECOLOGY: gynaecology,
}
WITHOUT_WORDS = {"sfu_grade", "steatosis_grade"}


def case_of(label: str, seed: int) -> Case:
    """A case without pictures: features alone decide what is said."""
    anatomy = LABELS[label]
    features = MODULES[anatomy].sample(label, np.random.default_rng(seed))
    blank = Clip(np.zeros((1, 2, 2, 3), np.uint8))
    return Case(seed, anatomy, label, features, Study((blank,), name="simulated case"), ())


def values(case: Case, name: str) -> list:
    return [fact.value for fact in case_facts(case) if fact.name == name]


@settings(max_examples=120, deadline=None)
@given(label=st.sampled_from(sorted(LABELS)), seed=st.integers(0, 10**6))
def test_every_fact_has_words_in_both_languages(label, seed):
    for fact in case_facts(case_of(label, seed)):
        if fact.name in WITHOUT_WORDS:
            continue
        for language in Language:
            assert lexicon.words(fact.name, fact.value, language)


@settings(max_examples=150, deadline=None)
@given(label=st.sampled_from(sorted(LABELS)), seed=st.integers(0, 10**6))
def test_reports_agree_with_the_facts_and_themselves(label, seed):
    case = case_of(label, seed)
    for language in Language:
        assert check_text(case.report_text(language), case_facts(case), language) == ()


# A short answer leaves out what its question named, and its reader takes it for another thing: the
# article of "there is a nodule" for a count, the endometrium for the fibroid, a neighbouring vessel
# or the septum of a cyst for the organ examined.
READ_WITHOUT_THE_QUESTION = {
    *((topic, ContradictionKind.SINGLE_MULTIPLE) for topic in ("lesion", "plaque", "cyst")),
    ("composition", ContradictionKind.SINGLE_MULTIPLE),
    ("endometrium", ContradictionKind.DESCRIPTOR),
    *((topic, ContradictionKind.ORGAN) for topic in ("jugular", "septum", "contents")),
}


@settings(max_examples=150, deadline=None)
@given(label=st.sampled_from(sorted(LABELS)), seed=st.integers(0, 10**6))
def test_answers_agree_with_the_facts(label, seed):
    case = case_of(label, seed)
    for language in Language:
        for question in case.questions(language):
            found = check_text(question.answer, case_facts(case), language)
            kinds = {(question.topic, contradiction.kind) for contradiction in found}
            assert kinds <= READ_WITHOUT_THE_QUESTION


@pytest.mark.parametrize("label", sorted(LABELS))
def test_the_study_states_label_lesions_and_pathology(label):
    case = case_of(label, 3)
    assert values(case, "anatomy") == [case.anatomy.value]
    assert values(case, "diagnosis") == [label]
    if label.endswith("-normal"):
        assert values(case, "pathology") == ["normal"]
        assert values(case, "lesion_present") in ([False], [])
    counts = values(case, "lesion_count")
    lesions = {fact.lesion for fact in case_facts(case)} - {None}
    assert lesions == set(range(1, (counts[0] if counts else 0) + 1))


def test_a_suspicious_nodule_is_not_called_malignant():
    assert values(case_of("thyroid-suspicious", 1), "pathology") == []
    assert values(case_of("breast-malignant", 1), "pathology") == ["malignant"]


@pytest.mark.parametrize("seed", range(12))
def test_ti_rads_follows_from_the_features_by_rule(seed):
    suspicious = case_of("thyroid-suspicious", seed)
    signs = suspicious.features
    points = 2 + (3 if signs.echogenicity == "very hypoechoic" else 2)
    points += 3 * (signs.shape == "taller-than-wide")
    points += 2 * (signs.margin == "irregular") + 3 * (signs.foci == "punctate")
    assert values(suspicious, "tirads") == ["5" if points >= 7 else "4"]
    assert values(case_of("thyroid-spongiform", seed), "tirads")[0] == "1"
    assert values(case_of("thyroid-benign-solid", seed), "tirads") == ["3"]


@pytest.mark.parametrize("seed", range(12))
def test_grades_by_rule_are_the_grades_that_were_drawn(seed):
    dilated = case_of("kidney-hydronephrosis", seed)
    assert values(dilated, "sfu_grade") == [dilated.features.sfu_grade]
    fatty = case_of("liver-steatosis", seed)
    assert values(fatty, "steatosis_grade") == [fatty.features.grade]
    for label, category in (("ovary-cyst", "2"), ("ovary-follicles", "1")):
        ovary = case_of(label, seed)
        assert values(ovary, "orads") == [category]
        assert f"O-RADS {category}" in ovary.impression(Language.ENGLISH)


def test_categories_carry_the_rule_and_the_rest_its_sampling():
    origins = {fact.name: fact.origin for fact in case_facts(case_of("thyroid-suspicious", 2))}
    assert origins["tirads"] is Origin.RULE
    assert {origin for name, origin in origins.items() if name != "tirads"} == {Origin.SIMULATED}


def test_sizes_are_facts_but_stand_in_no_text():
    case = case_of("breast-malignant", 5)
    assert values(case, "size_long_mm")[0] == pytest.approx(case.features.lesion_long_mm, abs=0.02)
    assert measurement_spans(case.report_text(Language.ENGLISH)) == []
