"""Descriptors as facts: sure words and calibrated lengths only.

Each fact has origin MASK, and its source names the descriptor and the numbers it was read from.
"""

from __future__ import annotations

import numpy as np

from echovlm.data.descriptors.describe import Description, describe
from echovlm.data.descriptors.head import measure_head
from echovlm.data.descriptors.lumen import measure_lumen
from echovlm.facts import Fact, Origin

_DECIMALS = 1  # of a length in mm: a drawn outline is no finer


def lesion_facts(
    image: np.ndarray,
    mask: np.ndarray,
    *,
    lesion: int,
    image_index: int,
    pixel_spacing_mm: tuple[float, float] | None = None,
    others: np.ndarray | None = None,
) -> tuple[Fact, ...]:
    """State what a mask shows of a lesion.

    Args:
        image: ``(H, W)`` or ``(H, W, 3)`` uint8, B-mode.
        mask: ``(H, W)`` bool, the lesion.
        lesion: running number of the lesion within the study, from 1.
        image_index: index of the picture within the study, from 0.
        pixel_spacing_mm: ``(row, column)``, None where uncalibrated.
        others: ``(H, W)`` bool, other lesions of the picture, None where there are none.

    Raises:
        InputError: where picture, mask and spacing do not belong together.
    """
    description = describe(image, mask, others=others, pixel_spacing_mm=pixel_spacing_mm)
    return facts_of(description, lesion=lesion, image_index=image_index)


def facts_of(description: Description, *, lesion: int, image_index: int) -> tuple[Fact, ...]:
    """State what a description is sure of."""
    facts = [
        _fact(found.name, found.word, image_index, found.source(), lesion)
        for found in description.descriptors
        if found.sure and found.word is not None
    ]
    size = description.size
    lengths = {
        "size_long_mm": (size.long_mm, "largest Feret diameter"),
        "size_short_mm": (size.short_mm, "smallest Feret diameter"),
        "size_lateral_mm": (size.lateral_mm, "lateral extent"),
        "size_depth_extent_mm": (size.depth_extent_mm, "extent in depth"),
    }
    for name, (value, rule) in lengths.items():
        if value is not None:
            source = f"descriptors: size, {rule} {value:.2f} mm"
            facts.append(_fact(name, round(value, _DECIMALS), image_index, source, lesion))
    return tuple(facts)


def head_facts(
    mask: np.ndarray, *, image_index: int, pixel_spacing_mm: tuple[float, float] | None
) -> tuple[Fact, ...]:
    """State the circumference of a drawn fetal head; nothing where uncalibrated.

    Raises:
        InputError: see :func:`echovlm.data.descriptors.head.measure_head`.
    """
    head = measure_head(mask, pixel_spacing_mm=pixel_spacing_mm)
    if head.circumference_mm is None or not head.sure:
        return ()
    value = round(head.circumference_mm, _DECIMALS)
    return (_fact("head_circumference_mm", value, image_index, head.source()),)


def lumen_facts(
    mask: np.ndarray, *, image_index: int, pixel_spacing_mm: tuple[float, float] | None
) -> tuple[Fact, ...]:
    """State the diameter of a drawn lumen; nothing where uncalibrated.

    Raises:
        InputError: see :func:`echovlm.data.descriptors.lumen.measure_lumen`.
    """
    lumen = measure_lumen(mask, pixel_spacing_mm=pixel_spacing_mm)
    if lumen.diameter_mm is None or lumen.reason:
        return ()
    value = round(lumen.diameter_mm, _DECIMALS)
    return (_fact("lumen_diameter_mm", value, image_index, lumen.source()),)


def _fact(
    name: str, value: str | float | None, image: int, source: str, lesion: int | None = None
) -> Fact:
    assert value is not None
    return Fact(
        name=name, value=value, lesion=lesion, image=image, origin=Origin.MASK, source=source
    )
