"""Tissue maps: shapes, filling, textures and interfaces."""

from __future__ import annotations

import numpy as np
import pytest

from echovlm.simulate.phantom import ANECHOIC_DB, Phantom


@pytest.fixture
def phantom() -> Phantom:
    return Phantom.blank(40, 40, spacing_mm=0.2, echo_db=-3, attenuation=0.6)


def area_mm2(phantom: Phantom, level: np.ndarray) -> float:
    return float(phantom.occupancy(level).sum()) * phantom.spacing_mm**2


def test_blank_grid_is_centred_and_starts_at_the_face(phantom: Phantom) -> None:
    assert phantom.x_mm[0, 0] == pytest.approx(-phantom.x_mm[0, -1])
    assert phantom.z_mm[0, 0] == 0
    assert phantom.z_mm[-1, 0] >= 40
    assert np.all(phantom.echogenicity_db == -3)
    assert np.all(phantom.attenuation_db_per_cm_mhz == np.float32(0.6))
    assert not phantom.specular.any()


def test_range_follows_a_curved_face() -> None:
    phantom = Phantom.blank(60, 50, 0.5, radius_mm=50, above_mm=8)
    assert phantom.z_mm[0, 0] == -8
    middle = phantom.x_mm.shape[1] // 2
    assert np.allclose(phantom.range_mm[:, middle], phantom.z_mm[:, middle], atol=1e-3)
    assert phantom.range_mm[20, 0] > phantom.z_mm[20, 0]


def test_ellipse_has_its_area_and_orientation(phantom: Phantom) -> None:
    level = phantom.ellipse(2, 20, 8, 4, angle_deg=30)
    assert area_mm2(phantom, level) == pytest.approx(np.pi * 8 * 4, rel=0.01)
    inside = level < 1
    x, z = phantom.x_mm[inside] - 2, phantom.z_mm[inside] - 20
    assert np.mean(x * z) > 0  # a positive angle lowers the right end


@pytest.mark.parametrize("extra", [{}, {"roughness": 0.1}, {"lobes": 8}, {"spicules": 10}])
def test_blob_keeps_its_size(phantom: Phantom, extra: dict) -> None:
    areas = [
        area_mm2(phantom, phantom.blob(np.random.default_rng(seed), 0, 20, 8, 6, **extra))
        for seed in range(6)
    ]
    beyond = 0.4 if "spicules" in extra else 0.15  # spicules reach out of the mean outline
    assert np.mean(areas) == pytest.approx(np.pi * 8 * 6, rel=beyond)


def test_an_irregular_contour_lengthens_the_border(phantom: Phantom) -> None:
    def border(**extra: float) -> float:
        inside = phantom.blob(np.random.default_rng(3), 0, 20, 8, 8, **extra) < 1
        edges = np.diff(inside, axis=0).sum() + np.diff(inside, axis=1).sum()
        return float(edges / np.sqrt(inside.sum()))

    smooth = border()
    assert border(roughness=0.15) > 1.05 * smooth
    assert border(lobes=10) > 1.05 * smooth
    assert border(spicules=12) > 1.3 * smooth


def test_tube_tapers_along_its_course(phantom: Phantom) -> None:
    points = np.array([[-15.0, 10.0], [0.0, 20.0], [15.0, 22.0]])
    level = phantom.tube(points, np.array([3.0, 2.0, 1.0]))
    for (x, z), radius in zip(points, (3.0, 2.0, 1.0), strict=True):
        column = int(np.abs(phantom.x_mm[0] - x).argmin())
        row = int(np.abs(phantom.z_mm[:, 0] - z).argmin())
        assert level[row, column] < 0.2
        below = row + round(1.6 * radius / phantom.spacing_mm)
        assert level[below, column] > 1
    assert level[-1, 0] == 4


def test_tube_may_leave_the_grid(phantom: Phantom) -> None:
    level = phantom.tube(np.array([[0.0, 20.0], [200.0, 20.0], [400.0, 20.0]]), np.full(3, 2.0))
    assert level[100, -1] < 1
    assert level[0, 0] == 4


def test_fill_blends_soft_edges(phantom: Phantom) -> None:
    weight = phantom.occupancy(phantom.ellipse(0, 20, 8, 8), soft_mm=4)
    phantom.fill(weight, ANECHOIC_DB, 0.0)
    centre = phantom.echogenicity_db[100, 100]
    assert centre == ANECHOIC_DB
    edge = phantom.echogenicity_db[100, 140]
    assert -45 < edge < -20
    assert phantom.echogenicity_db[0, 0] == -3
    assert phantom.attenuation_db_per_cm_mhz[100, 100] == 0


def test_fill_keeps_what_is_not_named(phantom: Phantom) -> None:
    phantom.fill(phantom.band(10, 20), attenuation=1.5)
    assert np.all(phantom.echogenicity_db == -3)
    assert phantom.attenuation_db_per_cm_mhz[75, 0] == np.float32(1.5)
    assert phantom.attenuation_db_per_cm_mhz[120, 0] == np.float32(0.6)


def test_texture_has_its_spread_and_scale(phantom: Phantom) -> None:
    fine = phantom.texture(np.random.default_rng(1), 1.0, 3.0)
    coarse = phantom.texture(np.random.default_rng(1), 6.0, 3.0)
    assert fine.shape == phantom.x_mm.shape
    assert fine.std() == pytest.approx(3, rel=0.25)

    def roughness(field: np.ndarray, axis: int) -> float:
        return float(np.diff(field, axis=axis).std() / field.std())

    assert roughness(fine, 0) > 3 * roughness(coarse, 0)
    stretched = phantom.texture(np.random.default_rng(1), 1.0, 3.0, stretch=5)
    assert roughness(stretched, 1) < 0.5 * roughness(stretched, 0)


def test_wave_is_smooth_and_has_its_spread(phantom: Phantom) -> None:
    curves = np.stack([phantom.wave(np.random.default_rng(i), 8, 1.5) for i in range(30)])
    assert curves.shape == (30, phantom.x_mm.shape[1])
    assert curves.std() == pytest.approx(1.5, rel=0.25)
    assert np.abs(np.diff(curves, axis=1)).max() < 0.5


def test_interface_follows_the_angle_of_the_beam(phantom: Phantom) -> None:
    phantom.interface(phantom.ellipse(0, 20, 8, 8), 6.0, 0.8, floor=0.05)
    top = phantom.specular[55:66, 95:106].max()
    flank = phantom.specular[95:106, 135:146].max()
    assert top == pytest.approx(6.0, rel=0.1)
    assert flank < 0.15 * top


def test_interface_faces_the_beams_of_a_curved_transducer() -> None:
    phantom = Phantom.blank(120, 80, 0.4, radius_mm=20)
    phantom.interface(phantom.range_mm > 50, 6.0, 1.2)
    lines = phantom.specular.max(axis=0)
    assert np.all(lines[40:260] > 5.0)  # a curve that is square to every beam is evenly bright


def test_interface_of_an_empty_region_draws_nothing(phantom: Phantom) -> None:
    phantom.interface(np.zeros(phantom.x_mm.shape, bool), 5.0)
    assert not phantom.specular.any()


def test_rows_above_draws_on_the_whole(phantom: Phantom) -> None:
    top = phantom.rows_above(10)
    top.fill(top.z_mm < 5, 12.0)
    assert phantom.echogenicity_db[10, 0] == 12
    assert phantom.echogenicity_db[60, 0] == -3
