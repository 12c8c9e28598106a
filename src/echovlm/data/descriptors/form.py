"""Orientation and shape: what the outline alone says.

Orientation (breast: parallel to the skin; thyroid: wider than tall)

    ratio = extent in depth / lateral extent          angle = long axis against the horizontal
    parallel       ratio < 1 and angle < 30
    not parallel   otherwise: taller than wide, round, or lying obliquely
    no word        where the beams fan out: the skin is not the picture's upper edge there

Shape, in this order

    irregular   ellipse misfit > 0.17, or solidity < 0.90, or more than four bays, or two and a
                rough outline; a bay is an indentation deeper than 0.03 diameters
    lobulated   two to four bays of a smooth outline (roughness < 0.035, see margin.py)
    round       short axis / long axis > 0.85
    oval        otherwise

Source: ACR BI-RADS Ultrasound, 5th edition (2013): a parallel mass has its long axis along the skin
line, a slightly oblique one may count as parallel, a round one does not; ACR TI-RADS white paper
(2017), 10.1016/j.jacr.2017.01.046: taller than wide is a ratio above 1. Both leave the angle and
the form without numbers: the numbers here are this package's, chosen on drawn shapes. "Lobulated"
left the BI-RADS lexicon with the 5th edition, which calls two or three gentle lobes oval.
"""

from __future__ import annotations

from echovlm.data.descriptors.descriptor import Descriptor, decided, undetermined
from echovlm.data.descriptors.lesion import Lesion
from echovlm.data.descriptors.outline import Outline

PARALLEL_ANGLE_DEGREES = 30.0
IRREGULAR_MISFIT = 0.17
IRREGULAR_SOLIDITY = 0.90
LOBE_DEPTH = 0.03
MOST_LOBES = 4
LARGEST_ROUGHNESS = 0.035
ROUND_AXIS_RATIO = 0.85

_RATIO_MARGIN = 0.12  # a drawn outline is good to a few pixels on each side
_ANGLE_MARGIN_DEGREES = 8.0
_LONG_ENOUGH = 0.8  # axis ratio above which the direction of the long axis means little
_MISFIT_MARGIN = 0.05
_SOLIDITY_MARGIN = 0.03
_AXIS_MARGIN = 0.06
_SMOOTH_SHARE = 0.8


def orientation(lesion: Lesion, outline: Outline) -> Descriptor:
    """Tell whether the long axis runs parallel to the skin (the picture's upper edge).

    Numbers: ``depth/lateral`` (above 1: taller than wide), ``axis angle`` in degrees from the
    horizontal, ``axis ratio``. Extents are in mm where calibrated, else pixels are taken as square.
    """
    if lesion.unfit:
        return undetermined("orientation", lesion.unfit)
    if lesion.beams.kind != "parallel":
        return undetermined("orientation", "the skin is not the upper edge of this picture")
    top, bottom, left, right = lesion.box
    ratio = (bottom - top) * lesion.stretch / (right - left)
    angle, thin = outline.angle_degrees, outline.axis_ratio
    numbers = {"depth/lateral": ratio, "axis angle": angle, "axis ratio": thin}
    oblique = PARALLEL_ANGLE_DEGREES
    if ratio < 1 and angle < oblique:
        near = ratio > 1 - _RATIO_MARGIN or angle > oblique - _ANGLE_MARGIN_DEGREES
        doubt = "nearly as tall as wide, or nearly oblique" if near else ""
        return decided("orientation", "parallel", numbers, doubt)
    tall = ratio >= 1 + _RATIO_MARGIN
    steep = angle >= oblique + _ANGLE_MARGIN_DEGREES and thin <= _LONG_ENOUGH
    doubt = "" if tall or steep else "nearly as wide as tall, or only slightly oblique"
    return decided("orientation", "not parallel", numbers, doubt)


def shape(lesion: Lesion, outline: Outline) -> Descriptor:
    """Tell the shape of the outline.

    Numbers: ``ellipse misfit``, ``solidity``, ``circularity`` (for the reader; it also falls with
    elongation and decides nothing), ``axis ratio``, ``bays`` (deeper than the threshold).
    """
    if lesion.unfit:
        return undetermined("shape", lesion.unfit)
    bays = [depth for depth in outline.indentations if depth > LOBE_DEPTH]
    numbers = {
        "ellipse misfit": outline.misfit,
        "solidity": outline.solidity,
        "circularity": outline.circularity,
        "axis ratio": outline.axis_ratio,
        "bays": float(len(bays)),
    }
    word = _shape_word(outline, len(bays))
    return decided("shape", word, numbers, _shape_doubt(outline, word))


def _shape_word(outline: Outline, bays: int) -> str:
    if outline.misfit > IRREGULAR_MISFIT or outline.solidity < IRREGULAR_SOLIDITY:
        return "irregular"
    if bays > MOST_LOBES or (bays >= 2 and outline.roughness > LARGEST_ROUGHNESS):
        return "irregular"
    if bays >= 2:
        return "lobulated"
    return "round" if outline.axis_ratio > ROUND_AXIS_RATIO else "oval"


def _shape_doubt(outline: Outline, word: str) -> str:
    misfit, solidity = outline.misfit, outline.solidity
    if word == "irregular":
        clear = (
            misfit > IRREGULAR_MISFIT + _MISFIT_MARGIN
            or solidity < IRREGULAR_SOLIDITY - _SOLIDITY_MARGIN
        )
        return "" if clear else "only slightly irregular"
    if misfit > IRREGULAR_MISFIT - _MISFIT_MARGIN or (
        solidity < IRREGULAR_SOLIDITY + _SOLIDITY_MARGIN
    ):
        return "nearly irregular"
    if word == "lobulated":
        smooth = outline.roughness < _SMOOTH_SHARE * LARGEST_ROUGHNESS
        deep = outline.indentations[1] > 1.5 * LOBE_DEPTH
        return "" if smooth and deep else "bays are shallow or the outline is uneven"
    if outline.indentations and outline.indentations[0] > LOBE_DEPTH:
        return "one side is indented"
    close = abs(outline.axis_ratio - ROUND_AXIS_RATIO) < _AXIS_MARGIN
    return "between round and oval" if close else ""
