"""What is true of a simulated internal carotid artery under Doppler, sampled before any picture.

The stenosis class comes first, then plaque and velocities inside the rows of the consensus of the
Society of Radiologists in Ultrasound (SRU; Grant et al., Radiology 2003;229:340-346), with room to
the limits between classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echovlm.rads.carotid import Carotid, assess
from echovlm.simulate.vessel import features as still
from echovlm.simulate.vessel.features import Plaque, VesselFeatures

STENOSES: tuple[str, ...] = (
    "normal",
    "<50 %",
    "50-69 %",
    ">=70 %",
    "near occlusion",
    "occlusion",
)
"""Classes of the SRU consensus, as ``rads.carotid`` names them."""


@dataclass(frozen=True)
class _Row:
    """Ranges of one class: reduction in percent, PSV and EDV in cm/s, ICA/CCA ratio of PSV."""

    reduction: tuple[float, float]
    psv: tuple[float, float]
    edv: tuple[float, float]
    ratio: tuple[float, float]
    broadening: tuple[float, float]


_ROWS = {
    "normal": _Row((0, 0), (55, 105), (15, 32), (0.8, 1.3), (0.03, 0.12)),
    "<50 %": _Row((24, 42), (65, 115), (18, 36), (0.9, 1.6), (0.2, 0.35)),
    "50-69 %": _Row((54, 65), (135, 220), (45, 95), (2.2, 3.8), (0.5, 0.65)),
    ">=70 %": _Row((75, 84), (245, 430), (105, 170), (4.3, 6.5), (0.85, 1.0)),
    "near occlusion": _Row((87, 90), (18, 45), (5, 12), (0.2, 0.6), (0.3, 0.5)),
    "occlusion": _Row((100, 100), (0, 0), (0, 0), (0, 0), (0, 0)),
}


@dataclass(frozen=True)
class StenosisFeatures:
    """One internal carotid artery and the flow in it.

    Attributes:
        vessel: wall, plaques and course; one plaque, or two that face each other.
        stenosis: one of ``STENOSES``.
        reduction_percent: reduction of the free lumen's diameter at the narrowest place.
        psv_cm_per_s: peak systolic velocity there, 0 without flow.
        edv_cm_per_s: end-diastolic velocity there.
        common_psv_cm_per_s: peak systolic velocity in the common carotid artery.
        broadening: how much of the spectral window is filled, 0 to 1.
        heart_rate_per_minute: beats per minute.
        is_spectrum_aliased: True where the velocity scale ends below the peak.
    """

    vessel: VesselFeatures
    stenosis: str
    reduction_percent: float
    psv_cm_per_s: float
    edv_cm_per_s: float
    common_psv_cm_per_s: float
    broadening: float
    heart_rate_per_minute: int
    is_spectrum_aliased: bool

    def assessed(self) -> Carotid:
        """Return the class that the SRU rule gives for what was sampled."""
        flow = {"near occlusion": "string", "occlusion": "absent"}.get(self.stenosis, "present")
        return assess(
            psv_cm_per_s=self.psv_cm_per_s if self.has_flow else None,
            plaque_percent=self.reduction_percent,
            edv_cm_per_s=self.edv_cm_per_s if self.has_flow else None,
            ratio=self.psv_cm_per_s / self.common_psv_cm_per_s if self.has_flow else None,
            flow=flow,
        )

    @property
    def has_flow(self) -> bool:
        """False where the artery is closed."""
        return self.psv_cm_per_s > 0


def sample(rng: np.random.Generator, stenosis: str | None = None) -> StenosisFeatures:
    """Sample an artery.

    Args:
        rng: source of every choice.
        stenosis: one of ``STENOSES``; drawn evenly where None.

    Raises:
        ValueError: for a stenosis that is not one of ``STENOSES``.
    """
    drawn = str(rng.choice(STENOSES))
    stenosis = drawn if stenosis is None else stenosis
    if stenosis not in STENOSES:
        raise ValueError(f"unknown stenosis {stenosis!r}; choose one of {', '.join(STENOSES)}")
    row = _ROWS[stenosis]
    reduction = float(rng.uniform(*row.reduction))
    psv = float(np.round(rng.uniform(*row.psv)))
    ratio = float(rng.uniform(*row.ratio))
    common = psv / ratio if ratio else float(rng.uniform(45, 70))
    return StenosisFeatures(
        vessel=_vessel(reduction, rng),
        stenosis=stenosis,
        reduction_percent=round(reduction, 1),
        psv_cm_per_s=psv,
        edv_cm_per_s=float(np.round(rng.uniform(*row.edv))),
        common_psv_cm_per_s=float(np.round(common)),
        broadening=round(float(rng.uniform(*row.broadening)), 2),
        heart_rate_per_minute=int(rng.integers(55, 96)),
        is_spectrum_aliased=bool(rng.random() < 0.3) and stenosis == ">=70 %",
    )


def _vessel(reduction_percent: float, rng: np.random.Generator) -> VesselFeatures:
    """Sample the wall and the plaques that narrow it by so much."""
    diameter = round(float(rng.uniform(5.8, 7.4)), 2)
    imt = round(float(rng.uniform(0.6, 0.8)), 2)
    course = str(rng.choice(["straight", "curved"], p=[0.75, 0.25]))
    jugular = bool(rng.random() < 0.3)
    plaques: tuple[Plaque, ...] = ()
    if reduction_percent:
        filled = (diameter - 2 * imt) * reduction_percent / 100
        plaques = _plaques(filled, imt, reduction_percent, rng)
    return VesselFeatures(
        label="carotid-plaque" if plaques else "carotid-normal",
        course=course,
        jugular_seen=jugular,
        imt_thickened=False,
        diameter_mm=diameter,
        imt_mm=imt,
        plaques=plaques,
        narrowing="" if not plaques else "mild" if reduction_percent < 50 else "marked",
    )


def _plaques(
    filled_mm: float, imt_mm: float, reduction_percent: float, rng: np.random.Generator
) -> tuple[Plaque, ...]:
    """Sample one plaque, or two facing ones where one would be too thick."""
    position = round(float(rng.uniform(-0.25, 0.25)), 3)
    is_closed, is_thread = reduction_percent == 100, reduction_percent > 86
    span = (34, 40) if is_closed else (20, 26) if is_thread else (11, 17)
    length = round(float(rng.uniform(*span)), 2)
    faces = is_thread or filled_mm > 3.2
    far_echoes = ["hypoechoic", "isoechoic"] if faces else ["hypoechoic", "isoechoic", "calcified"]
    far_echo, near_echo = str(rng.choice(far_echoes)), str(rng.choice(far_echoes[:2]))
    if is_closed:
        far_echo = near_echo = "hypoechoic"
        filled_mm *= 1.25  # an uneven surface must not leave a gap
    if not faces:
        wall = str(rng.choice(["near", "far"], p=[0.3, 0.7]))
        echo = far_echo if wall == "far" else near_echo
        return (Plaque(echo, wall, position, length, round(imt_mm + filled_mm, 2)),)
    share = float(rng.uniform(0.4, 0.6))
    return (
        Plaque(near_echo, "near", position, length, round(imt_mm + (1 - share) * filled_mm, 2)),
        Plaque(far_echo, "far", position, length, round(imt_mm + share * filled_mm, 2)),
    )


def measurements(features: StenosisFeatures) -> dict[str, float]:
    """Return the true sizes and velocities; the unit is the last word of each name."""
    vessel = still.measurements(features.vessel)
    values = {name: vessel[name] for name in ("vessel_diameter_mm", "intima_media_mm")}
    values["diameter_reduction_percent"] = features.reduction_percent
    values["common_carotid_psv_cm_per_s"] = features.common_psv_cm_per_s
    values["heart_rate_per_minute"] = float(features.heart_rate_per_minute)
    if not features.has_flow:
        return values
    resistance = (features.psv_cm_per_s - features.edv_cm_per_s) / features.psv_cm_per_s
    return values | {
        "psv_cm_per_s": features.psv_cm_per_s,
        "edv_cm_per_s": features.edv_cm_per_s,
        "psv_ratio": round(features.psv_cm_per_s / features.common_psv_cm_per_s, 2),
        "resistance_index_ratio": round(resistance, 2),
    }
