"""Ovarian volume, polycystic morphology, endometrium and FIGO types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echovlm.errors import RuleError
from echovlm.rads.gynaecology import (
    endometrium_with_bleeding,
    fibroid,
    ovarian_volume,
    polycystic_morphology,
)


def test_the_volume_is_0_523_of_the_product():
    volume = ovarian_volume(length_mm=35, width_mm=20, thickness_mm=25)
    assert volume.volume_ml == pytest.approx(9.15)


def test_no_bad_number_is_a_size(bad_number):
    sizes = {"length_mm": 30, "width_mm": 20, "thickness_mm": 20}
    for name in sizes:
        with pytest.raises(RuleError, match=name):
            ovarian_volume(**sizes | {name: bad_number})
    with pytest.raises(RuleError, match="thickness_mm"):
        endometrium_with_bleeding(bad_number)
    with pytest.raises(RuleError, match="volume_ml"):
        polycystic_morphology(volume_ml=bad_number)


@pytest.mark.parametrize(
    ("given", "is_polycystic"),
    [
        ({"follicles": 19, "frequency_mhz": 8}, False),
        ({"follicles": 20, "frequency_mhz": 8}, True),
        ({"volume_ml": 9.9}, False),
        ({"volume_ml": 10}, True),
        ({"follicles": 5, "frequency_mhz": 9, "volume_ml": 10}, True),
        ({"follicles": 11, "edition": "2003"}, False),
        ({"follicles": 12, "edition": "2003"}, True),
        ({"volume_ml": 10, "edition": "2003"}, True),
    ],
)
def test_count_or_volume_makes_an_ovary_polycystic(given, is_polycystic):
    result = polycystic_morphology(**given)
    assert result.is_polycystic is is_polycystic
    assert result.version == given.get("edition", "2018")
    assert bool(result.reached_by) is is_polycystic


def test_a_count_below_8_mhz_is_not_used():
    result = polycystic_morphology(follicles=30, frequency_mhz=7.9, volume_ml=5)
    assert not result.is_polycystic
    assert "8 MHz" in result.warnings[0]
    with pytest.raises(RuleError, match="frequency_mhz"):
        polycystic_morphology(follicles=30)


@pytest.mark.parametrize(
    "given",
    [{}, {"follicles": -1, "frequency_mhz": 8}, {"follicles": 2.5, "frequency_mhz": 8}],
)
def test_a_count_is_a_whole_number_and_something_is_given(given):
    with pytest.raises(RuleError):
        polycystic_morphology(**given)


def test_the_editions_cite_their_own_publication():
    citations = {polycystic_morphology(volume_ml=5, edition=e).citation for e in ("2003", "2018")}
    assert len(citations) == 2
    with pytest.raises(RuleError, match="choose one of 2018, 2003"):
        polycystic_morphology(volume_ml=5, edition="1990")


@pytest.mark.parametrize(
    ("thickness_mm", "name"), [(0.1, "low risk"), (4, "low risk"), (4.1, "not low risk")]
)
def test_the_endometrium_with_bleeding_changes_at_4_mm(thickness_mm, name):
    assert endometrium_with_bleeding(thickness_mm).name == name


@pytest.mark.parametrize("figo", range(9))
def test_a_figo_type_has_a_name(figo):
    assert fibroid(figo).name == fibroid(str(figo)).name != ""


def test_every_figo_type_is_reached_and_hybrids_have_two(unused_rows):
    assert not unused_rows("fibroid", [fibroid(figo) for figo in range(9)])
    hybrid = fibroid("2-5")
    assert "submucosal" in hybrid.name
    assert "subserosal" in hybrid.name


@given(st.text(max_size=6))
def test_other_texts_are_no_type(text):
    known = {str(number) for number in range(9)} | {f"{a}-{b}" for a in "0123" for b in "567"}
    if text.strip() in known:
        assert fibroid(text).figo == text.strip()
    else:
        with pytest.raises(RuleError, match="is not a FIGO type"):
            fibroid(text)


@pytest.mark.parametrize("figo", [9, -1, "", "5-2", "2-5-7", "4-5", "2-", "-5", "23-5"])
def test_what_is_no_type_is_told(figo):
    with pytest.raises(RuleError, match="0 to 8"):
        fibroid(figo)
