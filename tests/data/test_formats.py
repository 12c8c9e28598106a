"""Foreign forms: what goes in comes out again, both ways round."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echovlm.data.formats import (
    CONVERSATIONS,
    FORMS,
    MESSAGES,
    from_foreign,
    read_foreign,
    to_foreign,
)
from echovlm.data.sample import Provenance, Sample, Split, Statement, Turn
from echovlm.errors import DataError
from echovlm.facts import Fact, Origin
from echovlm.prompts import Task
from echovlm.terms import Anatomy, Language

words = st.text(min_size=1, max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
fact = Fact(name="margin", value="spiculated", lesion=1, origin=Origin.MASK, source="mask")


@st.composite
def samples(draw):
    turns = [Turn(role="user", text=draw(words), provenance=draw(st.sampled_from(Provenance)))]
    answer = draw(words)
    statements = (
        (Statement(start=0, end=len(answer), facts=(fact,)),) if draw(st.booleans()) else ()
    )
    turns.append(Turn(role="assistant", text=answer, statements=statements))
    if draw(st.booleans()):
        turns.insert(0, Turn(role="system", text=draw(words)))
    reserved = {"id", "images", "image", "messages", "conversations", "echovlm"}
    extra = draw(st.dictionaries(words, values, max_size=3))
    return Sample(
        id=draw(words),
        study=draw(words),
        images=tuple(draw(st.lists(words, max_size=3))),
        turns=tuple(turns),
        task=draw(st.none() | st.sampled_from(Task)),
        language=draw(st.none() | st.sampled_from(Language)),
        anatomy=draw(st.none() | st.sampled_from(Anatomy)),
        source=draw(words),
        licence=draw(words),
        patient_key=draw(words),
        split=draw(st.none() | st.sampled_from(Split)),
        extra={key: value for key, value in extra.items() if key not in reserved},
    )


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(sample=samples())
@settings(max_examples=80, deadline=None)
def test_a_sample_survives_a_foreign_form(form, sample):
    foreign = json.loads(json.dumps(to_foreign(sample, form)))
    assert from_foreign(foreign, form, "elsewhere", "other") == sample


@st.composite
def foreign_records(draw, form):
    turns = [
        {form.speaker: form.roles[role], form.text: draw(words)}
        for role in ("user", "assistant") * draw(st.integers(1, 2))
    ]
    if draw(st.booleans()):
        turns.insert(0, {form.speaker: "system", form.text: draw(words)})
    if draw(st.booleans()):
        turns[-1]["loss"] = draw(st.booleans())
    record = {form.turns: turns}
    record |= draw(st.sampled_from([{}, {"id": 7}, {"id": "a1"}, {"id": None}, {"id": ""}]))
    paths = st.sampled_from([{}, {form.images: []}, {form.images: ["a.png"]}])
    record |= draw(paths | st.just({form.images: ["a.png", "b/c.png"]}))
    if form is CONVERSATIONS and draw(st.booleans()):
        record |= {"image": "one.png", "description": draw(words)}
    return record


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_a_foreign_record_comes_out_as_it_went_in(form, data):
    record = data.draw(foreign_records(form))
    assert to_foreign(from_foreign(record, form, "theirs", "theirs-1"), form) == record


def test_the_published_form_is_read():
    record = {
        "id": "BUS-BRA_1",
        "image": ["public_data/BUS-BRA/bus_0001-l.png"],
        "description": "乳腺内见低回声结节。",
        "conversations": [
            {"from": "system", "value": "You are a helpful assistant."},
            {"from": "human", "value": "<image>请描述图像。"},
            {"from": "gpt", "value": "乳腺内见低回声结节。"},
        ],
    }
    sample = from_foreign(record, CONVERSATIONS, "public", "x")
    assert [turn.role for turn in sample.turns] == ["system", "user", "assistant"]
    assert (sample.question, sample.answer) == ("请描述图像。", "乳腺内见低回声结节。")
    assert sample.extra == {"description": "乳腺内见低回声结节。"}
    messages = to_foreign(sample, MESSAGES)
    assert messages["messages"][1] == {"role": "user", "content": "<image>请描述图像。"}
    assert messages["images"] == ["public_data/BUS-BRA/bus_0001-l.png"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"conversations": []}, "no list 'conversations'"),
        ({"conversations": [{"from": "robot", "value": "x"}]}, "other than system, human, gpt"),
        ({"conversations": [{"from": "gpt", "value": 3}]}, "turn 1 has no text"),
        ({"image": 3, "conversations": [{"from": "gpt", "value": "x"}]}, "no list of paths"),
        ({"echovlm": 1, "conversations": [{"from": "gpt", "value": "x"}]}, "is no object"),
        (
            {"echovlm": {"task": "x"}, "conversations": [{"from": "gpt", "value": "x"}]},
            "'task' is wrong",
        ),
        ([1], "no JSON object"),
    ],
)
def test_a_record_that_cannot_be_used_says_why(tmp_path, record, reason):
    file = tmp_path / "set.json"
    file.write_text(json.dumps([record]), encoding="utf-8")
    ((key, said),) = read_foreign(file, CONVERSATIONS, "set")
    assert key == "record 1"
    assert reason in said


def test_json_lines_and_lists_are_both_read(tmp_path):
    record = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    lines, whole = tmp_path / "a.jsonl", tmp_path / "b.json"
    lines.write_text(f"{json.dumps(record)}\n\nnot json\n", encoding="utf-8")
    whole.write_text(f" \n{json.dumps([record, record])}", encoding="utf-8")
    first, second = list(read_foreign(lines, MESSAGES, "s"))
    assert (first.id, second) == ("a-000001", ("record 2", "it is no JSON"))
    assert [sample.id for sample in read_foreign(whole, MESSAGES, "s")] == ["b-000001", "b-000002"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[1, 2"])
def test_a_file_that_is_not_json_is_a_sentence(tmp_path, content):
    file = tmp_path / "set.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"set\.json: is not JSON"):
        list(read_foreign(file, MESSAGES, "s"))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_foreign(tmp_path / "absent.json", MESSAGES, "s"))
