"""Text faults: tags, turns, language, contradiction, and texts that say the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.data.quality.texts import faults, language_of, near_duplicates, rouge_l, tokens
from echovlm.data.sample import Sample, Statement, Turn
from echovlm.facts import Fact, Origin
from echovlm.terms import Language


def sample(
    question="<image>\nDescribe the image.", answer="A hypoechoic nodule.", **more
) -> Sample:
    turns = more.pop("turns", None) or (
        Turn(role="user", text=question),
        Turn(role="assistant", text=answer, statements=more.pop("statements", ())),
    )
    fields = {"images": ("a.png",), "language": Language.ENGLISH, **more}
    return Sample(id="x", study="x", source="s", patient_key="p", turns=turns, **fields)


def test_a_sound_sample_has_no_fault():
    assert faults(sample()) == []
    assert (
        faults(sample("<image>\n描述图像。", "可见低回声结节。", language=Language.CHINESE)) == []
    )


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (sample("Describe."), "it has 1 pictures and 0 <image> tags"),
        (sample("<image><image>Describe."), "it has 1 pictures and 2 <image> tags"),
        (sample(answer="See <image>."), "a turn other than the user's holds <image>"),
        (sample(answer=" "), "a turn is empty"),
        (sample("<image>"), "a turn is empty"),
        (
            sample(turns=(Turn(role="user", text="<image>a"),)),
            "user and assistant do not alternate",
        ),
        (
            sample(answer="可见一个低回声结节，边界清。"),
            "an answer is not in the stated language 'en'",
        ),
        (
            sample("<image>描述。", "There is a nodule.", language=Language.CHINESE),
            "an answer is not in the stated language 'zh'",
        ),
    ],
)
def test_every_fault_is_named(broken, fault):
    assert fault in faults(broken)


def test_a_text_that_contradicts_its_facts_is_a_fault():
    answer = "The breast lesion is malignant."
    fact = Fact(name="pathology", value="benign", lesion=1, origin=Origin.LABEL, source="table")
    statements = (Statement(start=0, end=len(answer), facts=(fact,)),)
    found = faults(sample(answer=answer, statements=statements))
    assert len(found) == 1
    assert found[0].startswith("an answer contradicts its facts")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("左侧乳腺可见低回声结节，BI-RADS 4A类。", Language.CHINESE),
        ("A nodule of 12 mm.", Language.ENGLISH),
        ("True", Language.ENGLISH),
        ("12.5", None),
        ("135.1 mm。", None),
        ("BI-RADS 4类。", Language.CHINESE),
        ("", None),
    ],
)
def test_the_language_of_a_text(text, language):
    assert language_of(text) is language


def test_rouge_l_by_hand():
    first, second = tokens("a b c d"), tokens("a c x d")
    # longest common subsequence a c d: recall 3/4, precision 3/4
    assert rouge_l(first, second) == pytest.approx(0.75)
    assert rouge_l(tokens("肝内结节"), tokens("肝内囊肿")) == pytest.approx(0.5)


def test_texts_that_say_the_same_are_found():
    texts = [
        "可见一个低回声结节，边界清晰，形态规则。",
        "可见一个低回声结节，边界清晰，形态规则",
        "甲状腺大小正常，实质回声均匀，未见明确结节。",
    ]
    assert near_duplicates(texts) == [(0, 1)]


@given(st.lists(st.text(max_size=40), max_size=6))
@settings(max_examples=50, deadline=None)
def test_any_text_can_be_compared_and_a_repeated_one_is_found(texts):
    pairs = near_duplicates(texts)
    assert all(first < second < len(texts) for first, second in pairs)
    for second, text in enumerate(texts):
        first = texts.index(text)
        if first < second and tokens(text):
            assert (first, second) in pairs
