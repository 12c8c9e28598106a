"""Replies as models write them, and what is read out of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.data.conversations import samples_of
from echovlm.data.record import Picture, Record
from echovlm.evaluate.replies import (
    choice_scores,
    judge_scores,
    read_choice,
    read_judgement,
    read_options,
)
from echovlm.facts import Fact, Origin
from echovlm.prompts import Task

PATHOLOGY = {"A": "malignant", "B": "benign", "C": "normal"}
ECHO = {"A": "高回声", "B": "无回声", "C": "低回声"}
BIRADS = {"1": "BI-RADS 5", "2": "BI-RADS 3", "3": "BI-RADS 2", "4": "BI-RADS 4"}
SIZES = {"A": "12.0 mm", "B": "15.6 mm", "C": "9.2 mm"}


@pytest.mark.parametrize(
    "reply",
    [
        "B",
        "b",
        "B.",
        "(B)",
        "（Ｂ）",
        "'B'",
        "**B**",
        "B: benign",
        "B. benign",
        "B、benign",
        "b) benign",
        "B - benign",
        "B (benign)",
        "B because its margin is smooth",
        "Option B",
        "The answer is (B).",
        "the answer is b",
        "Answer: B",
        "The correct option is B, as shown.",
        "I think it is B.",
        "I choose option B.",
        "It isn’t A, it's B.",
        "A is wrong. The answer is B.",
        "Option A fits worse than option B. The answer is B.",
        r"The final answer is $\boxed{B}$",
        "<answer>B</answer>",
        "B\nB",
        "benign",
        "Benign.",
        "The finding is benign.",
        "A benign lesion.",
        "benign, not malignant",
        "Answer: The lesion is benign (B).",
        "B-mode shows a benign lesion.",
    ],
)
def test_a_choice_is_read_however_it_is_put(reply):
    assert read_choice(reply, PATHOLOGY) == "B"


@pytest.mark.parametrize(
    "reply",
    [
        "C",
        "C项",
        "C: 低回声",
        "C低回声",
        "答案是C",
        "答案为：C。",
        "正确答案是（C）",
        "选C",
        "我认为应选C",
        "选择C项",
        "选项C正确",
        "不选A，选C",
        "A不对，应为C",
        "C，因为病灶回声低",
        "低回声",
        "病灶呈低回声。",
    ],
)
def test_a_chinese_choice_is_read_however_it_is_put(reply):
    assert read_choice(reply, ECHO) == "C"


@pytest.mark.parametrize(
    "reply",
    ["2", "2.", "(2)", "2. BI-RADS 3", "BI-RADS 3", "第2项", "选项：2", "答案是2", "Option 2"],
)
def test_a_number_may_be_the_mark(reply):
    assert read_choice(reply, BIRADS) == "2"


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        (PATHOLOGY, ""),
        (PATHOLOGY, "I cannot tell."),
        (PATHOLOGY, "D"),
        (PATHOLOGY, "A or B"),
        (PATHOLOGY, "(A) or (B)"),
        (PATHOLOGY, "A, B"),
        (PATHOLOGY, "A/B"),
        (PATHOLOGY, "ABC"),
        (PATHOLOGY, "A: malignant\nB: benign\nC: normal"),
        (PATHOLOGY, "benign or malignant"),
        (PATHOLOGY, "not malignant"),
        (PATHOLOGY, "The answer is not A."),
        (PATHOLOGY, "I would not choose A"),
        (PATHOLOGY, "A. benign"),
        (PATHOLOGY, "C (benign)"),
        (PATHOLOGY, "abnormal"),
        (PATHOLOGY, "A lesion is seen."),
        (PATHOLOGY, "It's hepatitis B."),
        (PATHOLOGY, "B mode"),
        (ECHO, "A和C"),
        (ECHO, "A低回声"),
        (ECHO, "不是A"),
        (ECHO, "非低回声"),
        (ECHO, "高回声或低回声"),
        (BIRADS, "BI-RADS 4A"),
        (BIRADS, "BI-RADS: 3"),
        (BIRADS, "分类为3。"),
        (BIRADS, "The lesion measures 3 mm."),
        (BIRADS, "1.5"),
        (BIRADS, "2. BI-RADS 4"),
        (SIZES, "115.6 mm"),
        (SIZES, "The size is 5.6 mm."),
        ({}, "A"),
    ],
)
def test_none_several_denied_or_contradictory_choices_are_unreadable(options, reply):
    assert read_choice(reply, options) is None


def test_options_with_equal_texts_are_told_apart_by_their_marks_alone():
    assert read_choice("cyst", {"A": "cyst", "B": "cyst"}) is None
    assert read_choice("B. cyst", {"A": "cyst", "B": "cyst"}) == "B"


def test_a_long_option_is_not_taken_for_a_short_one_within_it():
    options = {"A": "nodule", "B": "nodule with calcification"}
    assert read_choice("A solid nodule with calcification", options) == "B"


def test_an_option_that_looks_like_a_mark_is_the_mark():
    assert read_choice("2", {"1": "2", "2": "1"}) == "2"


FRAMES = ["{}", "({})", "Answer: {}", "The answer is {}.", "答案是{}", "选{}", "{}. ", "**{}**"]


@given(st.sampled_from(sorted(PATHOLOGY)), st.sampled_from(FRAMES))
def test_any_mark_is_read_in_any_frame(mark, frame):
    assert read_choice(frame.format(mark), PATHOLOGY) == mark
    restated = frame.format(f"{mark}: {PATHOLOGY[mark]}")
    assert read_choice(restated, PATHOLOGY) == mark


@given(
    st.permutations(sorted(PATHOLOGY)),
    st.sampled_from([" or ", ", ", "、", "和", "/"]),
    st.sampled_from(FRAMES),
)
def test_two_marks_are_never_read_as_one(marks, joint, frame):
    assert read_choice(frame.format(joint.join(marks[:2])), PATHOLOGY) is None


WORDS = st.one_of(
    st.sampled_from(["A", "B", "C", "a", "b", "1", "malignant", "benign", "true", "false"]),
    st.sampled_from(["the", "answer", "option", "is", "not", "no", "or", "and"]),
    st.sampled_from(["选", "不", "答案", "是", "真", "对", "错"]),
    st.sampled_from(["(", ")", ".", ",", ":", "、", "\n", "-"]),
)


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_text_is_a_choice_and_a_verdict_or_neither(text):
    assert read_choice(text, PATHOLOGY) in (*PATHOLOGY, None)
    assert read_judgement(text) in (True, False, None)
    assert isinstance(read_options(text), dict)


@pytest.mark.parametrize(
    "piece", ["A or ", "(", "\n", "not ", "答案是", "true or ", "A. malignant "]
)
def test_a_reply_of_a_hundred_thousand_characters_is_read_at_its_ends(piece):
    long = piece * (100_000 // len(piece))
    assert read_choice(f"{long}\nThe answer is B.", PATHOLOGY) == "B"
    assert read_judgement(f"Yes. {'It shows a cyst. ' * 6000}") is True


@pytest.mark.parametrize(
    "reply",
    [
        "True",
        "Ture",
        "true.",
        "**True**",
        "True. The lesion is hypoechoic.",
        "True. The false lumen is seen.",
        "Yes",
        "Yes, there is no calcification.",
        "Answer: Yes.",
        "Right.",
        "The statement is correct.",
        "正确",
        "“正确”",
        "正确，病灶为低回声",
        "对",
        "对的",
        "是",
        "是的。",
        "没错",
        "符合",
        "答案是True",
        "该描述正确。",
        "与本次检查相符",
    ],
)
def test_what_calls_a_statement_true(reply):
    assert read_judgement(reply) is True


@pytest.mark.parametrize(
    "reply",
    [
        "False",
        "FALSE",
        "False. The correct answer is oval.",
        "No.",
        "No, it is not.",
        "The answer is no",
        "Not true",
        "The statement is not true.",
        "It is not entirely correct.",
        "Incorrect",
        "untrue",
        "错误",
        "错误。正确的是低回声",
        "错",
        "错的。",
        "否",
        "不是",
        "不是True",
        "不对",
        "不正确",
        "答案：错误",
        "根据图像，该说法不正确",
        "与检查不相符",
    ],
)
def test_what_calls_a_statement_false(reply):
    assert read_judgement(reply) is False


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "True or False",
        "True/False",
        "Yes or no",
        "True. Actually, it is False.",
        "是否",
        "对/错",
        "正确错误",
        "此说法错误，应为True",
        "No calcification is seen.",
        "Right kidney",
        "The false lumen is seen.",
        "对称",
        "错构瘤",
        "是低回声",
        "I cannot tell.",
    ],
)
def test_both_verdicts_or_none_are_unreadable(reply):
    assert read_judgement(reply) is None


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("Which?\nA. benign\nB. malignant", {"A": "benign", "B": "malignant"}),
        (
            "哪一种？\nA. 恶性  B. 正常  C. 良性\n只答序号。",
            {"A": "恶性", "B": "正常", "C": "良性"},
        ),
        ("哪一种？Ａ．恶性　Ｂ．良性", {"A": "恶性", "B": "良性"}),
        ("(1) 1.2 cm  (2) 3.5 cm", {"1": "1.2 cm", "2": "3.5 cm"}),
        ("How large?\nA) 1.5 mm\nB) 2.0 mm", {"A": "1.5 mm", "B": "2.0 mm"}),
        (
            "1. Look.\nA: oval\nB: round\nC: irregular",
            {"A": "oval", "B": "round", "C": "irregular"},
        ),
        ("Is the lesion benign?", {}),
        ("A. benign", {}),
    ],
)
def test_options_are_read_from_their_question(question, options):
    assert read_options(question) == options


def _record():
    label = {"origin": Origin.LABEL, "source": "table.csv"}
    facts = [
        Fact(name="anatomy", value="breast", **label),
        Fact(name="lesion_present", value=True, **label),
        *(
            Fact(name=name, value=value, lesion=1, **label)
            for name, value in (
                ("pathology", "benign"),
                ("shape", "oval"),
                ("echogenicity", "hypoechoic"),
                ("birads", "3"),
                ("diagnosis", "breast-fibroadenoma"),
                ("image_position", "upper left"),
                ("size_long_mm", 12.0),
            )
        ),
    ]
    picture = Picture(path="1.png", sha256="-", perceptual_hash="-", width_px=300, height_px=300)
    return Record(
        id="test/1",
        source="test",
        licence="CC0-1.0",
        patient_key="test/1",
        anatomy="breast",
        pictures=(picture,),
        facts=tuple(facts),
    )


def test_answers_of_the_data_engine_are_read_as_what_they_are():
    """Every option in turn is taken for the answer, as its mark and restated."""
    samples = [one for seed in range(40) for one in samples_of(_record(), seed=seed)]
    choices = [one for one in samples if one.task is Task.CHOICE]
    judgements = [one for one in samples if one.task is Task.JUDGE]
    assert len(choices) > 100
    assert len(judgements) > 100
    for sample in choices:
        options = read_options(sample.question)
        assert len(options) >= 3
        assert read_choice(sample.answer, options)
        for mark, text in options.items():
            assert read_choice(mark, options) == mark
            assert read_choice(f"{mark}. {text}", options) == mark
            assert read_choice(text, options) == mark
    for sample in judgements:
        assert str(read_judgement(sample.answer)) == sample.answer


def test_choices_are_scored_with_the_share_of_unreadable_ones_beside():
    scores = choice_scores(["C", "A or B", "malignant", "B"], ["C", "A", "A", "A"], [PATHOLOGY] * 4)
    once = np.ones((1, 4), dtype=int)
    assert scores.right.tolist() == [True, False, True, False]
    assert scores.accuracy(once)[0] == pytest.approx(2 / 4)
    assert scores.unreadable(once)[0] == pytest.approx(1 / 4)


def test_judgements_are_scored_with_the_share_of_unreadable_ones_beside():
    scores = judge_scores(["Ture", "错误", "", "Yes"], ["True", "False", "True", "False"])
    once = np.ones((1, 4), dtype=int)
    assert scores.accuracy(once)[0] == pytest.approx(2 / 4)
    assert scores.unreadable(once)[0] == pytest.approx(1 / 4)


def test_no_replies_have_no_scores():
    assert np.isnan(judge_scores([], []).unreadable(np.ones((1, 0)))[0])


def test_a_reference_that_names_no_answer_is_refused_with_its_case():
    with pytest.raises(ValueError, match="case 1: the reference"):
        choice_scores(["A", "A"], ["A", "E"], [PATHOLOGY] * 2)
    with pytest.raises(ValueError, match="case 0: the reference"):
        judge_scores(["True"], ["maybe"])
    with pytest.raises(ValueError, match="zip"):
        judge_scores(["True"], ["True", "False"])
