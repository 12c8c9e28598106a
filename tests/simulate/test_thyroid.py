"""Simulated thyroid: the descriptors that were sampled are the ones that are seen and said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from echovlm.simulate import thyroid
from echovlm.simulate.thyroid import ThyroidFeatures
from echovlm.terms import Language


def cases(label: str, count: int = 60) -> list[ThyroidFeatures]:
    return [thyroid.sample(label, np.random.default_rng(seed)) for seed in range(count)]


def nodule(label: str, **changes: object) -> ThyroidFeatures:
    found = next(item for item in cases(label) if item.nodule_count == 1)
    return dataclasses.replace(found, jugular_seen=False, **changes)


def mean_over_views(features: ThyroidFeatures, measure, views: int = 5) -> float:  # type: ignore[no-untyped-def]
    images = [thyroid.draw(features, np.random.default_rng(seed)).pixels for seed in range(views)]
    return float(np.mean([measure(pixels) for pixels in images]))


def largest_dark(pixels: np.ndarray, part: float = 0.35) -> tuple[int, int, int]:
    """Area, height and width of the largest dark region in the middle of the image."""
    smooth = ndimage.gaussian_filter(pixels.astype(float), 2.5)
    rows, columns = pixels.shape
    crop = smooth[int(0.22 * rows) : int(0.8 * rows), int(0.26 * columns) : int(0.74 * columns)]
    labels, count = ndimage.label(crop < part * np.median(crop))
    if count == 0:
        return 0, 0, 0
    sizes = ndimage.sum(np.ones_like(crop), labels, range(1, count + 1))
    box = ndimage.find_objects(labels)[int(np.argmax(sizes))]
    height, width = (part.stop - part.start for part in box)
    return int(sizes.max()), height, width


def test_every_value_is_reached() -> None:
    drawn = [item for label in thyroid.LABELS for item in cases(label, 80)]
    expected = {
        "side": {"left", "right"},
        "jugular_seen": {True, False},
        "nodule_count": {0, 1, 2},
        "composition": {"", "cystic", "spongiform", "solid"},
        "echogenicity": {
            *("", "anechoic", "isoechoic", "hyperechoic", "hypoechoic", "very hypoechoic"),
        },
        "shape": {"", "wider-than-tall", "taller-than-wide"},
        "margin": {"", "smooth", "irregular"},
        "foci": {"", "none", "comet-tail", "punctate"},
        "halo": {True, False},
    }
    for name, values in expected.items():
        assert {getattr(item, name) for item in drawn} == values


def test_a_suspicious_nodule_always_shows_a_suspicious_sign() -> None:
    for item in cases("thyroid-suspicious", 200):
        signs = (item.shape == "taller-than-wide", item.margin == "irregular")
        assert any(signs) or item.foci == "punctate"
        assert (item.nodule_depth_extent_mm > item.nodule_lateral_mm) == signs[0]


@pytest.mark.parametrize("language", list(Language))
def test_each_descriptor_changes_the_findings(language: Language) -> None:
    base = nodule(
        "thyroid-suspicious",
        side="left",
        echogenicity="hypoechoic",
        shape="wider-than-tall",
        margin="smooth",
        foci="none",
    )
    changes: list[dict[str, object]] = [
        {},
        {"side": "right"},
        {"jugular_seen": True},
        {"echogenicity": "very hypoechoic"},
        {"shape": "taller-than-wide"},
        {"margin": "irregular"},
        {"foci": "punctate"},
        {"halo": True},
    ]
    texts = {thyroid.findings(dataclasses.replace(base, **item), language) for item in changes}
    assert len(texts) == len(changes)


def test_the_trachea_shows_the_side() -> None:
    def right_less_left(pixels: np.ndarray) -> float:
        deep = pixels[int(0.68 * pixels.shape[0]) : int(0.85 * pixels.shape[0])].astype(float)
        width = int(0.14 * pixels.shape[1])
        return float(deep[:, -width:].mean() - deep[:, :width].mean())

    normal = cases("thyroid-normal")[0]
    right = dataclasses.replace(normal, side="right")
    left = dataclasses.replace(normal, side="left")
    assert mean_over_views(right, right_less_left) < -12
    assert mean_over_views(left, right_less_left) > 12


def test_a_cyst_is_anechoic_and_a_solid_nodule_is_not() -> None:
    size = {"nodule_lateral_mm": 14.0, "nodule_depth_extent_mm": 10.0}
    cyst = mean_over_views(nodule("thyroid-colloid-cyst", **size), lambda p: largest_dark(p)[0])
    solid = nodule("thyroid-benign-solid", halo=False, echogenicity="hyperechoic", **size)
    assert cyst > 4 * max(mean_over_views(solid, lambda p: largest_dark(p)[0]), 100)


def test_a_vertical_nodule_is_taller_than_wide() -> None:
    shown = {"echogenicity": "very hypoechoic", "margin": "smooth", "foci": "none"}
    upright = nodule(
        "thyroid-suspicious",
        shape="taller-than-wide",
        nodule_lateral_mm=8.0,
        nodule_depth_extent_mm=12.5,
        **shown,
    )
    flat = dataclasses.replace(
        upright, shape="wider-than-tall", nodule_lateral_mm=12.5, nodule_depth_extent_mm=8.0
    )

    def ratio(pixels: np.ndarray) -> float:
        _, height, width = largest_dark(pixels, 0.6)
        return height / max(width, 1)

    assert mean_over_views(upright, ratio) > 1.15
    assert mean_over_views(flat, ratio) < 0.9


def test_punctate_foci_are_bright_dots_in_the_dark() -> None:
    def contrast(pixels: np.ndarray) -> float:
        rows, columns = pixels.shape
        crop = pixels[
            int(0.3 * rows) : int(0.75 * rows), int(0.3 * columns) : int(0.7 * columns)
        ].astype(float)
        # A dot is small and bright: what an opening removes.
        return float(np.percentile(crop - ndimage.grey_opening(crop, size=11), 99.5))

    base = nodule("thyroid-suspicious", echogenicity="very hypoechoic", margin="smooth")
    dots = dataclasses.replace(base, foci="punctate")
    none = dataclasses.replace(base, foci="none")
    assert mean_over_views(dots, contrast) > mean_over_views(none, contrast) + 15


def test_two_nodules_fit_into_the_image() -> None:
    two = next(item for item in cases("thyroid-colloid-cyst", 80) if item.nodule_count == 2)

    def holes(pixels: np.ndarray) -> int:
        smooth = ndimage.gaussian_filter(pixels.astype(float), 2)
        rows = pixels.shape[0]
        crop = smooth[int(0.22 * rows) : int(0.8 * rows)]
        labels, count = ndimage.label(crop < 0.3 * np.median(crop))
        sizes = ndimage.sum(np.ones_like(crop), labels, range(1, count + 1))
        return int((sizes > 120).sum())

    assert mean_over_views(dataclasses.replace(two, jugular_seen=False), holes) >= 3
