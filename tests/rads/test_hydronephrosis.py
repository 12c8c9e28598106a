"""Hydronephrosis: SFU grades, UTD classes and Chinese words, row by row."""

from itertools import product

import pytest

from echovlm.errors import RuleError
from echovlm.rads.hydronephrosis import (
    CALYCES,
    PELVIS,
    degree_chinese,
    sfu,
    utd_antenatal,
    utd_postnatal,
)

ABNORMAL = ("parenchyma_abnormal", "ureter_abnormal", "bladder_abnormal")
BEFORE = ("normal", "A1", "A2-3")
AFTER = ("normal", "P1", "P2", "P3")


@pytest.mark.parametrize(
    ("pelvis", "calyces", "thin", "grade"),
    [
        ("normal", "none", False, 0),
        ("split", "none", False, 1),
        ("dilated", "none", False, 1),
        ("dilated", "central", False, 2),
        ("dilated", "peripheral", False, 3),
        ("dilated", "peripheral", True, 4),
    ],
)
def test_a_row_of_the_sfu_table_is_its_grade(pelvis, calyces, thin, grade):
    result = sfu(pelvis=pelvis, calyces=calyces, parenchyma_thin=thin)
    assert result.grade == grade


def test_every_sfu_description_has_a_grade_or_is_refused(unused_rows):
    results, refused = [], 0
    for pelvis, calyces, thin in product(PELVIS, CALYCES, (False, True)):
        try:
            results.append(sfu(pelvis=pelvis, calyces=calyces, parenchyma_thin=thin))
        except RuleError:
            refused += 1
    assert not unused_rows("hydronephrosis_sfu", results)
    assert refused == 5 + 4  # behind a normal pelvis; thin without peripheral calyces


def test_unknown_words_list_the_known_ones():
    with pytest.raises(RuleError, match="normal, split, dilated"):
        sfu(pelvis="wide")
    with pytest.raises(RuleError, match="none, central, peripheral"):
        utd_postnatal(aprpd_mm=5, calyces="all")


@pytest.mark.parametrize(
    ("weeks", "aprpd_mm", "category"),
    [
        (16, 3.9, "normal"),
        (16, 4, "A1"),
        (27.9, 6.9, "A1"),
        (27.9, 7, "A2-3"),
        (28, 6.9, "normal"),
        (28, 7, "A1"),
        (40, 9.9, "A1"),
        (40, 10, "A2-3"),
    ],
)
def test_the_pelvis_before_birth_is_classed_by_weeks(weeks, aprpd_mm, category):
    assert utd_antenatal(gestation_weeks=weeks, aprpd_mm=aprpd_mm).category == category


@pytest.mark.parametrize(
    ("aprpd_mm", "category"), [(9.9, "normal"), (10, "P1"), (14.9, "P1"), (15, "P2"), (60, "P2")]
)
def test_the_pelvis_after_birth_is_classed_by_width(aprpd_mm, category):
    assert utd_postnatal(aprpd_mm=aprpd_mm).category == category


@pytest.mark.parametrize(
    ("sign", "before", "after"),
    [
        ({"calyces": "central"}, "A1", "P1"),
        ({"calyces": "peripheral"}, "A2-3", "P2"),
        ({"ureter_abnormal": True}, "A2-3", "P2"),
        ({"parenchyma_abnormal": True}, "A2-3", "P3"),
        ({"bladder_abnormal": True}, "A2-3", "P3"),
    ],
)
def test_each_sign_has_its_class_on_its_own(sign, before, after):
    assert utd_antenatal(gestation_weeks=20, aprpd_mm=0, **sign).category == before
    assert utd_postnatal(aprpd_mm=0, **sign).category == after


def test_oligohydramnios_is_increased_risk():
    result = utd_antenatal(gestation_weeks=20, aprpd_mm=4, unexplained_oligohydramnios=True)
    assert (result.category, result.risk) == ("A2-3", "increased")
    assert result.decided_by == ("before birth: unexplained oligohydramnios",)


def every_utd():
    for size, calyces, *flags in product((0, 5, 8, 12, 20), CALYCES, *[(False, True)] * 3):
        signs = dict(zip(ABNORMAL, flags, strict=True)) | {"calyces": calyces, "aprpd_mm": size}
        yield signs, utd_postnatal(**signs)
        for weeks, dry in product((20, 30), (False, True)):
            yield (
                signs | {"weeks": weeks, "dry": dry},
                utd_antenatal(gestation_weeks=weeks, unexplained_oligohydramnios=dry, **signs),
            )


def test_every_row_of_utd_is_reached(unused_rows):
    assert not unused_rows("hydronephrosis_utd", [result for _, result in every_utd()])


def test_the_class_is_that_of_the_most_concerning_sign():
    for signs, result in every_utd():
        order = BEFORE if "weeks" in signs else AFTER
        worst = order.index(result.category)
        same = signs | {"aprpd_mm": 0, "calyces": "none"}
        weeks, dry = same.pop("weeks", None), same.pop("dry", None)
        alone = (
            utd_antenatal(gestation_weeks=weeks, unexplained_oligohydramnios=dry, **same)
            if weeks
            else utd_postnatal(**same)
        )
        assert worst >= order.index(alone.category)
        assert bool(result.decided_by) == (result.category != "normal")


def test_the_first_48_hours_are_warned_of():
    assert utd_postnatal(aprpd_mm=12, age_hours=47.9).warnings
    assert not utd_postnatal(aprpd_mm=12, age_hours=48).warnings


@pytest.mark.parametrize("weeks", [15.9, 43.1, float("nan")])
def test_weeks_outside_16_to_43_are_refused(weeks):
    with pytest.raises(RuleError, match="gestation_weeks"):
        utd_antenatal(gestation_weeks=weeks, aprpd_mm=5)


def test_no_bad_number_is_a_width(bad_number):
    for apply in (
        lambda: utd_antenatal(gestation_weeks=20, aprpd_mm=bad_number),
        lambda: utd_postnatal(aprpd_mm=bad_number),
        lambda: degree_chinese(pelvis_mm=bad_number),
    ):
        with pytest.raises(RuleError, match="_mm"):
            apply()


@pytest.mark.parametrize(
    ("pelvis_mm", "zh"),
    [
        (9.9, "未见积水"),
        (10, "轻度积水"),
        (19.9, "轻度积水"),
        (20, "中度积水"),
        (30, "中度积水"),
        (30.1, "重度积水"),
    ],
)
def test_chinese_words_go_by_the_width_of_the_pelvis(pelvis_mm, zh):
    assert degree_chinese(pelvis_mm=pelvis_mm).zh == zh


def test_chinese_words_and_signs_that_do_not_agree_are_told():
    assert not degree_chinese(pelvis_mm=15).warnings
    assert not degree_chinese(pelvis_mm=35, calyces_dilated=True, cortex_thin=True).warnings
    assert degree_chinese(pelvis_mm=15, calyces_dilated=True).warnings
    assert degree_chinese(pelvis_mm=25).warnings
    assert degree_chinese(pelvis_mm=35, calyces_dilated=True).warnings
