"""The options that name systems."""

import json

import pytest

from echovlm.cli.contenders import behind_endpoint, predicted
from echovlm.errors import DataError, OptionError
from echovlm.evaluate.items import Item
from echovlm.prompts import Task
from echovlm.terms import Language

ITEM = Item(
    id="a", number=0, study="a", images=("1.png",), patient="p", source="s", anatomy="liver",
    task=Task.REPORT, language=Language.ENGLISH, question="What is seen?", reference="cyst",
)  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def written(name):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"id": "a", "text": "x"}) + "\n", encoding="utf-8")
        return str(path)

    return written


def test_predictions_of_one_file_name_can_be_told_apart(write):
    texts = [write("one/replies.jsonl"), f"other={write('other/replies.jsonl')}"]
    found = predicted(texts, [ITEM], frozenset())
    assert [one.system.name for one in found] == ["replies", "other"]


def test_an_equals_sign_of_a_path_is_no_name(write):
    path = write("lr=0.1/replies=2.jsonl")
    plain, named = predicted([path, f"best={path}"], [ITEM], frozenset())
    assert (plain.system.name, named.system.name) == ("replies=2", "best")


def test_a_file_that_is_not_there_is_named(write):
    with pytest.raises(DataError, match=r"^none.jsonl: cannot be read"):
        predicted(["mine=none.jsonl"], [ITEM], frozenset())


def test_an_endpoint_needs_a_model_and_its_password_is_not_shown():
    for text in ("http://localhost:8000/v1", "@http://me:secret@localhost/v1"):
        with pytest.raises(OptionError, match="--endpoint is MODEL@URL") as caught:
            behind_endpoint(text, 1, False)
        assert "secret" not in str(caught.value)
    assert behind_endpoint("qwen@http://localhost:8000/v1", 1, False).system.name == "qwen"
