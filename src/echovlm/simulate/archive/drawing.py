"""The pictures of a planned study, with everything that is written on them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from echovlm.simulate.annotations import (
    Annotated,
    BurnedText,
    Overlay,
    annotate,
    annotate_loop,
    has_chinese_font,
)
from echovlm.simulate.archive.instances import Frames
from echovlm.simulate.archive.plan import Burned, Kind, PlannedStudy
from echovlm.simulate.cases import Case, make_case
from echovlm.simulate.overlays import draw_overlay
from echovlm.simulate.scanner import Variation
from echovlm.simulate.studies import (
    SimulatedStudy,
    make_carotid_doppler,
    make_heart_cine,
    make_nodule_doppler,
)
from echovlm.simulate.vessel.duplex import Duplex
from echovlm.simulate.vessel.stenosis import STENOSES
from echovlm.study import Mode, Region
from echovlm.terms import Anatomy, Language


@dataclass(frozen=True, eq=False)
class Picture:
    """One instance to be, and the truth of its pixels.

    Attributes:
        frames: pixels and regions.
        texts: everything written on them.
    """

    frames: Frames
    texts: tuple[BurnedText, ...] = ()


def draw_study(study: PlannedStudy) -> tuple[Case | SimulatedStudy, list[Picture]]:
    """Simulate the study and write on its pictures what its plan says."""
    seed = int(study.rng(4).integers(2**31))
    if study.kind is Kind.STILLS:
        case = make_case(seed, study.label, variation=Variation.WIDE)
        return case, [_still(study, case, number) for number in range(len(case.images))]
    if study.kind is Kind.CINE:
        simulated = make_heart_cine(seed, variation=Variation.WIDE)
    elif study.anatomy is Anatomy.VESSEL:
        narrowed = str(study.rng(7).choice(STENOSES[1:]))
        stenosis = "normal" if study.label == "carotid-normal" else narrowed
        simulated = make_carotid_doppler(seed, stenosis, Variation.WIDE)
    else:
        simulated = make_nodule_doppler(seed, study.label, Variation.WIDE)
    return simulated, [_clip(study, simulated, i) for i in range(len(simulated.study.clips))]


def identifying_lines(study: PlannedStudy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines left and right of a scanner's banner, in the language of the study.

    Without a font for Chinese the names stand in Latin letters.
    """
    person, when = study.person, study.when
    born, moment = f"{person.born:%Y-%m-%d}", f"{when:%Y-%m-%d %H:%M:%S}"
    if study.language is Language.CHINESE and has_chinese_font():
        left = (f"姓名: {person.name}", f"ID: {person.number}", f"出生日期: {born}")
        return left, (study.hospital, moment, f"医师: {study.doctors[1].name}")
    name = person.roman_name if study.language is Language.CHINESE else person.name
    left = (f"Name: {name}", f"ID: {person.number}", f"DOB: {born}")
    if study.language is Language.CHINESE:
        return left, (moment,)
    return left, (study.hospital, moment, f"Dr. {study.doctors[1].name}")


def _overlay(study: PlannedStudy, overlay: Overlay) -> Overlay:
    if study.burned is Burned.SETTINGS:
        return overlay
    left, right = identifying_lines(study)
    inside = (left[0], left[1]) if study.burned is Burned.INSIDE else ()
    return dataclasses.replace(overlay, header=left, header_right=right, inside=inside)


def _still(study: PlannedStudy, case: Case, number: int) -> Picture:
    clip, image = case.study.clips[number], case.images[number]
    side = study.side or str(getattr(case.features, "side", ""))
    if study.burned is Burned.NOTHING:
        height, width = image.pixels.shape
        region = Region(Mode.B_MODE, (0, 0, width, height), clip.pixel_spacing_mm)
        return Picture(Frames(clip.frames, Mode.B_MODE, (region,), side=side))
    rng = study.rng(10 + number)
    overlay = _overlay(study, draw_overlay(image, case.anatomy, side, rng))
    drawn = annotate(clip.frames[0], image.spacing_mm, overlay)
    region = Region(Mode.B_MODE, drawn.region, clip.pixel_spacing_mm)
    frames = Frames(drawn.pixels[None], Mode.B_MODE, (region,), side=side)
    return Picture(frames, drawn.texts)


def _clip(study: PlannedStudy, simulated: SimulatedStudy, number: int) -> Picture:
    clip = simulated.study.clips[number]
    truth = simulated.truth
    bare = Frames(
        pixels=clip.frames,
        mode=clip.mode,
        regions=clip.regions,
        frame_time_ms=clip.frame_time_ms,
        side=study.side or str(getattr(getattr(simulated.features, "nodule", None), "side", "")),
        spectrum=truth.spectrum.scale if isinstance(truth, Duplex) else None,
    )
    if study.burned is Burned.NOTHING:
        return Picture(bare)
    assert clip.pixel_spacing_mm is not None
    overlay = Overlay(has_scale=clip.is_cine, has_grey_bar=clip.is_cine)
    if study.burned is not Burned.SETTINGS:
        left, right = identifying_lines(study)
        overlay = dataclasses.replace(overlay, header=left, header_right=right)
    drawn = annotate_loop(clip.frames, clip.pixel_spacing_mm[0], overlay)
    regions = tuple(_moved(region, drawn) for region in clip.regions)
    return Picture(dataclasses.replace(bare, pixels=drawn.pixels, regions=regions), drawn.texts)


def _moved(region: Region, drawn: Annotated) -> Region:
    left, top = drawn.region[:2]
    x0, y0, x1, y1 = region.box
    return dataclasses.replace(region, box=(x0 + left, y0 + top, x1 + left, y1 + top))
