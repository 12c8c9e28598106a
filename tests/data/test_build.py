"""The build: true samples, patients in one split, doubtful texts out, the same bytes every time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted import ScriptedSource, tree

from echovlm.data.build import build_set
from echovlm.data.importing import import_source
from echovlm.data.sample import Split
from echovlm.data.store import StoredSet
from echovlm.errors import DataError, OutputError

COUNT = 100
RUN = (
    "import sys; from pathlib import Path; from echovlm.data.build import build_set;"
    "build_set([Path(sys.argv[1])], Path(sys.argv[2]), seed=3, workers=2)"
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("imported") / "scripted"
    import_source(ScriptedSource(COUNT), out)
    return out


@pytest.fixture(scope="module")
def built(imported, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("built") / "set"
    build_set([imported], out, seed=3)
    return out


def test_every_record_has_samples_in_the_split_of_its_patient(built):
    samples = list(StoredSet(built).samples())
    splits = json.loads((built / "splits.json").read_text())
    assert len({sample.study for sample in samples}) == 90
    assert all(sample.split == splits[sample.patient_key] for sample in samples)
    counts = {split: list(splits.values()).count(split) for split in Split}
    assert counts[Split.TRAIN] > 3 * counts[Split.TEST] > 0 < counts[Split.VALIDATION]


def test_pictures_stand_where_the_samples_say(built):
    for sample in StoredSet(built).samples():
        assert all((built / path).is_file() for path in sample.images)


def test_a_human_report_is_used_and_facts_fill_in_where_there_is_none(built):
    reports = [s for s in StoredSet(built).samples() if s.task == "report" and s.language == "en"]
    human = [s for s in reports if s.turns[-1].provenance == "human"]
    assert human
    assert all("hypoechoic nodule" in sample.answer for sample in human)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_set_built_again_is_byte_identical(imported, built, tmp_path, workers):
    build_set([imported], tmp_path / "set", seed=3, workers=workers)
    assert tree(tmp_path / "set") == tree(built)


def test_a_build_killed_at_any_moment_goes_on_and_ends_with_the_same_bytes(
    imported, built, tmp_path
):
    out = tmp_path / "set"
    kills = 0
    for wait_s in (0.7, 1.0, 1.4):
        arguments = [sys.executable, "-c", RUN, str(imported), str(out)]
        process = subprocess.Popen(arguments, env={**os.environ, "OMP_NUM_THREADS": "1"})
        time.sleep(wait_s)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    if not (out / "manifest.json").exists():
        build_set([imported], out, seed=3)
    assert kills >= 1
    assert tree(out) == tree(built)


def test_both_stores_hold_the_same_samples(imported, built, tmp_path):
    build_set([imported], tmp_path / "set", seed=3, store="parquet")
    assert list(StoredSet(tmp_path / "set").samples()) == list(StoredSet(built).samples())
    assert not (tmp_path / "set" / "images").exists()


def test_another_seed_gives_other_splits_and_wordings(imported, built, tmp_path):
    build_set([imported], tmp_path / "set", seed=4)
    assert (tmp_path / "set" / "splits.json").read_bytes() != (built / "splits.json").read_bytes()


def test_a_file_of_splits_is_kept_when_data_are_added(tmp_path):
    file = tmp_path / "splits.json"
    for count in (60, 100):
        import_source(ScriptedSource(count), tmp_path / f"in-{count}")
        build_set([tmp_path / f"in-{count}"], tmp_path / f"out-{count}", splits_file=file)
        kept = json.loads((tmp_path / f"out-{count}" / "splits.json").read_text())
        assert kept == json.loads(file.read_text())
    first = json.loads((tmp_path / "out-60" / "splits.json").read_text())
    assert first.items() <= kept.items()
    assert len(kept) > len(first)


def test_a_report_that_contradicts_its_label_is_left_out_and_told(tmp_path):
    import_source(ScriptedSource(10), tmp_path / "in")
    table = tmp_path / "in" / "records.jsonl"
    lines = table.read_text(encoding="utf-8").splitlines()
    wrong = json.loads(lines[1])
    assert wrong["reports"]
    wrong["reports"][0]["impression"] = "Benign breast nodule."  # its label says malignant
    lines[1] = json.dumps(wrong, ensure_ascii=False)
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    build_set([tmp_path / "in"], tmp_path / "out")
    stored = StoredSet(tmp_path / "out")
    (rejected,) = stored.rejected()
    assert rejected.key == "study 0001"
    assert rejected.reason.startswith("its en report contradicts:")
    answers = [s.answer for s in stored.samples() if s.study == wrong["id"]]
    assert not any("Benign breast nodule." in answer for answer in answers)


def test_pictures_that_come_twice_are_left_out_and_their_patients_kept_together(tmp_path):
    import_source(ScriptedSource(10), tmp_path / "in")
    table = tmp_path / "in" / "records.jsonl"
    lines = table.read_text(encoding="utf-8").splitlines()
    twin = json.loads(lines[0]) | {"id": "scripted/twin", "patient_key": "scripted/twin"}
    table.write_text("\n".join([*lines, json.dumps(twin)]) + "\n", encoding="utf-8")
    build_set([tmp_path / "in"], tmp_path / "out")
    (rejected,) = StoredSet(tmp_path / "out").rejected()
    assert (rejected.key, rejected.reason) == (
        "twin",
        "its pictures are those of scripted/study 0000",
    )
    splits = json.loads((tmp_path / "out" / "splits.json").read_text())
    assert splits["scripted/twin"] == splits["scripted/0000"]


def test_what_is_no_imported_set_is_refused(built, imported, tmp_path):
    with pytest.raises(DataError, match="is a built set, not an imported one"):
        build_set([built], tmp_path / "out")
    with pytest.raises(DataError, match="holds 'scripted' like"):
        build_set([imported, imported], tmp_path / "out")
    with pytest.raises(OutputError, match="is a finished set already"):
        build_set([imported], built)
    (tmp_path / "splits.json").write_text("[]")
    with pytest.raises(DataError, match="is no JSON object of patient keys"):
        build_set([imported], tmp_path / "out", splits_file=tmp_path / "splits.json")
