"""Files of conversations come in with their pictures and go out as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted import ScriptedSource, speckle

from echovlm.data.exporting import export_set, import_foreign
from echovlm.data.formats import CONVERSATIONS, MESSAGES
from echovlm.data.importing import import_source
from echovlm.data.store import StoredSet
from echovlm.errors import DataError, OutputError


def foreign_file(folder: Path, count: int = 30) -> Path:
    (folder / "pictures").mkdir(parents=True)
    records = []
    for number in range(count):
        name = f"pictures/{number:02d}.png"
        if number != 7:  # one record names a picture that is not there
            Image.fromarray(speckle(number)).save(folder / name)
        records.append(
            {
                "id": f"case {number}",
                "image": [name],
                "description": "描述",
                "conversations": [
                    {"from": "human", "value": "<image>请描述图像。"},
                    {"from": "gpt", "value": f"第{number}例。"},
                ],
            }
        )
    records.append({"id": "broken", "conversations": []})
    file = folder / "theirs.json"
    file.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return file


def test_a_foreign_file_comes_out_record_for_record(tmp_path):
    file = foreign_file(tmp_path / "in")
    manifest = import_foreign(file, tmp_path / "set", CONVERSATIONS)
    assert manifest.counts == {"samples": 29, "rejected": 2}
    stored = StoredSet(tmp_path / "set")
    reasons = {row.key: row.reason for row in stored.rejected()}
    assert reasons["case 7"] == "its picture is missing or cannot be read"
    assert "no list 'conversations'" in reasons["record 31"]

    counts = export_set(stored, tmp_path / "out", CONVERSATIONS)
    assert counts == {"all": 29}
    came = json.loads((tmp_path / "out" / "all.json").read_text(encoding="utf-8"))
    kept = {record["id"] for record in came}
    went = [r for r in json.loads(file.read_text(encoding="utf-8")) if r["id"] in kept]
    for one, other in zip(came, went, strict=True):
        picture = Image.open(tmp_path / "out" / one["image"][0])
        original = Image.open(tmp_path / "in" / other["image"][0])
        assert np.array_equal(np.asarray(picture), np.asarray(original))
        assert {**one, "image": None} == {**other, "image": None}


def test_what_was_exported_can_be_taken_in_again(tmp_path):
    import_foreign(foreign_file(tmp_path / "in"), tmp_path / "set", CONVERSATIONS)
    first = StoredSet(tmp_path / "set")
    export_set(first, tmp_path / "out", MESSAGES)
    import_foreign(tmp_path / "out" / "all.jsonl", tmp_path / "again", MESSAGES)
    second = StoredSet(tmp_path / "again")
    texts = [[(turn.role, turn.text) for turn in s.turns] for s in first.samples()]
    assert texts == [[(turn.role, turn.text) for turn in s.turns] for s in second.samples()]
    assert [s.id for s in first.samples()] == [s.id for s in second.samples()]


def test_a_picture_path_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    record = {"images": ["../secret.png"], "messages": [{"role": "user", "content": "<image>x"}]}
    (folder / "a.jsonl").write_text(json.dumps(record))
    import_foreign(folder / "a.jsonl", tmp_path / "set", MESSAGES)
    (rejected,) = StoredSet(tmp_path / "set").rejected()
    assert rejected.reason == "its picture leads out of the set's folder"
    assert not list((tmp_path / "set").rglob("*.png"))


def test_a_file_without_any_usable_record_is_a_sentence(tmp_path):
    (tmp_path / "notes.txt").write_text("one\ntwo\n")
    with pytest.raises(
        DataError, match=r"holds no record of the form 'messages' \(it is no JSON\)"
    ):
        import_foreign(tmp_path / "notes.txt", tmp_path / "set", MESSAGES)
    assert not (tmp_path / "set").exists()


def test_an_imported_set_has_nothing_to_export(tmp_path):
    import_source(ScriptedSource(5), tmp_path / "set")
    with pytest.raises(DataError, match="has no samples"):
        export_set(StoredSet(tmp_path / "set"), tmp_path / "out", MESSAGES)


def test_an_existing_folder_is_not_exported_into(tmp_path):
    import_foreign(foreign_file(tmp_path / "in", 2), tmp_path / "set", CONVERSATIONS)
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        export_set(StoredSet(tmp_path / "set"), tmp_path / "out", MESSAGES)


def test_a_damaged_set_leaves_no_half_export(tmp_path):
    import_foreign(foreign_file(tmp_path / "in", 5), tmp_path / "set", CONVERSATIONS)
    table = tmp_path / "set" / "samples.jsonl"
    table.write_bytes(table.read_bytes()[:-30])
    with pytest.raises(DataError, match="is damaged in line 5"):
        export_set(StoredSet(tmp_path / "set"), tmp_path / "out", MESSAGES)
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]
