"""Questions: options and statements are true or false as they should be, and give nothing away."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import WORDS, fact, full_record, lesion_records, other_records, record

from echovlm.data.conversations import samples_of
from echovlm.data.conversations.descriptors import DESCRIPTORS
from echovlm.facts import Origin
from echovlm.facts.contradictions import against_facts, check_text
from echovlm.facts.lexicon import attribute, words
from echovlm.facts.statement import Statement, Subject
from echovlm.prompts import Task, phrasings
from echovlm.prompts.wording import (
    asked_attributes,
    clauses,
    exclusive_sets,
    restating,
    wording,
)
from echovlm.terms import Anatomy, Language

OPTION = re.compile(r"\(?([A-E1-5])[.):] ?(.+?)(?=  \(?[A-E1-5][.):] |\n|$)")


def drawn(task: Task, count: int = 300) -> list:
    made = full_record()
    return [s for seed in range(count) for s in samples_of(made, seed=seed) if s.task is task]


def parts(sample) -> tuple[dict[str, str], str]:
    """Options by mark, and the mark that is answered."""
    asked = "\n".join(
        line for line in sample.question.splitlines() if re.match(r"\(?[A-E1-5][.):] ", line)
    )
    mark = re.match(r"\(?([A-E1-5])", sample.answer)[1]
    return dict(OPTION.findall(asked)), mark


def test_one_option_is_right_and_all_marks_are_right_as_often():
    samples = drawn(Task.CHOICE)
    places: Counter[tuple[int, int]] = Counter()
    for sample in samples:
        (known,) = sample.turns[-1].statements[0].facts
        form = wording(known.name, known.value, sample.language)
        right = form.option.format(value=words(known.name, known.value, sample.language))
        options, mark = parts(sample)
        assert 3 <= len(options) <= 5
        assert len(set(options.values())) == len(options)
        assert options[mark] == right
        places[len(options), list(options).index(mark)] += 1
        if len(sample.answer) > 1:
            assert sample.answer in sample.question
            assert sample.answer.endswith(right)
    for size in (3, 4):
        counts = [places[size, place] for place in range(size)]
        assert min(counts) > 0.6 * sum(counts) / size
    restated = sum(len(sample.answer) > 1 for sample in samples)
    assert 0.4 < restated / len(samples) < 0.6


def test_a_measurement_among_options_is_of_any_rank():
    made = record([fact("head_circumference_mm", 180.0)], Anatomy.GYNAECOLOGY)
    ranks: Counter[int] = Counter()
    for seed in range(400):
        for sample in samples_of(made, seed=seed):
            if sample.task is Task.CHOICE and "mm" in sample.question:
                options, mark = parts(sample)
                values = {k: float(re.search(r"[\d.]+(?= mm)", v)[0]) for k, v in options.items()}
                assert all(v == 180.0 or abs(v - 180.0) > 36 for v in values.values())
                ranks[sorted(values.values()).index(values[mark])] += 1
    assert ranks[0] > 0.15 * ranks.total()
    assert ranks[2] > 0.15 * ranks.total()


def test_what_has_no_false_counterpart_for_every_value_is_no_choice():
    names = {s.turns[-1].statements[0].facts[0].name for s in drawn(Task.CHOICE, 100)}
    assert not names & {"margin", "calcification", "vascularity", "lesion_present"}
    assert {"shape", "echogenicity", "birads", "histology", "size_long_mm"} <= names


def test_true_and_false_come_equally_often_and_fit_the_facts():
    samples = drawn(Task.JUDGE)
    counts = Counter(sample.answer for sample in samples)
    assert set(counts) == {"True", "False"}
    assert counts["True"] == counts["False"]
    made = full_record()
    for sample in samples:
        facts = sample.turns[-1].statements[0].facts
        stated = sample.question.splitlines()[-1]
        form = wording(facts[0].name, facts[0].value, sample.language).statement
        true = form.format(value=words(facts[0].name, facts[0].value, sample.language))
        assert (stated == true) is (sample.answer == "True")
        if sample.answer == "True":
            assert check_text(stated, made.facts, sample.language) == ()


@given(lesion_records())
@settings(max_examples=40, deadline=None)
def test_a_false_statement_is_read_as_a_contradiction(made):
    checked = {"shape", "echogenicity", "margin", "posterior", "size_long_mm", "birads"}
    for sample in samples_of(made, seed=0):
        if sample.task is Task.JUDGE and sample.answer == "False":
            (known, *_) = sample.turns[-1].statements[0].facts
            if known.name in checked:
                stated = sample.question.splitlines()[-1]
                assert check_text(stated, made.facts, sample.language), stated


@given(st.one_of(lesion_records(), other_records()), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_only_what_is_known_is_asked(made, seed):
    names = {known.name for known in made.facts}
    for sample in samples_of(made, seed=seed):
        stated = {f.name for s in sample.turns[-1].statements for f in s.facts}
        assert stated <= names
        if sample.task is Task.QUESTION and "lesion_present" not in names:
            assert not re.search("病灶|lesion", sample.question)


def test_a_neighbouring_part_of_the_picture_is_no_wrong_option():
    made = record(
        [fact("lesion_present", True), fact("image_position", "upper left", Origin.MASK, 1, 0)]
    )
    found = set()
    for seed in range(100):
        for sample in samples_of(made, seed=seed, languages=[Language.ENGLISH]):
            if sample.task is Task.CHOICE and "part of the picture" in sample.question:
                found |= set(parts(sample)[0].values())
    assert len(found) == 6
    assert not found & {"upper middle part of the picture", "centre of the picture"}


def test_nothing_about_a_lesion_is_asked_where_there_are_several():
    made = record(
        [
            fact("lesion_present", True),
            *(fact("shape", value, Origin.MASK, n, 0) for n, value in ((1, "oval"), (2, "round"))),
        ]
    )
    for seed in range(20):
        for sample in samples_of(made, seed=seed):
            assert not re.search("shape|oval|round|形|圆", sample.question + sample.answer)


# --- the data ----------------------------------------------------------------------------------


READ = sorted(set(WORDS) - {"image_position"})  # cells that touch are told apart below


@pytest.mark.parametrize("name", [*READ, "birads", "pathology", "laterality"])
def test_no_two_values_of_an_exclusive_set_can_both_be_true(name):
    assert exclusive_sets(name)
    for values in exclusive_sets(name):
        for one, other in combinations(values, 2):
            said = Statement(name=name, value=one, start=0, end=1, subject=Subject.LESION)
            assert against_facts([said], [fact(name, other)]), (one, other)


@pytest.mark.parametrize("language", list(Language))
def test_every_asked_attribute_stands_in_the_lexicon_with_enough_questions(language):
    for name in asked_attributes(language):
        entry = attribute(name)
        for value in [*entry.values, True, False]:
            try:
                form = wording(name, value, language)
            except KeyError:
                assert value not in entry.values
                assert not isinstance(value, bool) or entry.kind != "flag"
                continue
            assert name in ("anatomy", "diagnosis") or len(set(form.questions)) >= 6
            assert form.answers
            assert all("{" in text or value in ("true", "false", True, False)
                       for text in (form.statement, *form.answers))  # fmt: skip


def test_every_exclusive_value_has_words():
    for name in asked_attributes(Language.ENGLISH):
        for value in {value for values in exclusive_sets(name) for value in values}:
            for language in Language:
                assert words(name, value, language)


def test_every_descriptor_has_a_clause_in_both_languages():
    for name in DESCRIPTORS:
        for value in WORDS[name]:
            for language in Language:
                if name != "echogenicity" or language is Language.CHINESE:  # else an adjective
                    assert clauses(name, "is", value, language)


def test_several_hundred_phrasings_stand_in_both_languages():
    count = 0
    for language in Language:
        every = [text for task in Task for text in phrasings(task, language)]
        every += restating(language)
        for name in asked_attributes(language):
            every += wording(name, True, language).questions if name != "calcification" else ()
        assert len(set(every)) == len(every)
        count += len(every)
        for task in (Task.REPORT, Task.FINDINGS, Task.IMPRESSION, Task.DIAGNOSIS, Task.ANATOMY):
            assert len(phrasings(task, language)) >= 25
    assert count > 600
