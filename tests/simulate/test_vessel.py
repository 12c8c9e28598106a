"""Simulated carotid artery: what was sampled is what is seen and said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from echovlm.simulate import vessel
from echovlm.simulate.vessel import Plaque, VesselFeatures
from echovlm.terms import Language

NORMAL = VesselFeatures("carotid-normal", "straight", False, False, 7.5, 0.7)


def cases(label: str, count: int = 80) -> list[VesselFeatures]:
    return [vessel.sample(label, np.random.default_rng(seed)) for seed in range(count)]


def with_plaque(echo: str, wall: str = "far", thickness_mm: float = 2.4) -> VesselFeatures:
    plaque = Plaque(echo, wall, 0.0, 14.0, thickness_mm)
    narrowing = "mild" if thickness_mm < 3.75 else "marked"
    return dataclasses.replace(
        NORMAL, label="carotid-plaque", plaques=(plaque,), narrowing=narrowing
    )


def mean_over_views(
    features: VesselFeatures, measure: Callable[[np.ndarray], float], views: int = 5
) -> float:
    images = [vessel.draw(features, np.random.default_rng(seed)).pixels for seed in range(views)]
    return float(np.mean([measure(pixels) for pixels in images]))


def lumen_height(pixels: np.ndarray) -> float:
    """Longest dark run in the middle columns, as a part of that at the left and right edge."""
    smooth = ndimage.gaussian_filter(pixels.astype(float), (1, 3))
    dark = smooth < 0.35 * np.median(smooth)

    def run(column: int) -> int:
        labels, count = ndimage.label(dark[:, column])
        return max((int((labels == i + 1).sum()) for i in range(count)), default=0)

    columns = pixels.shape[1]
    return run(columns // 2) / max((run(12) + run(columns - 12)) / 2, 1)


def test_every_value_is_reached() -> None:
    drawn = [item for label in vessel.LABELS for item in cases(label)]
    assert {item.course for item in drawn} == {"straight", "curved"}
    assert {item.jugular_seen for item in drawn} == {True, False}
    assert {item.imt_thickened for item in drawn} == {True, False}
    assert {item.narrowing for item in drawn} == {"", "mild", "marked"}
    assert {len(item.plaques) for item in drawn} == {0, 1, 2}
    plaques = [plaque for item in drawn for plaque in item.plaques]
    assert {plaque.wall for plaque in plaques} == {"near", "far"}
    assert {plaque.echo for plaque in plaques} == {"hypoechoic", "isoechoic", "calcified"}


def test_narrowing_follows_the_thickest_plaque() -> None:
    for item in cases("carotid-plaque", 150):
        reduction = vessel.measurements(item)["diameter_reduction_percent"]
        assert (reduction > 50) == (item.narrowing == "marked")
        assert min(plaque.thickness_mm for plaque in item.plaques) >= 1.5
        assert all(plaque.thickness_mm > item.imt_mm for plaque in item.plaques)
        if len(item.plaques) == 2:
            assert item.plaques[0].position < 0 < item.plaques[1].position


def test_a_normal_artery_has_a_thin_wall_and_no_plaque() -> None:
    for item in cases("carotid-normal"):
        assert not item.plaques
        assert item.imt_mm < 1.0


@pytest.mark.parametrize("language", list(Language))
def test_each_fact_changes_the_findings(language: Language) -> None:
    base = with_plaque("hypoechoic")
    changed = [
        base,
        with_plaque("isoechoic"),
        with_plaque("calcified"),
        with_plaque("hypoechoic", wall="near"),
        with_plaque("hypoechoic", thickness_mm=4.5),
        dataclasses.replace(base, plaques=base.plaques * 2),
        dataclasses.replace(base, course="curved"),
        dataclasses.replace(base, jugular_seen=True),
        dataclasses.replace(base, imt_thickened=True),
        NORMAL,
    ]
    assert len({vessel.findings(item, language) for item in changed}) == len(changed)


@pytest.mark.parametrize("wall", ["near", "far"])
@pytest.mark.parametrize("echo", ["hypoechoic", "isoechoic"])
def test_a_plaque_narrows_the_lumen(echo: str, wall: str) -> None:
    clear = mean_over_views(NORMAL, lumen_height)
    mild = mean_over_views(with_plaque(echo, wall), lumen_height)
    marked = mean_over_views(with_plaque(echo, wall, 4.6), lumen_height)
    assert 0.85 < clear < 1.15
    assert mild < clear - 0.1
    assert marked < mild - 0.12


def test_only_a_calcified_plaque_throws_a_shadow() -> None:
    def shadow(pixels: np.ndarray) -> float:
        rows, columns = pixels.shape
        deep = pixels[int(0.85 * rows) :].astype(float)
        middle = deep[:, int(0.46 * columns) : int(0.54 * columns)].mean()
        sides = [deep[:, : int(0.15 * columns)].mean(), deep[:, int(0.85 * columns) :].mean()]
        return float(np.mean(sides) - middle)

    assert mean_over_views(with_plaque("calcified"), shadow) > 40
    assert abs(mean_over_views(with_plaque("isoechoic"), shadow)) < 20
    assert abs(mean_over_views(NORMAL, shadow)) < 20


def test_the_jugular_vein_is_a_second_dark_band() -> None:
    def dark_bands(pixels: np.ndarray) -> float:
        smooth = ndimage.gaussian_filter(pixels.astype(float), (1.5, 3))
        dark = smooth < 0.35 * np.median(smooth)
        counts = []
        for column in range(20, pixels.shape[1] - 20, 10):
            labels, count = ndimage.label(dark[:, column])
            counts.append(sum(int((labels == i + 1).sum()) > 10 for i in range(count)))
        return float(np.mean(counts))

    assert mean_over_views(NORMAL, dark_bands) < 1.2
    assert mean_over_views(dataclasses.replace(NORMAL, jugular_seen=True), dark_bands) > 1.5


def test_a_thickened_wall_parts_from_the_adventitia() -> None:
    def dark_runs(pixels: np.ndarray) -> float:
        """Mean number of dark bands per column: a thick wall adds its own beside the lumen."""
        smooth = ndimage.gaussian_filter(pixels.astype(float), (0.7, 4))
        dark = smooth < 0.5 * np.median(smooth)
        counts = [ndimage.label(dark[:, c])[1] for c in range(20, pixels.shape[1] - 20, 10)]
        return float(np.mean(counts))

    thick = dataclasses.replace(NORMAL, imt_thickened=True, imt_mm=1.4)
    assert mean_over_views(thick, dark_runs) > mean_over_views(NORMAL, dark_runs) + 0.5
