"""Carotid stenosis by the SRU consensus of 2003, and intima-media thickness, at their limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads.carotid import assess, degree, intima_media, unreliable_words

CLASSES = {"normal", "<50 %", "50-69 %", ">=70 %", "indeterminate"}


def of(psv, plaque, **more):
    return assess(psv_cm_per_s=psv, plaque_percent=plaque, **more)


@pytest.mark.parametrize(
    ("psv", "plaque", "stenosis", "zh"),
    [
        (124.9, 0, "normal", "未见狭窄"),
        (124.9, 0.1, "<50 %", "轻度狭窄"),
        (60, 49.9, "<50 %", "轻度狭窄"),
        (125, 50, "50-69 %", "中度狭窄"),
        (230, 60, "50-69 %", "中度狭窄"),
        (230.1, 60, ">=70 %", "重度狭窄"),
        (600, 99, ">=70 %", "重度狭窄"),
    ],
)
def test_velocity_and_plaque_give_the_class(psv, plaque, stenosis, zh):
    result = of(psv, plaque)
    assert (result.stenosis, result.zh, result.warnings) == (stenosis, zh, ())


@pytest.mark.parametrize(("psv", "plaque"), [(124.9, 50), (125, 49.9), (125, 0), (231, 20)])
def test_where_the_primary_parameters_disagree_nothing_is_guessed(psv, plaque):
    result = of(psv, plaque, ratio=3)
    assert result.stenosis == "indeterminate"
    assert result.supporting == {"ratio": "points to 50-69 %"}
    assert "a physician decides" in result.warnings[0]


@pytest.mark.parametrize("velocities", [{}, {"psv_cm_per_s": 0}, {"psv_cm_per_s": 300}])
def test_a_string_of_flow_is_near_occlusion_at_any_velocity(velocities):
    result = assess(flow="string", **velocities)
    assert result.stenosis == "near occlusion"
    assert not result.by_velocity


def test_no_flow_is_occlusion():
    assert assess(flow="absent", plaque_percent=100).zh == "闭塞"


@pytest.mark.parametrize(
    ("ratio", "edv", "psv", "plaque"),
    [
        (1.99, 39.9, 100, 30),
        (1.99, 39.9, 100, 0),
        (2.0, 40, 150, 60),
        (4.0, 100, 150, 60),
        (4.01, 100.1, 300, 80),
    ],
)
def test_supporting_parameters_agree_within_their_row(ratio, edv, psv, plaque):
    result = of(psv, plaque, ratio=ratio, edv_cm_per_s=min(edv, psv))
    assert result.supporting == {"ratio": "agrees", "edv": "agrees"}


@pytest.mark.parametrize(
    ("ratio", "edv", "psv", "plaque"),
    [(2.0, 40, 100, 30), (1.99, 39.9, 150, 60), (4.01, 100.1, 150, 60), (4.0, 100, 300, 80)],
)
def test_supporting_parameters_are_told_to_disagree_but_do_not_decide(ratio, edv, psv, plaque):
    result = of(psv, plaque, ratio=ratio, edv_cm_per_s=edv)
    assert result.supporting == {"ratio": "disagrees", "edv": "disagrees"}
    assert result.stenosis == of(psv, plaque).stenosis
    assert "Supporting parameters disagree" in result.warnings[0]


def test_the_ratio_follows_from_the_common_carotid_artery():
    result = of(200, 60, common_psv_cm_per_s=80)
    assert (result.ratio, result.supporting) == (2.5, {"ratio": "agrees"})


@pytest.mark.parametrize("condition", unreliable_words())
def test_an_unreliable_velocity_is_told(condition):
    result = of(150, 60, unreliable=[condition])
    assert condition in result.warnings[0]
    assert result.stenosis == "50-69 %"


@pytest.mark.parametrize(
    ("psv", "ratio", "allowed"),
    [
        (124.9, 3.0, ("normal", "<50 %")),
        (125, 1.99, ("normal", "<50 %")),
        (179.9, 1.99, ("normal", "<50 %")),
        (125, 2.0, ("50-69 %",)),
        (180, None, ("50-69 %",)),
        (180, 1.0, ("50-69 %",)),
        (230.1, 1.0, (">=70 %",)),
    ],
)
def test_the_proposed_modification_asks_for_180_or_a_ratio_of_2(psv, ratio, allowed):
    result = of(psv, 60, ratio=ratio, criteria="pmc8493430")
    assert result.by_velocity == allowed
    assert result.criteria == "pmc8493430"


def test_the_proposed_modification_needs_the_ratio_between_125_and_180():
    with pytest.raises(RuleError, match="need the ratio"):
        of(150, 60, criteria="pmc8493430")


def test_every_row_is_reached(unused_rows):
    results = [
        of(100, 0, ratio=1, edv_cm_per_s=20, unreliable=unreliable_words()),
        of(100, 30),
        of(150, 60, ratio=3, edv_cm_per_s=50),
        of(300, 80, ratio=5, edv_cm_per_s=120),
        of(300, 0),
        of(150, 20, ratio=1, criteria="pmc8493430"),
        assess(flow="string"),
        assess(flow="absent"),
    ]
    assert not unused_rows("carotid", results)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"psv_cm_per_s": 100}, "plaque_percent is needed"),
        ({"plaque_percent": 20}, "psv_cm_per_s is needed"),
        ({"psv_cm_per_s": 100, "plaque_percent": 20, "edv_cm_per_s": 101}, "cannot exceed"),
        ({"psv_cm_per_s": 0, "plaque_percent": 20}, "A velocity of 0"),
        ({"psv_cm_per_s": 100, "plaque_percent": 100}, "leaves no lumen"),
        ({"psv_cm_per_s": 100, "plaque_percent": 101}, "between 0 and 100"),
        ({"psv_cm_per_s": 1001, "plaque_percent": 60}, "between 0 and 1000"),
        ({"flow": "absent", "psv_cm_per_s": 20}, "Without flow"),
        ({"flow": "absent", "edv_cm_per_s": 20}, "Without flow"),
        ({"flow": "string", "plaque_percent": 0}, "the lumen is not free"),
        ({"flow": "slow"}, "choose one of present, string, absent"),
        ({"flow": "string", "unreliable": ["tired"]}, "choose one of tandem lesion"),
        ({"flow": "string", "criteria": "nascet"}, "choose one of sru-2003, pmc8493430"),
        (
            {"psv_cm_per_s": 99, "plaque_percent": 1, "ratio": 2, "common_psv_cm_per_s": 50},
            "not both",
        ),
        ({"psv_cm_per_s": 99, "plaque_percent": 1, "common_psv_cm_per_s": 0}, "above 0"),
        ({"flow": "string", "common_psv_cm_per_s": 50}, "The ratio needs psv_cm_per_s"),
    ],
)
def test_what_is_impossible_is_told(given, words):
    with pytest.raises(RuleError, match=words):
        assess(**given)


def test_no_bad_number_is_taken(bad_number):
    fine = {"psv_cm_per_s": 150, "plaque_percent": 60}
    for name in (*fine, "edv_cm_per_s", "ratio", "common_psv_cm_per_s"):
        with pytest.raises(RuleError, match=f"^{name} "):
            assess(**fine | {name: bad_number})


def test_a_velocity_in_metres_is_suspected():
    assert "in m/s" in of(1.5, 60).warnings[-1]


@given(st.floats(0.1, 1000), st.floats(0, 99.9))
def test_every_velocity_and_plaque_have_a_class(psv, plaque):
    result = of(psv, plaque)
    assert result.stenosis in CLASSES
    both = set(result.by_velocity) & set(result.by_plaque)
    assert both == (set() if result.stenosis == "indeterminate" else {result.stenosis})


@pytest.mark.parametrize(
    ("percent", "name", "zh"),
    [
        (0, "none", "未见狭窄"),
        (0.1, "mild", "轻度狭窄"),
        (49.9, "mild", "轻度狭窄"),
        (50, "moderate", "中度狭窄"),
        (69.9, "moderate", "中度狭窄"),
        (70, "severe", "重度狭窄"),
        (99.9, "severe", "重度狭窄"),
        (100, "occlusion", "闭塞"),
    ],
)
def test_a_reduction_of_the_diameter_has_its_word(percent, name, zh):
    result = degree(percent)
    assert (result.name, result.zh) == (name, zh)


@pytest.mark.parametrize(
    ("thickness_mm", "name", "zh"),
    [
        (0.1, "normal", "正常"),
        (0.99, "normal", "正常"),
        (1.0, "thickened", "增厚"),
        (1.49, "thickened", "增厚"),
        (1.5, "plaque", "斑块"),
        (20, "plaque", "斑块"),
    ],
)
def test_a_thickness_has_its_word(thickness_mm, name, zh):
    result = intima_media(thickness_mm)
    assert (result.name, result.zh) == (name, zh)


def test_a_diffuse_thickness_is_no_plaque():
    result = intima_media(1.6, focal=False)
    assert result.name == "thickened"
    assert "diffuse" in result.warnings[0]


def test_no_bad_number_is_a_thickness_or_a_degree(bad_number):
    with pytest.raises(RuleError, match="thickness_mm"):
        intima_media(bad_number)
    with pytest.raises(RuleError, match="percent"):
        degree(bad_number)
    with pytest.raises(RuleError, match="above 0"):
        intima_media(0)
