"""What is true of a simulated case, in the names and values of ``facts/lexicon.json``.

Features are sampled first; pictures, texts, categories and these facts follow from them. Only what
the stills show is a fact: an ejection fraction needs a cine loop. Where two lesions were drawn
alike both have the descriptors, and the larger, lesion 1, has the sizes. Two names have no words in
the lexicon: ``sfu_grade`` (0 to 4) and ``steatosis_grade`` (0 to 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from echovlm.facts.fact import Fact, Origin
from echovlm.simulate.breast.features import BreastFeatures
from echovlm.simulate.cases import Case
from echovlm.simulate.categories import lesion_categories, study_categories
from echovlm.simulate.gynaecology.ovary import OvaryFeatures
from echovlm.simulate.gynaecology.uterus import UterusFeatures
from echovlm.simulate.heart.features import HeartFeatures
from echovlm.simulate.kidney.features import KidneyFeatures
from echovlm.simulate.liver.features import LiverFeatures
from echovlm.simulate.thyroid.features import ThyroidFeatures
from echovlm.simulate.vessel.features import VesselFeatures

Value = bool | int | float | str

_PATHOLOGY: dict[str, str] = {
    "breast-cyst": "benign",
    "breast-fibroadenoma": "benign",
    "breast-malignant": "malignant",
    "thyroid-colloid-cyst": "benign",
    "thyroid-spongiform": "benign",
    "thyroid-benign-solid": "benign",
    "liver-cyst": "benign",
    "liver-haemangioma": "benign",
    "kidney-cyst": "benign",
    "ovary-follicles": "normal",
    "ovary-cyst": "benign",
    "uterus-fibroid": "benign",
}
"""What a label says of malignancy; a suspicious nodule or a stone is neither."""

_HISTOLOGY: dict[str, str] = {
    "breast-cyst": "cyst",
    "breast-fibroadenoma": "fibroadenoma",
    "thyroid-colloid-cyst": "colloid nodule",
    "liver-cyst": "cyst",
    "liver-haemangioma": "haemangioma",
    "kidney-cyst": "cyst",
    "ovary-cyst": "cyst",
    "uterus-fibroid": "leiomyoma",
}


def case_facts(case: Case) -> tuple[Fact, ...]:
    """Return everything that is true of a case and has a name.

    Facts of the study come first, then those of each lesion; categories follow by rule.
    """
    study: dict[str, Value] = {"anatomy": case.anatomy.value, "diagnosis": case.label}
    if case.view:
        study["view"] = case.view
    pathology = "normal" if case.label.endswith("-normal") else _PATHOLOGY.get(case.label)
    if pathology:
        study["pathology"] = pathology
    if case.label in _HISTOLOGY:
        study["histology"] = _HISTOLOGY[case.label]
    stated, lesions = _DESCRIBED[type(case.features)](case.features)
    source = f"{case.study.name}: sampled features"

    def facts() -> Iterator[Fact]:
        yield from _sampled(study | stated, None, source)
        yield from _by_rule(study_categories(case.features), None)
        for number, lesion in enumerate(lesions, start=1):
            yield from _sampled(lesion, number, source)
            yield from _by_rule(lesion_categories(case.features), number)

    return tuple(facts())


def _sampled(values: dict[str, Value], lesion: int | None, source: str) -> Iterator[Fact]:
    for name, value in values.items():
        yield Fact(name=name, value=value, lesion=lesion, origin=Origin.SIMULATED, source=source)


def _by_rule(values: dict[str, tuple[int | str, str]], lesion: int | None) -> Iterator[Fact]:
    for name, (value, rule) in values.items():
        yield Fact(name=name, value=value, lesion=lesion, origin=Origin.RULE, source=rule)


_Described = tuple[dict[str, Value], list[dict[str, Value]]]


def _counted(count: int) -> dict[str, Value]:
    counted: dict[str, Value] = {"lesion_present": count > 0}
    return counted | ({"lesion_count": count} if count else {})


def _alike(
    count: int, descriptors: dict[str, Value], sizes: dict[str, Value]
) -> list[dict[str, Value]]:
    """Give the descriptors to every lesion and the sizes to the first."""
    return [descriptors | (sizes if number == 0 else {}) for number in range(count)]


def _breast(features: BreastFeatures) -> _Described:
    stated = {"tissue_composition": features.composition} | _counted(features.lesion_count)
    if not features.lesion_count:
        return stated, []
    uneven = features.echo_pattern == "heterogeneous"
    descriptors: dict[str, Value] = {
        "structure": "lesion",
        "shape": features.shape,
        "orientation": features.orientation,
        "margin": features.margin,
        "echogenicity": "hypoechoic" if uneven else features.echo_pattern,
        "posterior": features.posterior,
        "calcification": "punctate" if features.calcifications else "none",
    }
    if uneven:
        descriptors["echotexture"] = "heterogeneous"
    lateral = features.lesion_long_mm / max(features.lesion_ratio, 1.0)
    sizes = _sizes(lateral, lateral * features.lesion_ratio)
    return stated, _alike(features.lesion_count, descriptors, sizes)


def _sizes(lateral_mm: float, depth_extent_mm: float) -> dict[str, Value]:
    return {
        "size_long_mm": round(max(lateral_mm, depth_extent_mm), 2),
        "size_short_mm": round(min(lateral_mm, depth_extent_mm), 2),
        "size_lateral_mm": round(lateral_mm, 2),
        "size_depth_extent_mm": round(depth_extent_mm, 2),
    }


def _thyroid(features: ThyroidFeatures) -> _Described:
    stated = {"laterality": features.side} | _counted(features.nodule_count)
    if not features.nodule_count:
        return stated, []
    descriptors: dict[str, Value] = {
        "structure": "nodule",
        "orientation": "parallel" if features.shape == "wider-than-tall" else "not parallel",
        "margin": "circumscribed" if features.margin == "smooth" else "not circumscribed",
        "echogenicity": features.echogenicity,
    }
    if features.foci != "comet-tail":  # comet-tails come from colloid and are no calcification
        descriptors["calcification"] = features.foci
    sizes = _sizes(features.nodule_lateral_mm, features.nodule_depth_extent_mm)
    return stated, _alike(features.nodule_count, descriptors, sizes)


def _liver(features: LiverFeatures) -> _Described:
    descriptors: dict[str, Value] = {
        "structure": "lesion",
        "shape": features.shape,
        "margin": "circumscribed",
        "echogenicity": features.echo_pattern,
        "posterior": features.posterior,
    }
    if features.echo_pattern == "hyperechoic":
        descriptors["echotexture"] = "homogeneous"
    sizes = _sizes(features.lesion_long_mm, features.lesion_long_mm * features.lesion_ratio)
    return _counted(features.lesion_count), _alike(features.lesion_count, descriptors, sizes)


def _kidney(features: KidneyFeatures) -> _Described:
    count = features.stone_count or features.cyst_count
    stated = {"stone_present": features.stone_count > 0} | _counted(count)
    descriptors: dict[str, Value] = {
        "structure": "lesion",
        "shape": "round",
        "margin": "circumscribed",
        "echogenicity": "anechoic",
        "posterior": "enhancement",
    }
    if features.stone_count:
        descriptors = {
            "structure": "stone",
            "echogenicity": "hyperechoic",
            "posterior": "shadowing",
        }
    return stated, _alike(count, descriptors, {"size_long_mm": features.lesion_mm})


def _heart(features: HeartFeatures) -> _Described:
    return {}, []


def _vessel(features: VesselFeatures) -> _Described:
    stated = {"intima_media_mm": features.imt_mm} | _counted(len(features.plaques))
    lesions = []
    for plaque in features.plaques:
        lesion: dict[str, Value] = {
            "structure": "plaque",
            "echogenicity": "hyperechoic" if plaque.echo == "calcified" else plaque.echo,
        }
        if plaque.echo == "calcified":
            lesion["posterior"] = "shadowing"
        lesions.append(lesion | _sizes(plaque.length_mm, plaque.thickness_mm))
    return stated, lesions


def _ovary(features: OvaryFeatures) -> _Described:
    if not features.contents:
        return _counted(0), []
    descriptors: dict[str, Value] = {"structure": "lesion", "shape": features.cyst_shape}
    echo = {"anechoic": "anechoic", "septated": "anechoic", "low-level": "hypoechoic"}
    if features.contents in echo:
        descriptors["echogenicity"] = echo[features.contents]
    sizes: dict[str, Value] = {
        "size_long_mm": features.cyst_long_mm,
        "size_short_mm": features.cyst_short_mm,
    }
    return _counted(1), _alike(1, descriptors, sizes)


def _uterus(features: UterusFeatures) -> _Described:
    if not features.location:
        return _counted(0), []
    descriptors: dict[str, Value] = {
        "structure": "nodule",
        "shape": "round",
        "margin": "circumscribed",
        "echogenicity": "hypoechoic",
        "posterior": "shadowing",
    }
    return _counted(1), _alike(1, descriptors, {"size_long_mm": features.fibroid_mm})


_DESCRIBED: dict[type, Callable[[Any], _Described]] = {
    BreastFeatures: _breast,
    ThyroidFeatures: _thyroid,
    LiverFeatures: _liver,
    KidneyFeatures: _kidney,
    HeartFeatures: _heart,
    VesselFeatures: _vessel,
    OvaryFeatures: _ovary,
    UterusFeatures: _uterus,
}
