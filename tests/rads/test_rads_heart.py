"""The heart against its tables, cell by cell at its limits; formulas; impossible values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads.heart import (
    REFERENCE_SETS,
    aortic_stenosis,
    effusion,
    ejection_fraction,
    grade,
    parameters,
)
from echovlm.rads.heart_formulas import (
    area_length_volume_ml,
    fraction_percent,
    ventricular_mass,
)

CHINESE = REFERENCE_SETS[1]
DEGREES = ("normal", "mildly abnormal", "moderately abnormal", "severely abnormal")
UPPER = {  # lower bound of normal, then upper bounds of normal, mild and moderate
    ("lvidd", "male"): (42, 58, 63, 68),
    ("lvidd", "female"): (38, 52, 56, 61),
    ("lvids", "male"): (25, 40, 43, 45),
    ("lvids", "female"): (22, 35, 38, 41),
    ("lvedv", "male"): (62, 150, 174, 200),
    ("lvedv", "female"): (46, 106, 120, 130),
    ("lvedv_index", "male"): (34, 74, 89, 100),
    ("lvedv_index", "female"): (29, 61, 70, 80),
    ("lvesv", "male"): (21, 61, 73, 85),
    ("lvesv", "female"): (14, 42, 55, 67),
    ("la_volume_index", "male"): (16, 34, 41, 48),
    ("la_volume_index", "female"): (16, 34, 41, 48),
    ("lv_mass_index", "male"): (49, 115, 131, 148),
    ("lv_mass_index", "female"): (43, 95, 108, 121),
    ("ivsd", "male"): (6, 10, 13, 16),
    ("ivsd", "female"): (6, 9, 12, 15),
    ("pwd", "male"): (6, 10, 13, 16),
    ("pwd", "female"): (6, 9, 12, 15),
}


@pytest.mark.parametrize(("parameter", "sex"), UPPER)
def test_a_size_changes_its_grade_at_the_printed_bounds(parameter, sex):
    low, *uppers = UPPER[parameter, sex]

    def said(value):
        return grade(parameter=parameter, value=value, sex=sex).grade

    assert (said(low - 1), said(low)) == ("below normal", "normal")
    for upper, inside, outside in zip(uppers, DEGREES, DEGREES[1:], strict=False):
        assert (said(upper), said(upper + 1)) == (inside, outside)


@pytest.mark.parametrize(
    ("sex", "percent", "said"),
    [
        ("male", 73, "above normal"),
        ("male", 72, "normal"),
        ("male", 52, "normal"),
        ("male", 51, "mildly abnormal"),
        ("male", 41, "mildly abnormal"),
        ("male", 40, "moderately abnormal"),
        ("male", 30, "moderately abnormal"),
        ("male", 29, "severely abnormal"),
        ("female", 75, "above normal"),
        ("female", 74, "normal"),
        ("female", 54, "normal"),
        ("female", 53, "mildly abnormal"),
        ("female", 41, "mildly abnormal"),
        ("female", 40, "moderately abnormal"),
        ("female", 30, "moderately abnormal"),
        ("female", 29, "severely abnormal"),
    ],
)
def test_an_ejection_fraction_has_its_grade(sex, percent, said):
    assert ejection_fraction(sex=sex, percent=percent).grade == said


@pytest.mark.parametrize(
    ("percent", "phenotype"),
    [(40, "reduced"), (41, "mildly reduced"), (49, "mildly reduced"), (50, "preserved")],
)
def test_an_ejection_fraction_has_its_phenotype(percent, phenotype):
    assert ejection_fraction(sex="male", percent=percent).phenotype == phenotype


@pytest.mark.parametrize(
    ("value", "said"), [(51.4, "mildly abnormal"), (51.5, "normal"), (58.4, "normal")]
)
def test_a_value_between_two_printed_rows_is_rounded_and_that_is_told(value, said):
    parameter = "ef" if value < 55 else "lvidd"
    result = grade(parameter=parameter, value=value, sex="male")
    assert result.grade == said
    assert "between two rows" in result.warnings[0]
    assert not grade(parameter="lvidd", value=50.4, sex="male").warnings


@pytest.mark.parametrize("sex", ["male", "female"])
@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("rv_basal", 24.9, "below normal"),
        ("rv_basal", 25, "normal"),
        ("rv_basal", 41, "normal"),
        ("rv_basal", 41.1, "abnormal"),
        ("tapse", 16.9, "abnormal"),
        ("tapse", 17, "normal"),
        ("rv_fac", 34.9, "abnormal"),
        ("rv_fac", 35, "normal"),
        ("rv_s_prime", 9.4, "abnormal"),
        ("rv_s_prime", 9.5, "normal"),
        ("ra_area", 18, "normal"),
        ("ra_area", 18.1, "abnormal"),
    ],
)
def test_the_right_heart_is_normal_or_not(sex, parameter, value, said):
    assert grade(parameter=parameter, value=value, sex=sex).grade == said


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("ef", 50, "abnormal"),
        ("ef", 50.1, "normal"),
        ("lvidd", 34.9, "below normal"),
        ("lvidd", 35, "normal"),
        ("lvidd", 55, "normal"),
        ("lvidd", 55.1, "abnormal"),
        ("la_diameter", 34.9, "normal"),
        ("la_diameter", 35, "differs between hospitals"),
        ("la_diameter", 40, "abnormal"),
        *[
            (wall, value, said)
            for wall in ("ivsd", "pwd")
            for value, said in (
                (5.9, "below normal"),
                (6, "normal"),
                (11, "normal"),
                (12, "differs between hospitals"),
                (12.1, "abnormal"),
            )
        ],
        ("pasp", 29.9, "normal"),
        ("pasp", 30, "differs between hospitals"),
        ("pasp", 35, "abnormal"),
    ],
)
def test_the_chinese_table_serves_both_sexes_without_degrees(parameter, value, said):
    result = grade(parameter=parameter, value=value, reference_set=CHINESE)
    assert (result.grade, result.sex, result.reference_set) == (said, "either", CHINESE)


def test_the_two_reference_sets_disagree_where_they_do():
    """53 mm in a woman: mildly abnormal by ASE/EACVI 2015, normal by the single table."""
    assert grade(parameter="lvidd", value=53, sex="female").grade == "mildly abnormal"
    assert grade(parameter="lvidd", value=53, reference_set=CHINESE).grade == "normal"


def test_the_table_of_2005_is_refused_by_name():
    with pytest.raises(RuleError, match=r"2005 .* out of date"):
        grade(parameter="ef", value=53, sex="male", reference_set="ase-2005")


def test_every_row_is_reached(unused_rows):
    results = [
        grade(parameter=parameter, value=value, sex=sex)
        for parameter in parameters()
        for sex in ("male", "female")
        for value in [*range(1, 100), *range(100, 250, 4)]
        if value <= (50 if parameter in ("ivsd", "pwd", "rv_s_prime", "tapse") else 100)
        or parameter in ("lvedv", "lvesv", "lvedv_index", "lv_mass_index")
    ]
    assert not unused_rows("heart", results, without=("parameters", "geometry", "formulas"))
    results = [
        grade(parameter=parameter, value=value / 2, reference_set=CHINESE)
        for parameter in parameters(CHINESE)
        for value in range(1, 120)
    ]
    assert not unused_rows("heart_chinese", results, without=("parameters",))


@given(
    st.sampled_from(["lvidd", "lvids", "lvedv", "lvesv", "lv_mass_index", "ivsd"]),
    st.sampled_from(["male", "female"]),
    st.floats(0.1, 60),
    st.floats(0.1, 60),
)
def test_a_larger_size_never_has_a_lower_grade(parameter, sex, one, other):
    order = ("below normal", *DEGREES)
    small, large = (
        order.index(grade(parameter=parameter, value=value, sex=sex).grade)
        for value in sorted((one, other))
    )
    assert small <= large


@given(st.floats(0.1, 100), st.sampled_from(["male", "female"]))
def test_every_ejection_fraction_has_a_grade_and_a_phenotype(percent, sex):
    result = ejection_fraction(sex=sex, percent=percent)
    assert result.grade in {*DEGREES, "above normal"}
    assert result.phenotype in {"reduced", "mildly reduced", "preserved"}
    assert result.needs_clinician_check is (result.grade not in ("normal", "above normal"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"parameter": "lv", "value": 50, "sex": "male"}, "choose one of ef, lvidd"),
        ({"parameter": "lvidd", "value": 50, "sex": "child"}, "choose one of male, female"),
        ({"parameter": "lvidd", "value": 50}, "differ by sex"),
        ({"parameter": "lvidd", "value": 151, "sex": "male"}, "up to 150"),
        ({"parameter": "ef", "value": 101, "sex": "male"}, "up to 100"),
        ({"parameter": "lvids", "value": 30, "reference_set": CHINESE}, "choose one of ef, lvidd"),
        ({"parameter": "ef", "value": 50, "reference_set": "who"}, "choose one of ase-eacvi-2015"),
    ],
)
def test_what_is_impossible_is_told(given, words):
    with pytest.raises(RuleError, match=words):
        grade(**given)


def test_no_bad_number_is_taken(bad_number):
    with pytest.raises(RuleError, match="lvidd must"):
        grade(parameter="lvidd", value=bad_number, sex="male")
    with pytest.raises(RuleError, match="must"):
        ejection_fraction(sex="male", percent=bad_number)
    with pytest.raises(RuleError, match="width_mm must"):
        effusion(bad_number)
    with pytest.raises(RuleError, match="peak_m_per_s must"):
        aortic_stenosis(peak_m_per_s=bad_number)


def test_the_fraction_follows_from_the_volumes():
    assert fraction_percent(edv_ml=120, esv_ml=48) == pytest.approx(60)
    assert ejection_fraction(sex="male", edv_ml=120, esv_ml=48).percent == 60


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"percent": 50, "edv_ml": 100},
        {"percent": 50, "edv_ml": 100, "esv_ml": 40},
        {"edv_ml": 100},
        {"esv_ml": 40},
        {"edv_ml": 40, "esv_ml": 100},
        {"edv_ml": 100, "esv_ml": 100},
        {"edv_ml": 100, "esv_ml": 0},
    ],
)
def test_fraction_or_both_volumes_and_the_smaller_one_in_systole(given):
    with pytest.raises(RuleError):
        ejection_fraction(sex="male", **given)


@given(st.floats(1, 1000), st.floats(1, 1000))
def test_volumes_give_a_fraction_or_an_error(edv_ml, esv_ml):
    if esv_ml < edv_ml:
        assert 0 < fraction_percent(edv_ml=edv_ml, esv_ml=esv_ml) < 100
    else:
        with pytest.raises(RuleError, match="smaller"):
            fraction_percent(edv_ml=edv_ml, esv_ml=esv_ml)


def test_the_volume_by_area_and_length_of_a_half_ellipsoid_is_close_to_the_true_one():
    """0.85 A^2/L is 8 A^2 / (3 pi L), exact for an ellipsoid of revolution cut along its axis."""
    long_cm, wide_cm = 9.0, 5.0
    area = 3.14159265 / 4 * long_cm * wide_cm
    true_ml = 3.14159265 / 6 * long_cm * wide_cm**2
    assert area_length_volume_ml(area, long_cm) == pytest.approx(true_ml, rel=0.002)
    with pytest.raises(RuleError, match="length_cm"):
        area_length_volume_ml(area, 0)


def test_mass_is_that_of_the_cube_formula():
    """5.0 cm inside, 1.0 cm walls: 0.8 x 1.04 x (7^3 - 5^3) + 0.6 = 181.976 g."""
    result = ventricular_mass(lvidd_mm=50, ivsd_mm=10, pwd_mm=10)
    assert (result.mass_g, result.relative_wall_ratio) == (182.0, 0.4)
    assert (result.index_g_per_m2, result.grade, result.geometry) == (None, "", "")


@pytest.mark.parametrize(
    ("lvidd_mm", "wall_mm", "geometry"),
    [
        (50, 9, "normal"),
        (40, 10, "concentric remodelling"),
        (50, 14, "concentric hypertrophy"),
        (68, 10, "eccentric hypertrophy"),
    ],
)
def test_geometry_goes_by_mass_and_relative_wall(lvidd_mm, wall_mm, geometry):
    result = ventricular_mass(
        lvidd_mm=lvidd_mm, ivsd_mm=wall_mm, pwd_mm=wall_mm, sex="male", body_surface_m2=1.8
    )
    assert result.geometry == geometry
    assert (result.grade == "normal") is ("hypertrophy" not in geometry)


def test_a_relative_wall_of_0_42_is_not_concentric():
    sizes = {"ivsd_mm": 9, "sex": "male", "body_surface_m2": 2.0}
    assert ventricular_mass(lvidd_mm=50, pwd_mm=10.5, **sizes).geometry == "normal"
    assert ventricular_mass(lvidd_mm=50, pwd_mm=10.6, **sizes).geometry == "concentric remodelling"


def test_a_mass_index_needs_sex_and_possible_sizes(bad_number):
    sizes = {"lvidd_mm": 50, "ivsd_mm": 10, "pwd_mm": 10}
    with pytest.raises(RuleError, match="differ by sex"):
        ventricular_mass(**sizes, body_surface_m2=1.8)
    for name in sizes:
        with pytest.raises(RuleError, match=name):
            ventricular_mass(**sizes | {name: bad_number})


@pytest.mark.parametrize(
    ("width_mm", "name"),
    [(0.1, "small"), (9.9, "small"), (10, "moderate"), (20, "moderate"), (20.1, "large")],
)
def test_an_effusion_has_its_size(width_mm, name):
    assert effusion(width_mm).name == name


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"peak_m_per_s": 2.5}, "none"),
        ({"peak_m_per_s": 2.6}, "mild"),
        ({"peak_m_per_s": 2.99}, "mild"),
        ({"peak_m_per_s": 3.0}, "moderate"),
        ({"peak_m_per_s": 3.99}, "moderate"),
        ({"peak_m_per_s": 4.0}, "severe"),
        ({"mean_gradient_mmhg": 39.9}, "not severe"),
        ({"mean_gradient_mmhg": 40}, "severe"),
        ({"valve_area_cm2": 1.0}, "not severe"),
        ({"valve_area_cm2": 0.99}, "severe"),
    ],
)
def test_aortic_stenosis_changes_at_its_bounds(given, severity):
    result = aortic_stenosis(**given)
    assert (result.severity, result.warnings) == (severity, ())


def test_one_severe_parameter_is_enough_and_disagreement_is_told():
    result = aortic_stenosis(peak_m_per_s=3.5, valve_area_cm2=0.8)
    assert result.severity == "severe"
    assert "disagree" in result.warnings[0]
    with pytest.raises(RuleError, match="at least one of peak_m_per_s"):
        aortic_stenosis()
