"""Scores of scripted engines on small imported sets: one knows everything, one looks at nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from echovlm import prompts, report
from echovlm.data.importing import import_source, json_line
from echovlm.data.manifest import Manifest, write_manifest
from echovlm.data.record import ReportText
from echovlm.data.sample import Sample, Split, Turn
from echovlm.data.sources.source import Draft, DraftPicture, Entry
from echovlm.engine import ScriptedEngine
from echovlm.errors import DataError
from echovlm.facts import Fact, Origin
from echovlm.prompts import Task
from echovlm.prompts.wording import wording
from echovlm.reproduce.limits import Limits
from echovlm.reproduce.scoring import render_markdown, score_held_out
from echovlm.terms import Language

LIMITS = Limits(diagnosed=8, reported=4, calibrating=4, fitting=20, real=8, resamples=50)
HEAD = {
    language: wording("head_circumference_mm", 0.0, language).questions[0] for language in Language
}
FINDINGS = {language: prompts.question(Task.FINDINGS, language) for language in Language}
OVAL = {
    Language.CHINESE: "可见椭圆形低回声病灶。",
    Language.ENGLISH: "There is an oval hypoechoic lesion.",
}

LABELS = ("liver-cyst", "liver-normal")
BREAST = {"malignant": "breast-malignant", "benign": "breast-cyst"}


def pixels(source: str, number: int) -> np.ndarray:
    seed = sum(map(ord, source)) * 1000 + number
    return np.random.default_rng(seed).integers(0, 255, (48, 64), np.uint8)


@dataclass(frozen=True)
class Drawn:
    """Studies of one source; the truth depends on whether their number is odd."""

    name: str
    count: int = 16
    licence: str = "CC0-1.0"
    citation: str = "drawn from a seed"

    def entries(self) -> Iterator[Entry]:
        for number in range(self.count):
            yield Entry(key=f"{number:02d}", values={"number": number})

    def settings(self) -> dict[str, Any]:
        return {}

    def draft(self, entry: Entry) -> Draft:
        number = entry.values["number"]
        anatomy, pairs = truth(self.name, number)
        return Draft(
            patient=f"{number:02d}",
            anatomy=anatomy,
            pictures=(DraftPicture(pixels(self.name, number), pixel_spacing_mm=(0.2, 0.2)),),
            facts=tuple(
                Fact(name=name, value=value, origin=Origin.LABEL, source="drawn")
                for name, value in (("anatomy", anatomy), *pairs)
            ),
            reports=tuple(written(language, number) for language in Language)
            if self.name == "simulated"
            else (),
        )


def truth(source: str, number: int) -> tuple[str, list[tuple[str, Any]]]:
    odd = number % 2
    if source == "simulated":
        return "liver", [("diagnosis", LABELS[odd])]
    if source == "hc18":
        return "gynaecology", [("head_circumference_mm", 100.0 + number)]
    pathology = "malignant" if odd else "benign"
    shape = "irregular" if odd else "oval"
    anatomy = "breast" if source == "bus-bra" else "liver"
    return anatomy, [("pathology", pathology), ("shape", shape), ("echogenicity", "hypoechoic")]


def written(language: Language, number: int) -> ReportText:
    words = {
        Language.CHINESE: ("肝内可见无回声病灶。", "肝囊肿。")
        if number % 2 == 0
        else ("肝脏回声均匀。", "正常肝脏。"),
        Language.ENGLISH: ("An anechoic lesion is seen.", "Hepatic cyst.")
        if number % 2 == 0
        else ("The liver is even.", "Normal liver."),
    }[language]
    return ReportText(
        language=language,
        findings=words[0],
        impression=words[1],
        origin=Origin.SIMULATED,
        source="drawn",
    )


class KnowsByPixels(ScriptedEngine):
    """Looks up what is true by the pixels of the first picture; blanked ones tell it nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.known = {
            np.repeat(pixels(source, number)[..., None], 3, axis=2).tobytes(): (source, number)
            for source in ("simulated", "bus-bra", "aul", "hc18")
            for number in range(16)
        }

    def _write(self, pictures, questions, max_new_tokens):
        asked = list(zip(pictures, questions, strict=True))
        texts = [self._text(images, question) for images, question in asked]
        return [
            super(KnowsByPixels, self)._write([images], [question], max_new_tokens)[0]
            for (images, question), self.otherwise in zip(asked, texts, strict=True)
        ]

    def _text(self, images, question):
        source, number = self.known.get(images[0].tobytes(), ("", 0))
        self.answers = {}
        if source == "hc18" and question in HEAD.values():
            return f"{100 + number} mm"
        if source == "simulated":
            language = Language.CHINESE if "报告" in question else Language.ENGLISH
            one = written(language, number)
            return report.render_text(one.findings, one.impression, language)
        if source and question in FINDINGS.values():
            zh = question == FINDINGS[Language.CHINESE]
            shape = (
                ("不规则形" if zh else "irregular") if number % 2 else ("椭圆形" if zh else "oval")
            )
            return f"可见{shape}低回声病灶。" if zh else f"There is an {shape} hypoechoic lesion."
        return ""

    def _score(self, pictures, question, candidates):
        source, number = self.known.get(pictures[0].tobytes(), ("", 0))
        if not source:
            return [-1.0] * len(candidates)
        anatomy, pairs = truth(source, number)
        facts = dict(pairs)
        if source == "bus-bra":
            names = {BREAST[facts["pathology"]]}
        else:
            names = {facts.get("diagnosis", "")}
        words = {prompts.anatomy_name(anatomy, language) for language in Language}
        for name in names - {""}:
            words |= {prompts.label(name).name(language) for language in Language}
        if source == "aul":
            words |= (
                {"malignant liver lesion", "肝脏恶性病灶"}
                if number % 2
                else {
                    "benign liver lesion",
                    "肝脏良性病灶",
                }
            )
        return [-0.1 if candidate in words else -9.0 for candidate in candidates]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    imported = []
    for name in ("simulated", "bus-bra", "aul", "hc18"):
        import_source(Drawn(name), folder / name)
        imported.append(folder / name)
    splits = {
        f"{path.name}/{number:02d}": (Split.TRAIN, Split.VALIDATION, Split.TEST, Split.TEST)[
            number // 2 % 4
        ]
        for path in imported
        for number in range(16)
    }
    built = folder / "built"
    built.mkdir()
    rows = [
        Sample(
            id=f"{source}/{language}/{number}",
            study=f"{source}/00",
            turns=(
                Turn(role="user", text=FINDINGS[language]),
                Turn(role="assistant", text=OVAL[language]),
            ),
            task=Task.FINDINGS,
            language=language,
            source=source,
            patient_key=f"{source}/00",
            split=Split.TRAIN,
        )
        for source in ("bus-bra", "aul")
        for language in Language
        for number in range(2)
    ]
    (built / "samples.jsonl").write_bytes(b"".join(map(json_line, rows)))
    write_manifest(built, Manifest(kind="samples", sources=(), echovlm_version="0", files={}))
    return imported, built, splits


@pytest.fixture(scope="module")
def known(sets):
    imported, built, splits = sets
    return score_held_out(KnowsByPixels(), imported, built, splits, LIMITS)


def _row(result, *words):
    (found,) = [entry for entry in result["rows"] if all(word in entry["name"] for word in words)]
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("simulated, diagnosis",),
        ("simulated, anatomy",),
        ("BUS-BRA, benign",),
        ("AUL, benign",),
        ("real images, anatomy",),
        ("descriptors",),
    ],
)
def test_who_knows_everything_scores_full_marks_and_less_when_blinded(known, words):
    found = _row(known, *words)
    assert found["score"]["value"] == pytest.approx(1.0)
    blank = found["baselines"]["blanked images"]
    assert blank["value"] < 1
    assert blank["difference"]["value"] == pytest.approx(1 - blank["value"])


def test_texts_and_lengths_are_right_with_pictures_and_missing_without(known):
    for language in Language:
        bleu = _row(known, f"report {language}", "BLEU-1")
        assert bleu["score"]["value"] == pytest.approx(100)
        assert bleu["baselines"]["blanked images"]["value"] == 0
        assert 0 < bleu["baselines"]["most frequent"]["value"] < 100
        assert "tok:" in bleu["signature"]
    head = _row(known, "HC18")
    assert head["score"]["value"] == 0
    assert head["met"] is True
    assert head["baselines"]["blanked images"]["value"] == 100
    assert 0 < head["baselines"]["median of training"]["value"] < 20


def test_only_test_patients_are_scored_and_the_temperature_is_of_validation(known):
    assert _row(known, "simulated, diagnosis")["patients"] == 8
    assert _row(known, "report en", "BLEU-1")["patients"] == 4
    # Everything is right at once, so the sharpest temperature fits best.
    assert known["temperature"] == pytest.approx(0.01)
    assert _row(known, "calibration")["score"]["value"] == pytest.approx(0, abs=1e-6)


def test_baselines_are_those_of_the_training_patients(known):
    descriptors = _row(known, "descriptors")
    # "oval, hypoechoic" is right for even numbers and half right for odd ones: 12 of 16.
    assert descriptors["baselines"]["most frequent findings"]["value"] == pytest.approx(0.75)
    assert descriptors["baselines"]["most frequent values"]["value"] == pytest.approx(0.75)
    assert _row(known, "BUS-BRA, benign")["baselines"]["most frequent"]["value"] == 0.5


def test_the_result_is_json_and_renders_as_one_table(known):
    text = render_markdown(json.loads(json.dumps(known, allow_nan=False)))
    assert "Checkpoint scripted, version 1." in text
    assert text.count("\n| ") == 1 + len(known["rows"])
    assert "≥ 0.97: met" in text


def test_a_reader_that_says_the_same_of_everything_is_no_better_than_the_baselines(sets):
    imported, built, splits = sets
    same = ScriptedEngine(preferred=["normal liver", "正常肝脏", "liver", "肝脏"])
    result = score_held_out(same, imported, built, splits, LIMITS)
    found = _row(result, "simulated, diagnosis")
    assert found["score"]["value"] == 0.5
    assert found["baselines"]["blanked images"]["difference"]["value"] == 0
    assert found["baselines"]["blanked images"]["p"] == 1
    assert found["met"] is False


def test_sources_that_are_absent_are_not_scored(sets):
    imported, built, splits = sets
    result = score_held_out(ScriptedEngine(), [imported[3]], built, splits, LIMITS)
    assert [entry["name"].split(",")[0] for entry in result["rows"]] == ["real images", "HC18"]


def test_sets_without_test_patients_are_refused(sets):
    imported, built, splits = sets
    train = dict.fromkeys(splits, Split.TRAIN)
    with pytest.raises(DataError, match="has no test patients"):
        score_held_out(ScriptedEngine(), imported, built, train, LIMITS)
    test = dict.fromkeys(splits, Split.TEST)
    with pytest.raises(DataError, match="no training patients"):
        score_held_out(ScriptedEngine(), imported, built, test, LIMITS)
    with pytest.raises(DataError, match="is no imported set"):
        score_held_out(ScriptedEngine(), [built], built, splits, LIMITS)
