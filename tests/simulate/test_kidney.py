"""Simulated kidney: what was sampled is what is seen and said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from echovlm.simulate import kidney
from echovlm.simulate.kidney import KidneyFeatures, collecting
from echovlm.terms import Language


def cases(label: str, count: int = 60) -> list[KidneyFeatures]:
    return [kidney.sample(label, np.random.default_rng(seed)) for seed in range(count)]


def of_grade(grade: int) -> KidneyFeatures:
    return next(item for item in cases("kidney-hydronephrosis") if item.sfu_grade == grade)


def mean_over_views(
    features: KidneyFeatures, measure: Callable[[np.ndarray], float], views: int = 4
) -> float:
    images = [kidney.draw(features, np.random.default_rng(seed)).pixels for seed in range(views)]
    return float(np.mean([measure(pixels) for pixels in images]))


def largest_void(pixels: np.ndarray) -> int:
    """Area of the largest black region in the middle of the sector."""
    rows, columns = pixels.shape
    smooth = ndimage.gaussian_filter(pixels.astype(float), 1.5)
    crop = smooth[int(0.22 * rows) : int(0.75 * rows), int(0.25 * columns) : int(0.75 * columns)]
    labels, count = ndimage.label(crop < 0.25 * np.median(crop))
    sizes = ndimage.sum(np.ones_like(crop), labels, range(1, count + 1))
    return int(max(sizes, default=0))


def test_every_value_is_reached() -> None:
    drawn = [item for label in kidney.LABELS for item in cases(label, 80)]
    expected = {
        "pyramids_distinct": {True, False},
        "sfu_grade": {0, 1, 2, 3, 4},
        "stone_count": {0, 1, 2},
        "cyst_count": {0, 1, 2},
        "site": {"", "upper pole", "middle third", "lower pole"},
        "exophytic": {True, False},
    }
    for name, values in expected.items():
        assert {getattr(item, name) for item in drawn} == values


def test_only_grade_four_thins_the_parenchyma() -> None:
    for item in cases("kidney-hydronephrosis", 120):
        assert (item.parenchyma_mm < 8) == (item.sfu_grade == 4)
        assert kidney.measurements(item)["pelvis_mm"] == item.pelvis_mm


@pytest.mark.parametrize("language", list(Language))
def test_impression_states_the_grade(language: Language) -> None:
    for grade in (1, 2, 3, 4):
        assert str(grade) in kidney.impression(of_grade(grade), language)


@pytest.mark.parametrize("language", list(Language))
def test_each_fact_changes_the_findings(language: Language) -> None:
    cyst = next(item for item in cases("kidney-cyst") if item.cyst_count == 1)
    base = dataclasses.replace(cyst, site="upper pole", exophytic=False, pyramids_distinct=False)
    changes: list[dict[str, object]] = [
        {},
        {"site": "middle third"},
        {"site": "lower pole"},
        {"exophytic": True},
        {"cyst_count": 2},
        {"pyramids_distinct": True},
    ]
    texts = {kidney.findings(dataclasses.replace(base, **item), language) for item in changes}
    texts |= {kidney.findings(of_grade(grade), language) for grade in (1, 2, 3, 4)}
    assert len(texts) == len(changes) + 4


def test_fluid_grows_with_the_grade() -> None:
    areas = [mean_over_views(of_grade(grade), largest_void) for grade in (1, 2, 3, 4)]
    assert areas == sorted(areas)
    assert areas[0] > 150
    assert areas[3] > 6 * areas[0]
    assert mean_over_views(cases("kidney-normal")[0], largest_void) < 0.5 * areas[0]


def test_dilated_calyces_are_connected_and_branch() -> None:
    v, u = np.mgrid[-20:20:0.5, -40:40:0.5].astype(np.float32)
    for grade, branches in ((1, 3), (2, 6), (3, 14), (4, 14)):
        tree = collecting.tubes(grade, 16.0, 32.0, 13.0, np.random.default_rng(grade))
        assert len(tree) == branches
        _, count = ndimage.label(collecting.distance_mm(tree, u, v) < 0)
        assert count == 1


def test_a_cyst_is_black_and_brightens_what_lies_behind() -> None:
    found = next(item for item in cases("kidney-cyst") if item.cyst_count == 1)
    cyst = dataclasses.replace(found, site="middle third", exophytic=False, lesion_mm=24.0)
    void = mean_over_views(cyst, largest_void)
    normal = dataclasses.replace(cyst, label="kidney-normal", cyst_count=0, site="")
    assert void > 800
    assert mean_over_views(normal, largest_void) < 0.2 * void


def test_a_stone_throws_a_shadow() -> None:
    def deepest_drop(pixels: np.ndarray) -> float:
        rows, columns = pixels.shape
        deep = pixels[int(0.72 * rows) : int(0.88 * rows)].astype(float).mean(axis=0)
        middle = np.convolve(deep, np.ones(7) / 7, mode="same")[
            int(0.25 * columns) : int(0.75 * columns)
        ]
        return float(np.median(middle) - middle.min())

    stone = next(item for item in cases("kidney-stone") if item.site == "middle third")
    plain = dataclasses.replace(stone, label="kidney-normal", stone_count=0, site="")
    assert mean_over_views(stone, deepest_drop) > mean_over_views(plain, deepest_drop) + 20


def test_the_site_shows_along_the_image() -> None:
    def stone_column(pixels: np.ndarray) -> float:
        rows, columns = pixels.shape
        smooth = ndimage.gaussian_filter(pixels.astype(float), 3)
        crop = smooth[int(0.28 * rows) : int(0.7 * rows), int(0.2 * columns) : int(0.8 * columns)]
        drop = crop - np.roll(crop, -20, axis=0)
        drop[-20:] = 0
        return 0.2 + 0.6 * float(np.argmax(drop.max(axis=0)) / crop.shape[1])

    one = next(item for item in cases("kidney-stone") if item.stone_count == 1)
    where = [
        mean_over_views(dataclasses.replace(one, site=site), stone_column)
        for site in ("upper pole", "middle third", "lower pole")
    ]
    assert where[0] < where[1] - 0.05
    assert where[1] < where[2] - 0.05
