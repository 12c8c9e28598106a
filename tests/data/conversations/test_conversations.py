"""Conversations: every statement has its fact, nothing else is said, and the reader agrees."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm import prompts
from echovlm.data.conversations import samples_of
from echovlm.data.quality.texts import faults
from echovlm.data.record import AskedText, Picture, Record, ReportText
from echovlm.data.sample import IMAGE_TAG, Provenance
from echovlm.facts import Fact, Origin
from echovlm.facts.lexicon import attribute, name_words, words
from echovlm.facts.parse import read_statements
from echovlm.prompts import Task
from echovlm.terms import Anatomy, Language

WORDS = {
    "shape": ["oval", "round", "irregular"],
    "orientation": ["parallel", "not parallel"],
    "margin": ["circumscribed", "not circumscribed", "spiculated", "indistinct"],
    "echogenicity": ["anechoic", "hypoechoic", "isoechoic", "hyperechoic", "very hypoechoic"],
    "echotexture": ["homogeneous", "heterogeneous"],
    "posterior": ["none", "enhancement", "shadowing"],
    "image_position": ["upper left", "centre", "lower right"],
}


def fact(name, value, origin=Origin.LABEL, lesion=None, image=None) -> Fact:
    return Fact(name=name, value=value, lesion=lesion, image=image, origin=origin, source="table")


def record(facts, anatomy=Anatomy.BREAST, pictures=1, **more) -> Record:
    stated = [fact("anatomy", anatomy.value), *facts] if anatomy else facts
    return Record(
        id="set/1",
        source="set",
        licence="CC0-1.0",
        patient_key="set/p1",
        anatomy=anatomy,
        pictures=tuple(
            Picture(
                path=f"images/{n}.png", sha256="0", perceptual_hash="0", width_px=9, height_px=9
            )
            for n in range(pictures)
        ),
        facts=tuple(stated),
        **more,
    )


@st.composite
def lesion_records(draw) -> Record:
    """A breast or liver lesion with any of its descriptors, labels and sizes known."""
    anatomy = draw(st.sampled_from([Anatomy.BREAST, Anatomy.THYROID, Anatomy.LIVER]))
    facts = [fact("lesion_present", True)]
    for name, values in WORDS.items():
        if draw(st.booleans()):
            facts.append(fact(name, draw(st.sampled_from(values)), Origin.MASK, 1, 0))
    if draw(st.booleans()):
        facts.append(fact("pathology", draw(st.sampled_from(["benign", "malignant"])), lesion=1))
    if draw(st.booleans()):
        long_mm = draw(st.integers(30, 400)) / 10
        facts.append(fact("size_long_mm", long_mm, Origin.MASK, 1, 0))
        facts.append(fact("size_short_mm", round(long_mm * 0.6, 1), Origin.MASK, 1, 0))
    if draw(st.booleans()):
        facts.append(fact("laterality", draw(st.sampled_from(["left", "right"]))))
    return record(facts, anatomy, pictures=draw(st.integers(1, 2)))


@given(lesion_records(), st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_statements_cover_what_is_said_and_rest_on_the_record(made, seed):
    for sample in samples_of(made, seed=seed):
        text, statements = sample.answer, sample.turns[-1].statements
        assert statements
        last = 0
        for statement in statements:
            assert last <= statement.start < statement.end <= len(text)
            between = re.sub(
                r"Findings: |Impression: |超声所见：|超声提示：", "", text[last : statement.start]
            )
            assert not re.search(r"[\w\u4e00-\u9fff]", between)
            assert set(statement.facts) <= set(made.facts)
            last = statement.end
        assert not re.search(r"[\w\u4e00-\u9fff]", text[last:])


@given(lesion_records(), st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_the_reader_finds_no_fault_and_reads_the_findings_back(made, seed):
    for sample in samples_of(made, seed=seed):
        assert faults(sample) == []
        if sample.task is Task.FINDINGS:
            read = {(s.name, s.value) for s in read_statements(sample.answer, sample.language)}
            for statement in sample.turns[-1].statements:
                for known in statement.facts:
                    if known.name in ("shape", "margin", "echogenicity", "laterality"):
                        assert (known.name, known.value) in read or known.name == "laterality"


@given(lesion_records(), st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_nothing_is_said_that_no_fact_states(made, seed):
    names = {known.name for known in made.facts}
    for sample in samples_of(made, seed=seed):
        said = sample.answer.lower()
        if sample.task in (Task.FINDINGS, Task.CAPTION):
            assert not re.search(r"benign|malignan|良性|恶性|bi-rads", said)
        if sample.task is Task.IMPRESSION:
            assert not re.search(r"\d+(\.\d+)? ?mm", said)
        if "laterality" not in names:
            assert not re.search(r"左侧(?!中部)|右侧(?!中部)|left (breast|liver|thyroid)", said)
        if "size_long_mm" not in names or len(made.pictures) > 1:
            assert "mm" not in said


def test_equal_seeds_give_equal_samples_and_others_differ():
    made = record([fact("lesion_present", True), fact("pathology", "benign", lesion=1)])
    assert samples_of(made, seed=1) == samples_of(made, seed=1)
    assert samples_of(made, seed=1) != samples_of(made, seed=2)
    ids = [sample.id for sample in samples_of(made, seed=1)]
    assert len(set(ids)) == len(ids)


def test_every_picture_has_its_tag():
    made = record([fact("lesion_present", False), fact("pathology", "normal")], pictures=3)
    for sample in samples_of(made, seed=0):
        assert sample.turns[0].text.startswith(f"{IMAGE_TAG * 3}\n")
        assert sample.images == ("images/0.png", "images/1.png", "images/2.png")
        assert sample.question


def test_pictures_that_disagree_silence_the_word():
    made = record(
        [
            fact("lesion_present", True),
            fact("shape", "oval", Origin.MASK, 1, 0),
            fact("shape", "round", Origin.MASK, 1, 1),
            fact("margin", "circumscribed", Origin.MASK, 1, 0),
            fact("margin", "circumscribed", Origin.MASK, 1, 1),
            fact("echogenicity", "hypoechoic", Origin.MASK, 1, 0),
        ],
        pictures=2,
    )
    for sample in samples_of(made, seed=3):
        names = {f.name for s in sample.turns[-1].statements for f in s.facts}
        assert "shape" not in names


def test_several_lesions_are_not_described_as_one():
    made = record(
        [
            fact("lesion_present", True),
            fact("shape", "oval", Origin.MASK, 1, 0),
            fact("shape", "irregular", Origin.MASK, 2, 0),
        ]
    )
    answers = {s.task: s.answer for s in samples_of(made, seed=0) if s.language == "en"}
    assert answers[Task.FINDINGS] == "There are several focal lesions in the breast."


def test_a_record_of_which_nothing_is_known_gives_nothing():
    assert samples_of(record([], anatomy=None), seed=0) == []


def test_texts_of_the_source_are_used_verbatim():
    report = ReportText(
        language=Language.CHINESE,
        findings="乳腺内见低回声结节。",
        impression="乳腺结节。",
        origin=Origin.HUMAN,
        source="r",
    )
    asked = AskedText(
        language=Language.CHINESE,
        topic="lesion",
        question="有病灶吗？",
        answer="有。",
        origin=Origin.SIMULATED,
        source="s",
    )
    made = record([fact("lesion_present", True)], reports=(report,), asked=(asked,))
    by_task = {s.task: s for s in samples_of(made, seed=0) if s.language == "zh"}
    assert by_task[Task.REPORT].answer == "超声所见：乳腺内见低回声结节。\n超声提示：乳腺结节。"
    assert by_task[Task.FINDINGS].turns[-1].provenance is Provenance.HUMAN
    questions = [s for s in samples_of(made, seed=0) if s.question == "有病灶吗？"]
    assert [s.answer for s in questions] == ["有。"]
    assert questions[0].turns[-1].provenance is Provenance.SIMULATED


def many(count: int = 400) -> list:
    made = record(
        [
            fact("lesion_present", True),
            fact("pathology", "benign", lesion=1),
            *(fact(name, values[0], Origin.MASK, 1, 0) for name, values in WORDS.items()),
        ]
    )
    return [sample for seed in range(count) for sample in samples_of(made, seed=seed)]


def test_choices_are_balanced_and_their_wrong_options_are_false():
    samples = [sample for sample in many() if sample.task is Task.CHOICE]
    letters = Counter(re.sub(r"[^A-E]", "", s.answer[:2]) for s in samples)
    assert all(letters[letter] > 0.1 * len(samples) for letter in "ABC")
    for sample in samples:
        (known,) = sample.turns[-1].statements[0].facts
        right = words(known.name, known.value, sample.language)
        options = re.findall(
            r"\(?[A-E][.):]\s?(.+?)(?=[；;]\s?\(?[A-E][.):]|\n|$)", sample.question
        )
        assert 3 <= len(options) <= 5
        assert options.count(right) == 1
        letter = re.sub(r"[^A-E]", "", sample.answer[:2])
        assert options["ABCDE".index(letter)] == right
        if len(sample.answer) > 1:
            assert sample.answer in sample.question


def test_judgements_are_balanced_and_true_to_the_facts():
    samples = [sample for sample in many() if sample.task is Task.JUDGE]
    counts = Counter(sample.answer for sample in samples)
    assert set(counts) == {"True", "False"}
    assert abs(counts["True"] - counts["False"]) < 0.1 * len(samples)
    for sample in samples:
        (known,) = sample.turns[-1].statements[0].facts
        if isinstance(known.value, bool):
            continue
        right = words(known.name, known.value, sample.language)
        stated = sample.question.splitlines()[-1]
        others = [
            words(known.name, value, sample.language)
            for value in attribute(known.name).values
            if value != known.value
        ]
        if sample.answer == "True":
            assert right in stated
        else:
            assert any(other in stated for other in others)


def test_several_hundred_phrasings_stand_in_both_languages():
    count = 0
    for language in Language:
        phrasings = [p for task in Task for p in prompts.phrasings(task, language)]
        for name in prompts.asked_attributes(language):
            phrasings += prompts.wording(name, True, name_words(name, language), language).questions
        assert len(set(phrasings)) == len(phrasings)
        count += len(set(phrasings))
    assert count > 600


@pytest.mark.parametrize("language", list(Language))
def test_every_asked_attribute_stands_in_the_lexicon_with_enough_questions(language):
    for name in prompts.asked_attributes(language):
        attribute(name)
        wording = prompts.wording(name, True, "name", language)
        assert name in ("anatomy", "diagnosis") or len(wording.questions) >= 6
        assert wording.answers
