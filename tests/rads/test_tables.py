"""Every rule table: citation, provenance, unique rows, and bands without gap or overlap."""

from pathlib import Path

import pytest

from echovlm.rads.table import load, names, within

BOUNDS = ("at_least", "above", "below", "at_most")
PARTITIONS = {
    ("attenuation", "stages"): (),
    ("aortic_stenosis", "peak_m_per_s"): (),
    ("aortic_stenosis", "mean_gradient_mmhg"): (),
    ("aortic_stenosis", "valve_area_cm2"): (),
    ("carotid", "velocity"): (),
    ("carotid", "plaque"): (),
    ("carotid", "ratio"): (),
    ("carotid", "edv"): (),
    ("carotid_stenosis_words", "degrees"): (),
    ("effusion", "sizes"): (),
    ("endometrium", "thickness"): (),
    ("heart_chinese", "grades"): ("parameter",),
    ("heart_failure", "phenotypes"): (),
    ("hydronephrosis_chinese", "degrees"): (),
    ("hydronephrosis_utd", "pelvis"): ("when",),
    ("intima_media", "thickness"): (),
}


def every_row():
    return [
        (name, group, row)
        for name in names()
        for group in load(name).groups
        for row in load(name).group(group)
    ]


@pytest.mark.parametrize("name", names())
def test_a_table_names_system_version_and_citation(name):
    table = load(name)
    assert table.system
    assert table.version
    assert table.citation


@pytest.mark.parametrize(
    ("name", "group", "row"), every_row(), ids=lambda part: str(part)[:40].replace(" ", "_")
)
def test_every_row_says_where_it_comes_from(name, group, row):
    assert row["row"]
    kind, _, source = row["provenance"].partition(":")
    assert kind in ("seen", "knowledge")
    assert source.strip()


@pytest.mark.parametrize("name", names())
def test_rows_of_a_table_have_different_names(name):
    said = [row["row"] for rows in load(name).groups.values() for row in rows]
    assert len(said) == len(set(said))


@pytest.mark.parametrize(("name", "group"), PARTITIONS)
def test_bands_of_one_measurement_meet_without_gap_or_overlap(name, group):
    keys = PARTITIONS[name, group]
    rows = load(name).group(group)
    for same in {tuple(row[key] for key in keys) for row in rows}:
        bands = [row for row in rows if tuple(row[key] for key in keys) == same]
        limits = {row[bound] for row in bands for bound in BOUNDS if bound in row}
        for limit in limits:
            for value in (limit - 1e-6, limit, limit + 1e-6):
                if value >= 0 and not (limit == 100 and value > limit):
                    assert sum(within(row, value) for row in bands) == 1, (same, value)


def test_bands_of_the_heart_meet_at_whole_numbers():
    rows = load("heart").group("grades")
    for pair in {(row["parameter"], row["sex"]) for row in rows}:
        bands = [row for row in rows if (row["parameter"], row["sex"]) == pair]
        for value in range(1, 260):
            assert sum(within(row, value) for row in bands) == 1, (pair, value)


def test_a_band_holds_its_closed_bounds_and_not_its_open_ones():
    row = {"at_least": 1, "below": 2}
    assert [within(row, value) for value in (0.999, 1, 1.999, 2)] == [False, True, True, False]
    row = {"above": 1, "at_most": 2}
    assert [within(row, value) for value in (1, 1.001, 2, 2.001)] == [False, True, True, False]


def test_the_page_lists_every_table_with_its_edition_and_unchecked_rows():
    page = (Path(__file__).resolve().parents[2] / "docs" / "rads.md").read_text(encoding="utf-8")
    for name in names():
        table = load(name)
        marks = [row["provenance"] for rows in table.groups.values() for row in rows]
        unchecked = sum(mark.startswith("knowledge") for mark in marks)
        line = f"| `{name}` | {table.system} | {table.version} | {len(marks)} | {unchecked} |"
        assert line in page
