"""O-RADS US v2022 against its table: every row, the limits of size, and one row per description."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads.o_rads import CONTOURS, assess, lesions
from echovlm.rads.table import load

CYSTS = ("unilocular cyst", "bilocular cyst", "multilocular cyst")
TYPICAL = ("typical benign ovarian", "haemorrhagic cyst", "dermoid", "endometrioma")
EXTRA_OVARIAN = (
    "typical benign extra-ovarian",
    "paraovarian cyst",
    "peritoneal inclusion cyst",
    "hydrosalpinx",
)
BEFORE, AFTER = {"postmenopausal": False}, {"postmenopausal": True}


def of(lesion, size_mm=None, **more):
    return assess(lesion=lesion, max_diameter_mm=size_mm, **more)


CASES = [
    (("normal ovary",), {}, "1"),
    (("follicle", 30), BEFORE, "1"),
    (("corpus luteum", 30), BEFORE, "1"),
    (("simple cyst", 30), BEFORE, "1"),
    (("simple cyst", 30), AFTER, "2"),
    (("simple cyst", 30.1), {}, "2"),
    (("simple cyst", 99.9), {}, "2"),
    (("simple cyst", 100), {}, "3"),
    *[((kind, 99.9), {}, "2") for kind in CYSTS[:2] + TYPICAL],
    *[((kind, 100), {}, "3") for kind in CYSTS[:2] + TYPICAL],
    *[((kind,), {}, "2") for kind in EXTRA_OVARIAN],
    (("unilocular cyst",), {"contour": "irregular"}, "3"),
    (("bilocular cyst",), {"contour": "irregular"}, "4"),
    *[(("multilocular cyst", 99.9), {"colour_score": cs}, "3") for cs in (1, 2, 3)],
    *[(("multilocular cyst", 100), {"colour_score": cs}, "4") for cs in (1, 2, 3)],
    (("multilocular cyst", 20), {"colour_score": 4}, "4"),
    (("multilocular cyst", 200), {"colour_score": 4}, "4"),
    (("multilocular cyst",), {"contour": "irregular"}, "4"),
    (("unilocular cyst",), {"solid_component": True}, "4"),
    (("unilocular cyst",), {"papillary_projections": 3}, "4"),
    (("unilocular cyst",), {"papillary_projections": 4}, "5"),
    *[
        ((kind,), {"solid_component": True, "colour_score": cs}, "4" if cs < 3 else "5")
        for kind in CYSTS[1:]
        for cs in (1, 2, 3, 4)
    ],
    (("solid",), {"colour_score": 1}, "3"),
    *[(("solid",), {"colour_score": cs, "shadowing": True}, "3") for cs in (2, 3)],
    *[(("solid",), {"colour_score": cs, "shadowing": False}, "4") for cs in (2, 3)],
    (("solid",), {"colour_score": 4}, "5"),
    (("solid",), {"contour": "irregular"}, "5"),
]


@pytest.mark.parametrize(("lesion", "more", "category"), CASES)
def test_a_row_has_its_category(lesion, more, category):
    result = of(*lesion, **more)
    assert result.category == category
    assert result.management


def test_every_row_is_reached(unused_rows):
    results = [of(*lesion, **more) for lesion, more, _ in CASES]
    results += [
        of("simple cyst", 40, **BEFORE),
        of("simple cyst", 40, **AFTER),
        of("simple cyst", 60),
        of("bilocular cyst", 30, **BEFORE),
        of("bilocular cyst", 30, **AFTER),
        of("solid", colour_score=1, ascites_or_nodules=True),
        of("solid", complete=False),
    ]
    assert not unused_rows("o_rads", results)


RISKS = {
    "0": "not applicable",
    "1": "not applicable",
    "2": "<1 %",
    "3": "1-<10 %",
    "4": "10-<50 %",
    "5": ">=50 %",
}


def test_a_category_has_its_published_risk():
    for lesion, more, category in CASES:
        assert of(*lesion, **more).risk == RISKS[category]
    assert of("solid", complete=False).risk == RISKS["0"]


@pytest.mark.parametrize(
    ("lesion", "size_mm", "menopause", "management"),
    [
        ("simple cyst", 30, BEFORE, "none"),
        ("simple cyst", 30, AFTER, "none"),
        ("simple cyst", 50, BEFORE, "none"),
        ("simple cyst", 50, AFTER, "follow-up in 12 months"),
        ("simple cyst", 50.1, BEFORE, "follow-up in 12 months"),
        ("simple cyst", 50.1, AFTER, "follow-up in 12 months"),
        ("bilocular cyst", 30, BEFORE, "none"),
        ("bilocular cyst", 30, AFTER, "follow-up in 12 months"),
        ("bilocular cyst", 30.1, BEFORE, "follow-up in 6 months"),
        ("bilocular cyst", 30.1, AFTER, "follow-up in 6 months"),
    ],
)
def test_management_of_category_2_goes_by_size_and_menopause(
    lesion, size_mm, menopause, management
):
    assert of(lesion, size_mm, **menopause).management == (management,)


def test_where_menopause_decides_and_was_not_given_both_ways_are_told():
    assert of("simple cyst", 40).management == (
        "none (before menopause)",
        "follow-up in 12 months (after menopause)",
    )


def test_management_of_category_3_differs_for_solid_lesions():
    (cystic,) = of("unilocular cyst", contour="irregular").management
    (solid,) = of("solid", colour_score=1).management
    assert "MRI" in solid
    assert "MRI" not in cystic


def test_an_incomplete_examination_is_category_0_whatever_else():
    result = of("solid", complete=False, ascites_or_nodules=True)
    assert (result.category, result.management) == ("0", ("repeat ultrasound, or MRI",))


@pytest.mark.parametrize(("lesion", "more", "category"), CASES)
def test_ascites_makes_5_of_3_to_5_and_a_warning_of_1_and_2(lesion, more, category):
    result = of(*lesion, **more, ascites_or_nodules=True)
    assert result.category == ("5" if category in "345" else category)
    assert any("other causes" in said for said in result.warnings) is (category in "12")


@pytest.mark.parametrize(
    ("lesion", "more", "words"),
    [
        ("simple cyst", {}, "the largest diameter and whether menopause is over"),
        ("simple cyst", {"max_diameter_mm": 20}, "depends on whether menopause is over"),
        ("dermoid", {}, "depends on the largest diameter"),
        ("multilocular cyst", {"max_diameter_mm": 20}, "depends on the colour score"),
        ("bilocular cyst", {"solid_component": True}, "depends on the colour score"),
        ("solid", {}, "the colour score and whether it shadows"),
        ("solid", {"colour_score": 2}, "depends on whether it shadows"),
    ],
)
def test_a_missing_value_that_the_category_depends_on_is_named(lesion, more, words):
    with pytest.raises(RuleError, match=words):
        assess(lesion=lesion, **more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"lesion": "tumour"}, "choose one of normal ovary"),
        ({"lesion": "solid", "contour": "wavy"}, "choose one of smooth, irregular"),
        ({"lesion": "follicle", "max_diameter_mm": 30.1}, "describe this one"),
        ({"lesion": "follicle", "max_diameter_mm": 20, "postmenopausal": True}, "describe"),
        ({"lesion": "simple cyst", "contour": "irregular"}, "is smooth"),
        ({"lesion": "simple cyst", "solid_component": True}, "A solid component belongs to"),
        ({"lesion": "solid", "papillary_projections": 2}, "A solid component belongs to"),
        (
            {"lesion": "unilocular cyst", "papillary_projections": 2, "solid_component": False},
            "both or neither",
        ),
        ({"lesion": "solid", "colour_score": 0}, "colour_score must lie between 1 and 4"),
        ({"lesion": "solid", "colour_score": 5}, "colour_score must lie between 1 and 4"),
        ({"lesion": "solid", "papillary_projections": -1}, "papillary_projections"),
        ({"lesion": "normal ovary", "version": "v2020"}, "v2020 has other sizes"),
    ],
)
def test_what_is_impossible_is_told(more, words):
    with pytest.raises(RuleError, match=words):
        assess(**more)


def test_no_bad_number_is_a_size(bad_number):
    with pytest.raises(RuleError, match="max_diameter_mm"):
        of("dermoid", bad_number)


def test_flow_in_a_typical_benign_lesion_is_doubted():
    assert not of("dermoid", 40, colour_score=1).warnings
    assert "no inner flow" in of("dermoid", 40, colour_score=2).warnings[0]


SIZES = (5.0, 30.0, 30.1, 50.0, 99.9, 100.0, 300.0)


def test_a_complete_description_has_exactly_one_category():
    """Everything that is given by name is valid, or is refused for what it contradicts."""
    reached = set()
    flags = (False, True)
    for lesion, contour, size_mm, solid, projections, shadow, colour, menopause in product(
        lesions(), CONTOURS, SIZES, flags, (0, 3, 4), flags, (1, 2, 3, 4), flags
    ):
        is_cyst = lesion in CYSTS
        contradicts = (solid and not is_cyst) or (projections and not solid)
        contradicts |= lesion in ("simple cyst", "follicle") and contour == "irregular"
        contradicts |= lesion in ("follicle", "corpus luteum") and (size_mm > 30 or menopause)
        if contradicts:
            continue
        result = assess(
            lesion=lesion,
            contour=contour,
            max_diameter_mm=size_mm,
            solid_component=solid,
            papillary_projections=projections,
            shadowing=shadow,
            colour_score=colour,
            postmenopausal=menopause,
        )
        assert len(result.management) == 1
        reached.add(result.lesion)
    assert reached == {row["row"] for row in load("o_rads").group("lesions")}


@given(st.sampled_from(CYSTS[1:]), st.integers(1, 3), st.floats(1, 400))
def test_more_flow_never_lowers_the_category(lesion, score, size_mm):
    for solid in (False, True):
        one, more = (
            of(lesion, size_mm, solid_component=solid, colour_score=entry).category
            for entry in (score, score + 1)
        )
        assert more >= one


@given(st.sampled_from(CYSTS), st.sampled_from(CONTOURS), st.floats(1, 400), st.integers(1, 4))
def test_a_solid_component_or_an_irregular_wall_never_lowers_the_category(
    lesion, contour, size_mm, score
):
    plain = of(lesion, size_mm, contour=contour, colour_score=score).category
    assert of(lesion, size_mm, solid_component=True, colour_score=score).category >= plain
