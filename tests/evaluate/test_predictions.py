"""Files of predictions: what they say, and every way they can be wrong."""

import json
import math

import pytest

from echovlm.errors import DataError
from echovlm.evaluate.items import Item
from echovlm.evaluate.predictions import Predictions
from echovlm.evaluate.systems import Asked
from echovlm.prompts import Task
from echovlm.terms import Language


def item(name, task=Task.REPORT, candidates=()):
    return Item(
        id=name, number=0, study=name, images=("1.png",), patient=name, source="s",
        anatomy="liver", task=task, language=Language.ENGLISH,
        question="What is seen?", reference="cyst", candidates=candidates,
    )  # fmt: skip


ITEMS = (item("a"), item("b", Task.DIAGNOSIS, ("cyst", "normal")))


def written(tmp_path, *rows):
    path = tmp_path / "other-model.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_texts_and_probabilities_are_read(tmp_path):
    path = written(
        tmp_path,
        {"id": "a", "text": "A cyst.\u2028Nothing else."},
        "",
        {"id": "b", "probabilities": {"cyst": 0.8, "normal": 0.2}},
    )
    system = Predictions(path, ITEMS, frozenset())
    one, other = system.replies([Asked(each, []) for each in ITEMS])
    assert one.text == "A cyst.\u2028Nothing else."
    assert [math.exp(value) for value in other.likelihoods] == pytest.approx([0.8, 0.2])
    assert (system.name, system.missing, system.sees) == ("other-model", 0, False)


def test_a_missing_prediction_is_an_empty_reply_and_is_counted(tmp_path):
    system = Predictions(written(tmp_path, {"id": "a", "text": "x"}), ITEMS, frozenset())
    assert system.missing == 1
    assert system.replies([Asked(ITEMS[1], [])])[0].text == ""


def test_an_item_of_the_set_that_is_not_asked_may_be_predicted(tmp_path):
    path = written(tmp_path, {"id": "a", "text": "x"}, {"id": "c", "text": "y"})
    assert Predictions(path, ITEMS, frozenset({"a", "b", "c"})).missing == 1


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("{", "line 2 is no JSON"),
        ("[1]", "line 2 has no 'id'"),
        ({"id": 3, "text": "x"}, "line 2 has no 'id'"),
        ({"id": "a", "text": "again"}, "line 2 repeats the id 'a'"),
        ({"id": "zz", "text": "x"}, "line 2 names the unknown id 'zz'"),
        ({"id": "b"}, "needs either 'text' or 'probabilities'"),
        ({"id": "b", "text": "x", "probabilities": {}}, "needs either 'text' or 'probabilities'"),
        ({"id": "b", "text": None}, "has a 'text' that is no text"),
        ({"id": "b", "probabilities": [1]}, "gives probabilities that the item has no use for"),
        ({"id": "b", "probabilities": {"tumour": 1.0}}, "names 'tumour', which is no candidate"),
        ({"id": "b", "probabilities": {"cyst": 0.4}}, "has probabilities that sum to 0.4"),
        ({"id": "b", "probabilities": {"cyst": 0.5, "normal": 0.489}}, "that sum to 0.989"),
        ('{"id": "b", "probabilities": {"cyst": NaN}}', "that is no number from 0 to 1"),
        ('{"id": "b", "probabilities": {"cyst": Infinity}}', "that is no number from 0 to 1"),
        ({"id": "b", "probabilities": {"cyst": 2, "normal": -1}}, "that is no number from 0 to 1"),
        ({"id": "b", "probabilities": {"cyst": 10**400}}, "that is no number from 0 to 1"),
        ({"id": "b", "probabilities": {"cyst": True}}, "that is no number from 0 to 1"),
        ("[" * 100_000, "line 2 is no JSON"),
    ],
)
def test_a_bad_line_is_named(tmp_path, row, sentence):
    path = written(tmp_path, {"id": "a", "text": "x"}, row)
    with pytest.raises(DataError, match=r"other-model\.jsonl") as caught:
        Predictions(path, ITEMS, frozenset())
    assert sentence in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_probabilities_that_were_rounded_are_made_to_sum_to_1(tmp_path):
    thirds = item("c", Task.DIAGNOSIS, ("cyst", "normal", "tumour"))
    path = written(tmp_path, {"id": "c", "probabilities": dict.fromkeys(thirds.candidates, 0.33)})
    (reply,) = Predictions(path, [thirds], frozenset()).replies([Asked(thirds, [])])
    assert [math.exp(value) for value in reply.likelihoods] == pytest.approx([1 / 3] * 3)


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path):
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "text": "x"}\r\n')
    assert Predictions(path, ITEMS, frozenset()).replies([Asked(ITEMS[0], [])])[0].text == "x"


def test_a_name_may_be_given(tmp_path):
    path = written(tmp_path, {"id": "a", "text": "x"})
    assert Predictions(path, ITEMS, frozenset(), "theirs").name == "theirs"


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read \(No such file"):
        Predictions(tmp_path / "none.jsonl", ITEMS, frozenset())
    odd = tmp_path / "odd.jsonl"
    odd.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        Predictions(odd, ITEMS, frozenset())
