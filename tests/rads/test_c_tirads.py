"""C-TIRADS 2020 against its table, row by row."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads.acr_tirads import words_of
from echovlm.rads.c_tirads import NEIGHBOURS, assess, without_nodule

PLAIN = {
    "composition": "mixed cystic and solid",
    "echogenicity": "isoechoic",
    "shape": "wider-than-tall",
    "margin": "smooth",
}
SUSPICIOUS = {
    "composition": "solid",
    "echogenicity": "very hypoechoic",
    "shape": "taller-than-wide",
    "margin": "irregular",
    "foci": ["punctate"],
}
CATEGORIES = {
    -1: ("2", "0 %"),
    0: ("3", "<2 %"),
    1: ("4A", "2-10 %"),
    2: ("4B", "10-50 %"),
    3: ("4C", "50-90 %"),
    4: ("4C", "50-90 %"),
    5: ("5", ">90 %"),
}


def scored(score):
    """A nodule of a score from 0 to 5."""
    return PLAIN | dict(list(SUSPICIOUS.items())[:score])


@pytest.mark.parametrize("feature", SUSPICIOUS)
def test_each_suspicious_feature_is_one_point(feature):
    result = assess(**PLAIN | {feature: SUSPICIOUS[feature]})
    assert (result.score, [line.points for line in result.trail]) == (1, [1])


@pytest.mark.parametrize(
    "margin", ["ill-defined", "lobulated", "irregular", "extrathyroidal extension"]
)
def test_every_margin_that_is_not_smooth_counts(margin):
    assert assess(**PLAIN | {"margin": margin}).score == 1


@pytest.mark.parametrize(
    "harmless",
    [
        {"echogenicity": "hypoechoic"},
        {"composition": "cannot be determined"},
        {"foci": ["macrocalcification"]},
        {"foci": ["peripheral"]},
    ],
)
def test_other_features_do_not_count(harmless):
    assert assess(**PLAIN | harmless).score == 0


def test_a_comet_tail_is_one_point_less():
    assert assess(**PLAIN, foci=["comet-tail"]).score == -1


def test_every_score_has_its_category_and_every_row_is_reached(unused_rows):
    results = [assess(**PLAIN, foci=["comet-tail"])]
    results += [assess(**scored(score), max_diameter_mm=20) for score in range(6)]
    for score, result in zip(CATEGORIES, results, strict=True):
        assert result.score == score
        assert (result.category, result.risk) == CATEGORIES[score]
    results += [without_nodule(), assess(**PLAIN, is_proven=True)]
    assert [result.category for result in results[-2:]] == ["1", "6"]
    assert results[-1].score is None
    assert not unused_rows("c_tirads", results)


@pytest.mark.parametrize(
    ("score", "threshold_mm", "at_risk_mm"),
    [(1, 15, 15), (2, 10, 5), (3, 10, 5), (4, 10, 5), (5, 10, 5)],
)
def test_fna_is_asked_for_above_the_size_of_the_category(score, threshold_mm, at_risk_mm):
    nodule = scored(score)
    assert assess(**nodule).fna is None
    assert assess(**nodule, max_diameter_mm=threshold_mm).fna is False
    assert assess(**nodule, max_diameter_mm=threshold_mm + 0.1).fna is True
    for risk in ({"multifocal": True}, *({"next_to": [place]} for place in NEIGHBOURS)):
        assert assess(**nodule, max_diameter_mm=at_risk_mm, **risk).fna is False
        assert assess(**nodule, max_diameter_mm=at_risk_mm + 0.1, **risk).fna is True


@pytest.mark.parametrize("nodule", [PLAIN, PLAIN | {"foci": ["comet-tail"]}])
def test_categories_2_and_3_ask_for_no_fna(nodule):
    assert assess(**nodule, max_diameter_mm=100).fna is False


def test_unknown_words_and_sizes_are_told(bad_number):
    with pytest.raises(RuleError, match="max_diameter_mm"):
        assess(**PLAIN, max_diameter_mm=bad_number)
    with pytest.raises(RuleError, match="capsule, trachea, recurrent laryngeal nerve"):
        assess(**PLAIN, next_to=["oesophagus"])


@given(
    st.fixed_dictionaries(
        {name: st.sampled_from(words_of(name)) for name in PLAIN}
        | {"foci": st.sets(st.sampled_from(words_of("foci")))}
    )
)
def test_every_description_gives_a_score_or_one_sentence(nodule):
    try:
        result = assess(**nodule)
    except RuleError:
        return
    assert result.score == sum(line.points for line in result.trail)
    assert (result.category, result.risk) == CATEGORIES[result.score]


def test_the_score_grows_with_every_feature_added():
    scores = [assess(**scored(count)).score for count in range(6)]
    assert scores == list(range(6))
    for chosen in product((False, True), repeat=5):
        nodule = PLAIN | {
            name: value
            for (name, value), is_so in zip(SUSPICIOUS.items(), chosen, strict=True)
            if is_so
        }
        assert assess(**nodule).score == sum(chosen)
