"""The import: byte-identical, resumable, nothing lost silently, no patient data in any message."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scripted import ScriptedSource, speckle, tree

from echovlm.data.importing import import_source
from echovlm.data.sources.source import Draft, DraftPicture, Entry
from echovlm.data.store import StoredSet
from echovlm.errors import DataError, OutputError
from echovlm.facts import Fact, Origin

RUN = (
    "import sys; from pathlib import Path; from scripted import ScriptedSource;"
    "from echovlm.data.importing import import_source;"
    "import_source(ScriptedSource(100, slow_s=0.02), Path(sys.argv[1]), workers=int(sys.argv[2]))"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "set"
    import_source(ScriptedSource(100), out)
    return out


def test_every_entry_is_a_record_or_rejected_with_its_reason(whole):
    stored = StoredSet(whole)
    records, rejected = list(stored.records()), list(stored.rejected())
    assert len(records) == 90
    assert [row.key for row in rejected] == [f"study {number:04d}" for number in range(9, 100, 10)]
    assert {row.reason for row in rejected} == {"its picture is damaged"}
    assert stored.manifest.counts == {
        "records": 90,
        "pictures": 90,
        "rejected": 10,
        "quarantined": 0,
    }
    assert records[0].id == "scripted/study 0000"
    assert records[0].patient_key == "scripted/0000"


def test_pictures_and_masks_are_written_as_drafted(whole):
    stored = StoredSet(whole)
    picture = next(stored.records()).pictures[0]
    assert np.array_equal(np.asarray(Image.open(whole / picture.path)), speckle(0))
    assert np.asarray(Image.open(whole / picture.mask)).sum() == 600
    assert (picture.height_px, picture.width_px) == (64, 80)


def test_digests_are_those_of_the_files(whole):
    result = subprocess.run(
        ["sha256sum", "--check", "--quiet", "files.sha256"], cwd=whole, check=False
    )
    assert result.returncode == 0
    manifest = json.loads((whole / "manifest.json").read_text())
    assert {"records.jsonl", "rejected.jsonl", "files.sha256"} <= set(manifest["files"])


def test_a_set_made_again_with_other_workers_is_byte_identical(whole, tmp_path):
    import_source(ScriptedSource(100), tmp_path / "set", workers=2)
    assert tree(tmp_path / "set") == tree(whole)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_killed_at_any_moment_goes_on_and_ends_with_the_same_bytes(whole, tmp_path, workers):
    out = tmp_path / "set"
    arguments = [sys.executable, "-c", RUN, str(out), workers]
    kills = 0
    for wait_s in (0.9, 1.3, 1.7, 2.1):
        process = subprocess.Popen(arguments, env={**os.environ, "OMP_NUM_THREADS": "1"})
        time.sleep(wait_s)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        acknowledged = sorted(path.parent for path in (out / ".work").glob("0*/done.json"))
        assert all((place / "records.jsonl").exists() for place in acknowledged)
        if (out / "manifest.json").exists():
            break
        with pytest.raises(DataError, match=r"unfinished set|does not exist"):
            StoredSet(out).manifest  # noqa: B018
    if not (out / "manifest.json").exists():
        import_source(ScriptedSource(100, slow_s=0.02), out)
    assert kills >= 1
    assert tree(out) == tree(whole)


def test_an_error_while_reading_is_told_without_its_words(tmp_path):
    import_source(ScriptedSource(8, fault_at=3), tmp_path / "set")
    (rejected,) = StoredSet(tmp_path / "set").rejected()
    assert rejected.reason == "it could not be read (KeyError)"
    assert not any(b"DOE" in data for data in tree(tmp_path / "set").values())


def test_a_finished_set_is_never_overwritten(whole, tmp_path):
    with pytest.raises(OutputError, match="is a finished set already"):
        import_source(ScriptedSource(5), whole)
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty and no unfinished set"):
        import_source(ScriptedSource(5), tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        import_source(ScriptedSource(5), tmp_path / "letters.txt")


def test_a_source_without_studies_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="no study of scripted was found"):
        import_source(ScriptedSource(0), tmp_path / "set")


def test_a_damaged_table_names_the_line(tmp_path):
    out = tmp_path / "set"
    import_source(ScriptedSource(8), out)
    lines = (out / "records.jsonl").read_bytes().splitlines(keepends=True)
    (out / "records.jsonl").write_bytes(b"".join([*lines[:2], lines[2][:40]]))
    with pytest.raises(DataError, match=r"records\.jsonl: is damaged in line 3"):
        list(StoredSet(out).records())


@pytest.mark.parametrize(
    ("content", "problem"),
    [("{", "is damaged or not a manifest"), ('{"format_version": 1}', "is damaged or not")],
)
def test_a_damaged_manifest_is_a_sentence(tmp_path, content, problem):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=problem):
        StoredSet(tmp_path).manifest  # noqa: B018


def test_a_folder_that_is_no_set_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match=r"is no stored set \(it has no manifest\.json\)"):
        StoredSet(tmp_path).manifest  # noqa: B018
    with pytest.raises(DataError, match="does not exist"):
        StoredSet(tmp_path / "absent").manifest  # noqa: B018


def test_pictures_that_are_no_ultrasound_are_set_aside_and_facts_follow_the_others(tmp_path):
    import_source(MixedSource(), tmp_path / "set")
    stored = StoredSet(tmp_path / "set")
    (record,) = stored.records()
    assert len(record.pictures) == 2
    assert [(fact.name, fact.image) for fact in record.facts] == [("view", 0), ("view", 1)]
    assert [fact.value for fact in record.facts] == ["first", "fourth"]
    rows = {row.key: (row.reason, row.quarantined) for row in stored.rejected()}
    assert rows == {
        "mixed picture 2": ("it is blank", False),
        "mixed picture 3": ("it is too colourful for ultrasound", True),
    }


@dataclass(frozen=True)
class MixedSource(ScriptedSource):
    """One study of four pictures, of which one is blank and one a photograph."""

    count: int = 1

    def entries(self):
        yield Entry(key="mixed")

    def draft(self, entry):
        photograph = np.zeros((64, 80, 3), np.uint8)
        photograph[..., 0] = speckle(5)
        pictures = [speckle(0), np.zeros((64, 80), np.uint8), photograph, speckle(3)]
        names = ["first", "second", "third", "fourth"]
        return Draft(
            patient="1",
            pictures=tuple(DraftPicture(pixels=pixels) for pixels in pictures),
            facts=tuple(
                Fact(name="view", value=name, image=number, origin=Origin.LABEL, source="x")
                for number, name in enumerate(names)
            ),
        )
