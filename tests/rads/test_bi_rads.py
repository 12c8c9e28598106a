"""BI-RADS US 2013: the lexicon, the bands, and every check; a category is never computed."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads import bi_rads
from echovlm.rads.bi_rads import check, words_of

SUSPICIOUS = {
    ("shape", "irregular"),
    ("orientation", "not parallel"),
    ("margin", "not circumscribed"),
    ("margin", "indistinct"),
    ("margin", "angular"),
    ("margin", "microlobulated"),
    ("margin", "spiculated"),
    ("echogenicity", "complex cystic and solid"),
    ("posterior", "shadowing"),
}
BENIGN = {
    ("shape", "oval"),
    ("orientation", "parallel"),
    ("margin", "circumscribed"),
    ("echogenicity", "anechoic"),
    ("echogenicity", "hyperechoic"),
}
RISKS = {
    "0": "not applicable",
    "1": "0 %",
    "2": "0 %",
    "3": ">0 to <=2 %",
    "4": ">2 to <95 %",
    "4A": ">2 to <=10 %",
    "4B": ">10 to <=50 %",
    "4C": ">50 to <95 %",
    "5": ">=95 %",
    "6": "not applicable",
}
CHINESE = {
    "0": "不完整评估",
    "1": "阴性",
    "2": "良性",
    "3": "良性可能大",
    "4A": "低度可疑",
    "4B": "中度可疑",
    "4C": "高度可疑",
    "5": "高度提示恶性",
    "6": "活检证实恶性",
}
SIMPLE_CYST = {"echogenicity": "anechoic", "margin": "circumscribed", "posterior": "enhancement"}
CANCER = {"shape": "irregular", "margin": "spiculated", "orientation": "not parallel"}
LEXICON = [
    (feature, value)
    for feature in (*bi_rads.SINGLE, "calcification")
    for value in words_of(feature)
]


def said(feature, value):
    return {feature: [value] if feature == "calcification" else value}


@pytest.mark.parametrize(("feature", "value"), LEXICON)
def test_every_word_leans_as_the_table_says(feature, value):
    result = check(category="4A", **said(feature, value))
    assert bool(result.suspicious) == ((feature, value) in SUSPICIOUS)
    assert bool(result.benign) == ((feature, value) in BENIGN)


@pytest.mark.parametrize("category", RISKS)
def test_every_category_has_its_likelihood_and_name(category):
    result = check(category=category)
    assert result.risk == RISKS[category]
    assert result.zh == CHINESE.get(category, result.zh)
    assert result.computed is False
    assert result.consistent


@pytest.mark.parametrize(
    ("categories", "management"),
    [
        ("0", "recall for additional imaging"),
        ("1 2", "routine screening"),
        ("3", "follow-up in 6 months"),
        ("4 4A 4B 4C 5", "tissue diagnosis"),
        ("6", "excision when appropriate"),
    ],
)
def test_every_category_has_its_management(categories, management):
    for category in categories.split():
        assert check(category=category).management == management


@pytest.mark.parametrize("category", RISKS)
def test_a_simple_cyst_is_category_2(category):
    result = check(category=category, **SIMPLE_CYST)
    assert any("simple cyst" in line for line in result.warnings) == (category not in ("0", "2"))


@pytest.mark.parametrize("category", RISKS)
@pytest.mark.parametrize("pair", sorted(SUSPICIOUS))
def test_a_suspicious_feature_does_not_go_with_1_to_3(category, pair):
    result = check(category=category, **dict([pair]))
    warned = any("stated beside suspicious features" in line for line in result.warnings)
    assert warned == (category in ("1", "2", "3"))


@pytest.mark.parametrize("category", ["4", "4A", "4B", "4C"])
def test_category_4_needs_a_suspicious_feature(category):
    assert not check(category=category, shape="oval").consistent
    assert check(category=category, shape="irregular").consistent


@pytest.mark.parametrize("count", range(4))
def test_category_5_needs_three_suspicious_features(count):
    described = {"posterior": "none"} | dict(list(CANCER.items())[:count])
    assert check(category="5", **described).consistent == (count == 3)


def test_nothing_is_described_in_category_1():
    assert not check(category="1", shape="oval").consistent


@pytest.mark.parametrize(
    ("category", "inside", "outside"),
    [
        ("1", (0,), (0.1,)),
        ("2", (0,), (0.1,)),
        ("3", (0.1, 2), (0, 2.1)),
        ("4", (2.1, 94.9), (2, 95)),
        ("4A", (2.1, 10), (2, 10.1)),
        ("4B", (10.1, 50), (10, 50.1)),
        ("4C", (50.1, 94.9), (50, 95)),
        ("5", (95, 100), (94.9,)),
        ("0", (0, 100), ()),
        ("6", (0, 100), ()),
    ],
)
def test_a_stated_likelihood_lies_in_the_band(category, inside, outside):
    for percent in inside:
        assert check(category=category, risk_percent=percent).consistent
    for percent in outside:
        assert not check(category=category, risk_percent=percent).consistent


@pytest.mark.parametrize(("category", "percent"), [("4A", 25), ("4B", 55), ("4C", 50)])
def test_bands_of_older_texts_are_recognised(category, percent):
    (line,) = check(category=category, risk_percent=percent).warnings
    assert ("older texts" in line) == (category != "4C")


def test_every_row_is_reached(unused_rows):
    results = [check(category=category) for category in RISKS]
    results += [check(category="4A", **said(*pair)) for pair in LEXICON]
    results += [check(category="1", **CANCER), check(category="5", **SIMPLE_CYST)]
    results += [check(category="4", **SIMPLE_CYST), check(category="4A", risk_percent=20)]
    assert not unused_rows("bi_rads", results, without=("older_bands",))


@pytest.mark.parametrize("category", ["", "4D", "7", "-1", None, "benign", 4.5])
def test_an_unknown_category_is_told_with_the_known_ones(category):
    with pytest.raises(RuleError, match="choose one of 0, 1, 2, 3, 4"):
        check(category=category)


def test_categories_are_taken_in_any_case():
    assert check(category=" 4a ").category == "4A"


def test_other_editions_are_refused_by_name():
    with pytest.raises(RuleError, match=r"'v2025' .* use '2013'"):
        check(category="2", version="v2025")


def test_no_bad_number_is_a_likelihood(bad_number):
    with pytest.raises(RuleError, match="risk_percent"):
        check(category="4A", risk_percent=bad_number)


@given(
    st.sampled_from(list(RISKS)),
    st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(words_of(name)) for name in bi_rads.SINGLE}
    ),
)
def test_every_description_is_checked_and_none_is_graded(category, described):
    result = check(category=category, **described)
    assert (result.category, result.computed) == (category, False)
    assert result.consistent == (not result.warnings)
    assert '"computed":false' in result.model_dump_json()


def test_more_suspicion_never_clears_a_low_category():
    for category, (first, second) in product("123", product(sorted(SUSPICIOUS), repeat=2)):
        assert not check(category=category, **dict([first, second])).consistent
