"""Conversations: every statement has its fact, nothing else is said, and the reader agrees."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import fact, full_record, lesion_records, other_records, record

from echovlm.data.conversations import samples_of
from echovlm.data.quality.texts import faults
from echovlm.data.record import AskedText, Picture, Record, ReportText
from echovlm.data.sample import IMAGE_TAG, Provenance
from echovlm.facts import Origin
from echovlm.facts.contradictions import check_text
from echovlm.facts.parse import read_statements
from echovlm.prompts import Task
from echovlm.terms import Anatomy, Language

RECORDS = st.one_of(lesion_records(), other_records())
DESCRIBING = (Task.REPORT, Task.FINDINGS, Task.IMPRESSION, Task.CAPTION)


def answers(made, task, language="en", seed=0) -> list[str]:
    return [
        sample.answer
        for sample in samples_of(made, seed=seed)
        if sample.task == task and sample.language == language
    ]


@given(RECORDS, st.integers(0, 50))
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


@given(RECORDS, st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_the_reader_agrees_and_reads_back_every_fact_of_a_text(made, seed):
    for sample in samples_of(made, seed=seed):
        assert faults(sample) == []
        assert check_text(sample.answer, made.facts, sample.language) == (), sample.answer
        if sample.task not in DESCRIBING:
            continue
        read = {
            (each.name, round(each.value, 1) if isinstance(each.value, float) else each.value)
            for each in read_statements(sample.answer, sample.language)
        }
        for statement in sample.turns[-1].statements:
            for known in statement.facts:
                value = round(known.value, 1) if isinstance(known.value, float) else known.value
                assert (known.name, value) in read, (known.name, sample.answer)


@given(lesion_records(), st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_nothing_is_said_that_no_fact_states(made, seed):
    names = {known.name for known in made.facts}
    for sample in samples_of(made, seed=seed):
        said = sample.answer.lower()
        statements = read_statements(sample.answer, sample.language)
        read = {each.name for each in statements} - {"structure"}  # an organ or lesion by name
        if sample.task in (Task.FINDINGS, Task.CAPTION):
            assert not read & {"pathology", "histology", "diagnosis", "birads", "tirads"}
        if sample.task is Task.IMPRESSION:
            assert not re.search(r"\d+(\.\d+)? ?(mm|cm)", said)
        if sample.task in DESCRIBING:
            assert not read - names - {"pathology", "lesion_count", "diagnosis"}, sample.answer
            counts = [each for each in statements if each.name == "lesion_count"]
            assert all(count.partial for count in counts)  # "a lesion", never "one lesion"
        if "laterality" not in names:
            assert not re.search(r"左侧(?!中部)|右侧(?!中部)|left (breast|liver|thyroid)", said)
        if "size_long_mm" not in names or len(made.pictures) > 1:
            assert sample.task is Task.CAPTION or "mm" not in said


def test_equal_seeds_give_equal_samples_and_others_differ():
    made = full_record()
    assert samples_of(made, seed=1) == samples_of(made, seed=1)
    assert samples_of(made, seed=1) != samples_of(made, seed=2)
    ids = [sample.id for sample in samples_of(made, seed=1)]
    assert len(set(ids)) == len(ids)


def test_a_language_is_drawn_apart_from_the_other():
    made = full_record()
    english = samples_of(made, seed=1, languages=[Language.ENGLISH])
    assert english == [s for s in samples_of(made, seed=1) if s.language is Language.ENGLISH]


def test_every_picture_has_its_tag_and_a_caption_is_of_one_picture():
    made = record([fact("lesion_present", False), fact("pathology", "normal")], pictures=3)
    samples = samples_of(made, seed=0)
    for sample in samples:
        tags = IMAGE_TAG * len(sample.images)
        assert sample.turns[0].text.startswith(f"{tags}\n")
        assert sample.question
        if sample.task is not Task.CAPTION:
            assert sample.images == ("images/0.png", "images/1.png", "images/2.png")
    captions = [s for s in samples if s.task is Task.CAPTION and s.language is Language.ENGLISH]
    assert [s.images for s in captions] == [("images/0.png",), ("images/1.png",)]


@pytest.mark.parametrize("pictures", [1, 2])
def test_a_question_speaks_of_as_many_pictures_as_are_shown(pictures):
    made = full_record(pictures=pictures)
    one = re.compile(r"\b(image|picture|sonogram)\b|这幅|这张")
    many = re.compile(r"\b(images|pictures)\b|这些图像")
    for seed in range(20):
        for sample in samples_of(made, seed=seed):
            wrong = many if len(sample.images) == 1 else one
            assert not wrong.search(sample.question)


def test_pictures_that_disagree_silence_the_word_except_in_their_captions():
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
    for seed in range(10):
        for sample in samples_of(made, seed=seed):
            stated = [f for s in sample.turns[-1].statements for f in s.facts]
            if sample.task is Task.CAPTION:
                image = int(sample.images[0][len("images/")])
                assert all(f.image in (None, image) for f in stated)
            else:
                assert "shape" not in {f.name for f in stated}


def test_several_lesions_are_not_described_as_one():
    made = record(
        [
            fact("lesion_present", True),
            fact("shape", "oval", Origin.MASK, 1, 0),
            fact("shape", "irregular", Origin.MASK, 2, 0),
        ]
    )
    (text,) = answers(made, Task.FINDINGS)
    assert "multiple focal lesions" in text.lower()
    assert "oval" not in text


def test_a_counted_number_of_lesions_is_said():
    made = record([fact("lesion_present", True), fact("lesion_count", 2)])
    (text,) = answers(made, Task.FINDINGS, "zh")
    assert "可见两个局灶性病灶" in text


def test_a_lesion_of_which_little_is_known_gets_no_findings():
    made = record([fact("lesion_present", True), fact("pathology", "benign", lesion=1)])
    assert answers(made, Task.FINDINGS) == answers(made, Task.REPORT) == []
    assert answers(made, Task.IMPRESSION)


def test_labels_that_contradict_each_other_are_not_said():
    made = record([fact("lesion_present", False), fact("shape", "oval", Origin.MASK, 1, 0)])
    assert {s.task for s in samples_of(made, seed=0)} <= {
        Task.ANATOMY, Task.CHOICE, Task.JUDGE, Task.QUESTION,
    }  # fmt: skip
    assert not [s for s in samples_of(made, seed=0) if "lesion is seen" in s.answer]


def test_a_lesion_of_the_pelvis_is_placed_in_no_organ():
    made = record(
        [
            fact("lesion_present", True),
            fact("echogenicity", "anechoic", Origin.MASK, 1, 0),
            fact("posterior", "enhancement", Origin.MASK, 1, 0),
        ],
        Anatomy.GYNAECOLOGY,
    )
    for language in Language:
        (text,) = answers(made, Task.FINDINGS, language)
        assert not re.search("附件|卵巢|子宫|妇科|adnexa|ovary|uterus|gynaecology", text)


def test_a_lesion_is_called_what_its_source_calls_it():
    made = record(
        [
            fact("lesion_present", True),
            fact("structure", "nodule", lesion=1),
            fact("echogenicity", "hypoechoic", Origin.MASK, 1, 0),
            fact("posterior", "none", Origin.MASK, 1, 0),
        ],
        Anatomy.THYROID,
    )
    assert "hypoechoic nodule" in answers(made, Task.FINDINGS)[0].lower()
    assert "结节" in answers(made, Task.FINDINGS, "zh")[0]


def test_a_label_is_named_as_the_closed_set_names_it():
    made = record([fact("lesion_present", True), fact("histology", "fibroadenoma", lesion=1)])
    assert answers(made, Task.DIAGNOSIS) == ["breast fibroadenoma"]
    assert answers(made, Task.DIAGNOSIS, "zh") == ["乳腺纤维腺瘤"]


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


def test_a_report_with_one_part_gives_that_part_alone():
    report = ReportText(
        language=Language.ENGLISH, impression="Breast cyst.", origin=Origin.HUMAN, source="r"
    )
    made = record([], reports=(report,))
    assert answers(made, Task.IMPRESSION) == ["Breast cyst."]
    assert answers(made, Task.REPORT) == answers(made, Task.FINDINGS) == []


def test_texts_about_real_breast_lesions_are_true_and_varied(shared_dir):
    from echovlm.data.sources.breast import BusBra

    source = BusBra(shared_dir / "ultrasound" / "breast" / "BUS-BRA")
    texts: dict[Task, list[str]] = {}
    for entry in list(source.entries())[:40]:
        draft = source.draft(entry)
        made = Record(
            id=f"bus-bra/{entry.key}",
            source="bus-bra",
            licence=source.licence,
            patient_key=f"bus-bra/{draft.patient}",
            anatomy=draft.anatomy,
            pictures=tuple(
                Picture(path=f"{n}.png", sha256="0", perceptual_hash="0", width_px=9, height_px=9)
                for n in range(len(draft.pictures))
            ),
            facts=draft.facts,
        )
        for sample in samples_of(made, seed=0):
            assert faults(sample) == []
            assert check_text(sample.answer, made.facts, sample.language) == (), sample.answer
            assert not re.search(r"\bmm\b|左侧(?!中部)|右侧(?!中部)", sample.answer)
            texts.setdefault(sample.task, []).append(sample.answer)
    reports = texts[Task.REPORT]
    assert len(reports) > 50
    assert len(set(reports)) > 0.9 * len(reports)
