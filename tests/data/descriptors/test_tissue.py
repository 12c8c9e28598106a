from __future__ import annotations

import numpy as np
import pytest
from drawn import grid, speckle

from echovlm.data.descriptors import describe
from echovlm.data.descriptors.tissue import find_beams, find_tissue

ROWS, COLUMNS = grid()
APEX = (-40.0, 170.0)
RADIUS = np.hypot(ROWS - APEX[0], COLUMNS - APEX[1])
ANGLE = np.arctan2(COLUMNS - APEX[1], ROWS - APEX[0])
SECTOR = (np.abs(ANGLE) < 0.5) & (RADIUS > 60) & (RADIUS < 320)


def shown(tissue: np.ndarray) -> np.ndarray:
    return np.where(tissue, speckle(0, np.full(tissue.shape, 90.0)), 0).astype(np.uint8)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_sector_is_found_and_its_beams_meet_in_the_apex() -> None:
    tissue = find_tissue(shown(SECTOR))
    assert overlap(tissue, SECTOR) > 0.95
    beams = find_beams(tissue)
    assert beams.kind == "fan"
    assert beams.apex == pytest.approx(APEX, abs=8)


def test_margins_beside_a_linear_picture_are_left_out() -> None:
    middle = (COLUMNS > 60) & (COLUMNS < 280)
    tissue = find_tissue(shown(middle))
    assert overlap(tissue, middle) > 0.95
    assert find_beams(tissue).kind == "parallel"


def test_text_on_the_margin_is_no_tissue() -> None:
    picture = shown(SECTOR)
    picture[20:32, 10:60] = 220
    assert not find_tissue(picture)[20:32, 10:60].any()


def test_a_shadow_down_to_the_lower_edge_is_tissue() -> None:
    shadow = (np.abs(COLUMNS - 150) < 25) & (ROWS > 100)
    picture = np.where(shadow, 0, shown(np.ones(ROWS.shape, bool))).astype(np.uint8)
    assert find_tissue(picture)[shadow].all()


def test_a_black_picture_has_no_tissue() -> None:
    assert not find_tissue(np.zeros((50, 61), np.uint8)).any()


def test_one_slanted_side_gives_no_direction() -> None:
    cut = SECTOR & (COLUMNS < 190)
    assert find_beams(cut).kind == "unknown"


def test_what_lies_behind_an_oblique_lesion_is_sought_along_the_beams() -> None:
    lesion = np.hypot(RADIUS - 170, (ANGLE - 0.25) * 170) < 24
    behind = (np.abs(ANGLE - 0.25) * 170 < 23) & (RADIUS > 170) & ~lesion
    level = np.where(lesion, 60.0, np.where(behind, 150.0, 100.0))
    picture = np.where(SECTOR, speckle(0, level), 0).astype(np.uint8)
    found = describe(picture, lesion)
    assert found.lesion.beams.kind == "fan"
    assert (found.posterior.word, found.posterior.sure) == ("enhancement", True), found.posterior
    assert found.posterior.numbers["difference"] == pytest.approx(50, abs=6)
    assert found.echogenicity.numbers["contrast at equal depth"] == pytest.approx(-40, abs=4)
