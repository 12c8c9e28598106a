"""The three jobs, told apart from any network."""

import dataclasses

import numpy as np
import pytest

from echovlm import prompts
from echovlm.engine import MAX_IMAGES, ScriptedEngine
from echovlm.engine.choices import softmax
from echovlm.errors import OptionError
from echovlm.prompts import Label, Task
from echovlm.study import Clip, LeftOut, Study
from echovlm.terms import Anatomy


def clip_of(frames, **settings):
    pixels = np.random.default_rng(0).integers(0, 256, (frames, 32, 32, 3), dtype=np.uint8)
    return Clip(frames=pixels, **settings)


@pytest.fixture
def study():
    return Study(clips=(clip_of(1),))


def test_findings_with_a_size_need_a_calibrated_study(study):
    text = "Findings: A 9 mm cyst.\nImpression: Cyst."
    engine = ScriptedEngine({prompts.question(Task.REPORT, "en"): text})
    calibrated = Study(clips=(clip_of(1, pixel_spacing_mm=(0.1, 0.1)),))
    assert engine.report(study).findings == "A [not measured] cyst."
    report = engine.report(calibrated)
    assert report.findings == "A 9 mm cyst."
    assert any("not measured" in warning for warning in report.warnings)


def test_one_uncalibrated_clip_makes_the_study_uncalibrated():
    mixed = Study(clips=(clip_of(1, pixel_spacing_mm=(0.1, 0.1)), clip_of(1)))
    assert ScriptedEngine(otherwise="9 mm").ask(mixed, "How large?").text == "[not measured]"


def test_the_stated_anatomy_is_used_and_reported(study):
    known = dataclasses.replace(study, anatomy=Anatomy.LIVER)
    engine = ScriptedEngine()
    assert engine.report(known).anatomy is Anatomy.LIVER
    diagnosis = engine.diagnose(known)
    assert diagnosis.anatomy_candidates == ()
    assert {c.key for c in diagnosis.candidates} == {x.key for x in prompts.labels("liver")}


def test_an_inferred_anatomy_is_told_with_its_probability(study):
    diagnosis = ScriptedEngine(preferred=["heart", "normal heart"]).diagnose(study)
    assert diagnosis.anatomy is Anatomy.HEART
    assert diagnosis.best.key == "heart-normal"
    assert diagnosis.anatomy_candidates[0].probability == pytest.approx(
        max(c.probability for c in diagnosis.anatomy_candidates)
    )
    assert any("takes it for heart" in warning for warning in diagnosis.warnings)


def test_a_lower_temperature_sharpens_the_probabilities(study):
    cool = ScriptedEngine(preferred=["breast cyst"], temperature=0.5).diagnose(
        study, anatomy="breast"
    )
    warm = ScriptedEngine(preferred=["breast cyst"], temperature=2.0).diagnose(
        study, anatomy="breast"
    )
    assert cool.best.key == warm.best.key == "breast-cyst"
    assert cool.best.probability > warm.best.probability
    assert softmax([-1.0, -3.0], 2.0)[0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_a_checkpoint_without_a_temperature_warns(study):
    diagnosis = ScriptedEngine(temperature=None).diagnose(study, anatomy="liver", language="zh")
    assert (diagnosis.temperature, diagnosis.is_calibrated) == (1.0, False)
    assert any("未经校准" in warning for warning in diagnosis.warnings)


def test_labels_may_be_objects(study):
    mine = [Label("a", "甲", "first"), Label("b", "乙", "second")]
    diagnosis = ScriptedEngine(preferred=["乙"]).diagnose(study, labels=mine, language="zh")
    assert [c.name for c in diagnosis.candidates] == ["乙", "甲"]
    assert diagnosis.anatomy is None


def test_equal_labels_count_once(study):
    with pytest.raises(OptionError, match="not 1"):
        ScriptedEngine().diagnose(study, labels=["cyst", " cyst ", ""])


def test_warnings_follow_the_language_of_the_question(study):
    cut = {"max_new_tokens": 1}
    engine = ScriptedEngine(otherwise="a b c")
    assert "cut off" in engine.ask(study, "What?", **cut).warnings[0]
    assert "截断" in engine.ask(study, "这是什么？", **cut).warnings[0]
    assert "截断" in engine.ask(study, "What?", language="zh", **cut).warnings[0]


def test_frames_beyond_the_limit_are_told():
    many = Study(clips=tuple(clip_of(1) for _ in range(MAX_IMAGES + 5)))
    (warning,) = ScriptedEngine().report(many).warnings
    assert f"Only {MAX_IMAGES} of {MAX_IMAGES + 5}" in warning


def test_left_out_files_and_notes_become_warnings(study):
    files = tuple(LeftOut(f"{n}.png", "is truncated.") for n in range(7))
    noted = dataclasses.replace(study, left_out=files, notes=("two patients are named",))
    warnings = ScriptedEngine().report(noted).warnings
    assert warnings[0] == "0.png was left out: is truncated."
    assert warnings[5] == "2 more file(s) were left out."
    assert warnings[6] == "Two patients are named."


@pytest.mark.parametrize("job", ["report", "diagnose"])
def test_an_unknown_language_is_a_sentence(job, study):
    with pytest.raises(OptionError, match="Unknown language 'fr'"):
        getattr(ScriptedEngine(), job)(study, language="fr")


def test_no_studies_give_no_reports():
    assert ScriptedEngine().report_many([]) == []


def test_streaming_refuses_a_bad_question_at_once(study):
    with pytest.raises(OptionError, match="at most 4000"):
        ScriptedEngine().stream(study, "?" * 5000)
