"""ACR TI-RADS 2017 against its table, row by row, and how the points behave."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads.acr_tirads import assess, growth, select, words_of

FEATURES = ("composition", "echogenicity", "shape", "margin")
POINTS = {
    "composition": {
        "cystic": 0,
        "spongiform": 0,
        "mixed cystic and solid": 1,
        "solid": 2,
        "cannot be determined": 2,
    },
    "echogenicity": {
        "anechoic": 0,
        "hyperechoic": 1,
        "isoechoic": 1,
        "cannot be determined": 1,
        "hypoechoic": 2,
        "very hypoechoic": 3,
    },
    "shape": {"wider-than-tall": 0, "taller-than-wide": 3},
    "margin": {
        "smooth": 0,
        "ill-defined": 0,
        "cannot be determined": 0,
        "lobulated": 2,
        "irregular": 2,
        "extrathyroidal extension": 3,
    },
    "foci": {"none": 0, "comet-tail": 0, "macrocalcification": 1, "peripheral": 2, "punctate": 3},
}
SOLID = {
    "composition": "solid",
    "echogenicity": "isoechoic",
    "shape": "wider-than-tall",
    "margin": "smooth",
}
LEVELS = {0: "TR1", 2: "TR2", 3: "TR3", 4: "TR4", 5: "TR4", 6: "TR4"}
BY_LEVEL = {
    "TR1": SOLID | {"composition": "spongiform"},
    "TR2": SOLID | {"composition": "mixed cystic and solid"},
    "TR3": SOLID,
    "TR4": SOLID | {"echogenicity": "hypoechoic", "margin": "irregular"},
    "TR5": SOLID | {"echogenicity": "hypoechoic", "shape": "taller-than-wide"},
}

nodules = st.fixed_dictionaries(
    {name: st.sampled_from(list(POINTS[name])) for name in FEATURES}
    | {"foci": st.sets(st.sampled_from(list(POINTS["foci"])))}
)


def of(nodule, **changes):
    """A result, or None where the rule refuses the description."""
    try:
        return assess(**nodule | changes)
    except RuleError:
        return None


def every_result():
    for values in product(*(POINTS[name] for name in FEATURES)):
        for count in range(3):
            for foci in combinations(POINTS["foci"], count):
                result = of(dict(zip(FEATURES, values, strict=True)), foci=foci)
                if result:
                    yield result


@pytest.mark.parametrize("feature", POINTS)
def test_the_words_of_a_feature_are_those_of_the_table(feature):
    assert set(words_of(feature)) == set(POINTS[feature])


def test_every_row_is_reached_with_its_points(unused_rows):
    results = list(every_result())
    for result in results:
        for line in result.trail:
            assert line.points == POINTS[line.feature][line.value]
        assert result.total == sum(line.points for line in result.trail)
        assert result.level == LEVELS.get(result.total, "TR5")
    assert not unused_rows("acr_tirads", results, without=("growth", "several"))


def test_kinds_of_echogenic_foci_add_up():
    result = assess(**SOLID, foci=["punctate", "macrocalcification", "punctate", "peripheral"])
    assert result.total == 3 + 1 + 2 + 3


def test_a_spongiform_nodule_stops_at_0():
    result = assess(
        composition="spongiform",
        echogenicity="hypoechoic",
        shape="taller-than-wide",
        margin="irregular",
        foci=["punctate"],
        max_diameter_mm=60,
    )
    assert (result.total, result.level, result.action) == (0, "TR1", "none")
    assert len(result.trail) == 1
    assert "is it spongiform?" in result.warnings[0]


@pytest.mark.parametrize("level", BY_LEVEL)
def test_a_level_carries_its_published_risk(level):
    risks = {"TR1": 0.3, "TR2": 1.5, "TR3": 4.8, "TR4": 9.1, "TR5": 35}
    result = assess(**BY_LEVEL[level])
    assert (result.level, result.risk_percent) == (level, risks[level])


@pytest.mark.parametrize(
    ("level", "size_mm", "action", "years"),
    [
        ("TR1", 200, "none", ()),
        ("TR2", 200, "none", ()),
        ("TR3", 14.9, "none", ()),
        ("TR3", 15, "follow-up", (1, 3, 5)),
        ("TR3", 24.9, "follow-up", (1, 3, 5)),
        ("TR3", 25, "FNA", ()),
        ("TR4", 9.9, "none", ()),
        ("TR4", 10, "follow-up", (1, 2, 3, 5)),
        ("TR4", 14.9, "follow-up", (1, 2, 3, 5)),
        ("TR4", 15, "FNA", ()),
        ("TR5", 4.9, "none", ()),
        ("TR5", 5, "follow-up", (1, 2, 3, 4, 5)),
        ("TR5", 9.9, "follow-up", (1, 2, 3, 4, 5)),
        ("TR5", 10, "FNA", ()),
    ],
)
def test_the_action_changes_at_the_size_of_the_level(level, size_mm, action, years):
    result = assess(**BY_LEVEL[level], max_diameter_mm=size_mm)
    assert (result.action, result.follow_up_years) == (action, years)


def test_without_a_size_there_is_an_action_only_where_size_does_not_matter():
    assert assess(**BY_LEVEL["TR2"]).action == "none"
    assert assess(**BY_LEVEL["TR5"]).action is None


@pytest.mark.parametrize(
    ("nodule", "words"),
    [
        (SOLID | {"echogenicity": "anechoic"}, "Only a cystic nodule is anechoic"),
        (SOLID | {"composition": "cystic"}, "A cystic nodule is anechoic"),
        (SOLID | {"foci": ["none", "punctate"]}, "'none' and something else"),
        (
            SOLID
            | {
                "composition": "cystic",
                "echogenicity": "anechoic",
                "foci": ["macrocalcification"],
            },
            "total of 1 is impossible",
        ),
        (SOLID | {"margin": "spiculated"}, "choose one of smooth, ill-defined"),
        (SOLID | {"foci": "punctate"}, "list of words"),
    ],
)
def test_contradictions_are_told(nodule, words):
    with pytest.raises(RuleError, match=words):
        assess(**nodule)


@given(nodules, st.none() | st.floats(allow_nan=True, allow_infinity=True))
def test_every_description_gives_a_result_or_one_sentence(nodule, size_mm):
    result = of(nodule, max_diameter_mm=size_mm)
    if result:
        assert result.total != 1
        assert (
            type(result).model_validate_json(
                result.model_dump_json(exclude={"needs_clinician_check"})
            )
            == result
        )


@given(nodules, st.sampled_from(FEATURES), st.data())
def test_a_worse_feature_never_lowers_points_or_level(nodule, feature, data):
    worse = data.draw(
        st.sampled_from(
            [
                value
                for value, points in POINTS[feature].items()
                if points >= POINTS[feature][nodule[feature]]
            ]
        )
    )
    before, after = of(nodule), of(nodule, **{feature: worse})
    spongiform = "spongiform" in (nodule["composition"], worse)
    if before and after and not spongiform:
        assert after.total >= before.total
        assert after.level >= before.level


@given(nodules, st.sampled_from(["macrocalcification", "peripheral", "punctate"]))
def test_another_kind_of_foci_never_lowers_the_points(nodule, kind):
    before = of(nodule)
    after = of(nodule, foci={*nodule["foci"], kind} - {"none"})
    if before and after:
        assert after.total >= before.total


@given(nodules, st.floats(0.1, 200), st.floats(0.1, 200))
def test_a_larger_nodule_is_never_followed_less(nodule, one_mm, other_mm):
    order = {"none": 0, "follow-up": 1, "FNA": 2}
    small, large = sorted((one_mm, other_mm))
    before, after = of(nodule, max_diameter_mm=small), of(nodule, max_diameter_mm=large)
    if before and after:
        assert order[after.action] >= order[before.action]


def test_no_bad_number_is_a_size(bad_number):
    with pytest.raises(RuleError, match="max_diameter_mm"):
        assess(**SOLID, max_diameter_mm=bad_number)


@pytest.mark.parametrize(
    ("before", "after", "has_grown"),
    [
        ((10, 10, 10), (12, 12, 10), True),
        ((10, 10, 10), (11.9, 12, 10), False),
        ((5, 5, 20), (6, 6, 20), False),  # 20 %, but 1 mm
        ((20, 20, 20), (22, 22, 20), False),  # 2 mm, but 10 %
        ((10, 10, 10), (15, 10, 10), True),  # 50 % in volume
        ((10, 10, 10), (14.9, 10, 10), False),
        ((3.5, 10, 10), (5.5, 12, 10), True),
        ((10, 10), (12, 12), True),
        ((10, 10), (15, 10), False),
    ],
)
def test_growth_is_two_dimensions_or_half_the_volume(before, after, has_grown, unused_rows):
    result = growth(before, after)
    assert result.has_grown is has_grown
    assert [used.row for used in result.provenance] == ["growth"]


@pytest.mark.parametrize("before", [(), (10,), (10, 10), (10, 10, 10, 10), (0, 10, 10)])
def test_growth_needs_the_same_diameters_twice(before):
    with pytest.raises(RuleError):
        growth(before, (10, 10, 10))


def test_at_most_four_are_reported_and_two_biopsied_by_points_not_by_size():
    large = assess(**BY_LEVEL["TR3"], max_diameter_mm=60)
    small = assess(**BY_LEVEL["TR5"], max_diameter_mm=11)
    tiny = assess(**BY_LEVEL["TR5"], max_diameter_mm=4)
    benign = assess(**BY_LEVEL["TR1"], max_diameter_mm=40)
    chosen = select([large, benign, small, tiny, small])
    assert chosen.reported == (2, 4, 3, 0)
    assert chosen.biopsied == (2, 4)
    assert [used.row for used in chosen.provenance] == ["several nodules"]
    assert select([]).reported == ()
