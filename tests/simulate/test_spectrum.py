"""Spectral Doppler: what is traced on the picture is what was drawn."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from echovlm import prompts
from echovlm.facts.contradictions import check_text
from echovlm.simulate.spectrum import (
    SCALE_WIDTH_PX,
    SpectrumImage,
    SpectrumScale,
    Waveform,
    draw_spectrum,
    scale_for,
)
from echovlm.simulate.studies import make_carotid_doppler
from echovlm.simulate.vessel import stenosis, stenosis_text
from echovlm.terms import Language, Mode

DIAGNOSES = re.compile(r"斑块|狭窄|闭塞|正常颈动脉|plaque|stenosis|occlusion|normal carotid")


def traced(pixels: np.ndarray, scale: SpectrumScale) -> np.ndarray:
    """Envelope in cm/s of each column: the uppermost row that belongs to the band."""
    smooth = pixels.astype(float)
    kernel = np.ones(3) / 3
    smooth = np.apply_along_axis(np.convolve, 1, smooth, kernel, "same")
    rows = smooth[: scale.baseline_row - 4]
    limit = np.percentile(smooth, 97) - 45  # 6.5 dB below the band
    bright = rows > limit
    return scale.velocity_cm_per_s(bright.argmax(axis=0))


def peaks(image: SpectrumImage) -> tuple[float, float]:
    """Peak systolic and end-diastolic velocity, the median over whole beats."""
    spectrum = image.pixels[:, :-SCALE_WIDTH_PX]
    envelope = traced(spectrum, image.scale)
    starts = np.rint(image.beat_starts_px).astype(int)
    beats = list(itertools.pairwise(starts))
    tops = [envelope[first:last].max() for first, last in beats]
    ends = [np.median(envelope[last - 7 : last - 2]) for _, last in beats]
    return float(np.median(tops)), float(np.median(ends))


@pytest.mark.parametrize(
    ("psv", "edv", "broadening"), [(70, 20, 0.05), (110, 35, 0.3), (200, 80, 0.6), (380, 150, 1.0)]
)
def test_tracing_the_envelope_recovers_peak_and_end_diastolic_velocity(
    psv: float, edv: float, broadening: float
) -> None:
    for seed in range(3):
        waveform = Waveform(psv, edv, 60 + 12 * seed, broadening)
        image = draw_spectrum(waveform, scale_for(psv * 1.3, 4.0), np.random.default_rng(seed))
        assert not image.is_aliased
        top, end = peaks(image)
        assert top == pytest.approx(psv, rel=0.05)
        assert end == pytest.approx(edv, rel=0.05)


def test_rows_and_columns_convert_exactly() -> None:
    scale = scale_for(160, 4.4)
    assert scale.velocity_cm_per_s(scale.baseline_row) == 0
    assert scale.velocity_cm_per_s(0) == pytest.approx(160)
    assert scale.highest_cm_per_s == pytest.approx(160)
    assert scale.seconds_per_pixel == pytest.approx(0.01)


def test_beats_follow_the_heart_rate_and_vary_about_it() -> None:
    scale = scale_for(120, 20.0, width_px=2000)
    image = draw_spectrum(Waveform(90, 25, 75, 0.1), scale, np.random.default_rng(4), 2000)
    lengths = np.diff(image.beat_starts_px) * scale.seconds_per_pixel
    assert lengths.mean() == pytest.approx(60 / 75, rel=0.03)
    assert 0.01 < lengths.std() / lengths.mean() < 0.07


def test_the_envelope_has_a_steep_upstroke_and_a_dicrotic_notch() -> None:
    part = np.linspace(0, 1, 500)
    brisk = Waveform(100, 20, 70, 0.1).envelope(part)
    assert brisk.max() == pytest.approx(100, abs=0.2)
    assert brisk[[0, -1]] == pytest.approx([20, 20])
    assert part[brisk.argmax()] < 0.12
    after = brisk[brisk.argmax() :]
    rising = np.flatnonzero(np.diff(after) > 0)
    assert rising.size > 5
    damped = Waveform(30, 8, 70, 0.4, is_damped=True).envelope(part)
    assert part[damped.argmax()] > 0.2


def test_the_spectral_window_fills_as_flow_is_disturbed() -> None:
    shares = []
    for broadening in (0.05, 0.3, 0.6, 1.0):
        scale = scale_for(150, 4.0)
        image = draw_spectrum(Waveform(120, 50, 70, broadening), scale, np.random.default_rng(0))
        band = image.pixels[:, :-SCALE_WIDTH_PX].astype(float)
        low = scale.baseline_row - round(18 / scale.cm_per_s_per_pixel)
        window = band[low - 3 : low + 4]
        shares.append(window.mean() / np.percentile(band, 98))
    assert (np.diff(shares) > 0.05).all()
    assert shares[0] < 0.35
    assert shares[-1] > 0.8


def test_a_peak_past_the_scale_comes_in_at_the_bottom() -> None:
    waveform = Waveform(200, 60, 70, 0.9)
    scale = scale_for(160, 4.0)
    image = draw_spectrum(waveform, scale, np.random.default_rng(1))
    assert image.is_aliased
    spectrum = image.pixels[:, :-SCALE_WIDTH_PX].astype(float)
    column = int(image.envelope_cm_per_s.argmax())
    wrapped = spectrum[scale.baseline_row + 4 :, column - 1 : column + 2].mean(axis=1)
    lowest = scale.velocity_cm_per_s(float(scale.height_px - 1))
    reach = np.flatnonzero(wrapped > 100).min() + scale.baseline_row + 4
    # 40 cm/s past the top show as 40 cm/s above the bottom end.
    assert scale.velocity_cm_per_s(reach) - lowest == pytest.approx(200 - 160, abs=6)
    diastole = int(image.envelope_cm_per_s.argmin())
    assert spectrum[scale.baseline_row + 4 :, diastole].mean() < 60


def test_without_flow_there_is_only_noise() -> None:
    image = draw_spectrum(Waveform(0, 0, 70, 0), scale_for(40, 4), np.random.default_rng(0))
    spectrum = image.pixels[:, :-SCALE_WIDTH_PX].astype(float)
    above = spectrum[: image.scale.baseline_row - 2]
    below = spectrum[image.scale.baseline_row + 2 : -6]
    assert above.mean() == pytest.approx(below.mean(), rel=0.05)
    assert above.max() < 170


def test_the_rule_of_the_consensus_gives_the_sampled_class() -> None:
    for seed in range(200):
        features = stenosis.sample(np.random.default_rng(seed))
        ruled = features.assessed()
        assert ruled.stenosis == features.stenosis
        assert "disagrees" not in ruled.supporting.values()
        assert not ruled.warnings
        assert bool(features.vessel.plaques) == (features.stenosis != "normal")
        assert ("psv_cm_per_s" in stenosis.measurements(features)) == features.has_flow
        assert features.has_flow == (features.stenosis != "occlusion")


@pytest.mark.parametrize("name", stenosis.STENOSES)
def test_the_drawn_lumen_is_as_narrow_as_its_class(name: str) -> None:
    limits = {
        "normal": (0, 12),
        "<50 %": (12, 50),
        "50-69 %": (50, 70),
        ">=70 %": (70, 100),
        "near occlusion": (75, 100),
        "occlusion": (99.9, 100),
    }
    case = make_carotid_doppler(5, name)
    lumen = case.truth.lumen
    free = case.features.vessel.diameter_mm - 2 * case.features.vessel.imt_mm
    reduction = 100 * (1 - float((lumen.far_mm - lumen.near_mm).min()) / free)
    low, high = limits[name]
    assert low <= reduction <= high


def test_texts_name_the_class_without_numbers_and_findings_no_diagnosis() -> None:
    classes = {"<50 %": "轻度", "50-69 %": "中度", ">=70 %": "重度", "occlusion": "闭塞"}
    for seed in range(120):
        features = stenosis.sample(np.random.default_rng(seed))
        for language in Language:
            found = stenosis_text.findings(features, language)
            impression = stenosis_text.impression(features, language)
            answers = [q.answer for q in stenosis_text.questions(features, language)]
            assert not re.search(r"\d", " ".join([found, impression, *answers]))
            assert not DIAGNOSES.search(found)
            label = prompts.label(features.vessel.label).name(language).lower()
            assert label in impression.lower()
        chinese = stenosis_text.impression(features, Language.CHINESE)
        assert classes.get(features.stenosis, "") in chinese


def test_reports_do_not_contradict_the_facts_of_their_study() -> None:
    for seed, name in enumerate(stenosis.STENOSES):
        case = make_carotid_doppler(seed, name)
        for language in Language:
            assert not check_text(case.report_text(language), case.facts(), language)


def test_both_languages_part_the_classes_and_ask_the_same() -> None:
    pairs = set()
    for seed in range(150):
        features = stenosis.sample(np.random.default_rng(seed))
        pairs.add(tuple(stenosis_text.findings(features, language) for language in Language))
        topics = [[q.topic for q in stenosis_text.questions(features, la)] for la in Language]
        assert topics[0] == topics[1]
    assert len({zh for zh, _ in pairs}) == len(pairs) == len({en for _, en in pairs})


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown stenosis 'slight'"):
        make_carotid_doppler(0, "slight")


def test_the_duplex_clip_says_where_its_spectrum_is() -> None:
    case = make_carotid_doppler(8, "50-69 %")
    clip = case.study.clips[1]
    region = clip.regions[0]
    assert region.mode is Mode.SPECTRAL_DOPPLER
    assert region.pixel_spacing_mm is None
    x0, y0, x1, y1 = region.box
    inside = clip.frames[0, y0:y1, x0:x1, 0]
    spectrum = case.truth.spectrum
    assert np.array_equal(inside, spectrum.pixels[:, : x1 - x0])
    assert peaks(spectrum)[0] == pytest.approx(case.features.psv_cm_per_s, rel=0.05)


def test_studies_are_bit_equal_per_seed_and_their_facts_carry_the_velocities() -> None:
    for seed in range(6):
        case, again = make_carotid_doppler(seed), make_carotid_doppler(seed)
        for clip, other in zip(case.study.clips, again.study.clips, strict=True):
            assert np.array_equal(clip.frames, other.frames)
        facts = {fact.name: fact.value for fact in case.facts()}
        assert facts["diagnosis"] == case.label
        assert facts["stenosis"] == case.features.stenosis
        assert ("psv_cm_per_s" in facts) == case.features.has_flow
        if case.features.has_flow:
            assert facts["psv_cm_per_s"] == case.measurements()["psv_cm_per_s"]
            assert facts["edv_cm_per_s"] == case.measurements()["edv_cm_per_s"]
