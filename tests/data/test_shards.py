"""Shards: the same result on any number of workers, and nothing lost whatever ends a run."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from scripted import tree

from echovlm.data.shards import Plan, run, split_evenly
from echovlm.errors import DataError, OptionError, OutputError


@dataclass(frozen=True)
class Squares:
    """Write squares; may meet a full disk or be killed at one shard."""

    full_at: int = -1
    killed_at: int = -1

    def __call__(self, items, number, folder: Path):
        if number == self.killed_at and multiprocessing.parent_process() is not None:
            os._exit(9)
        (folder / "squares.txt").write_text("".join(f"{item**2}\n" for item in items))
        if number == self.full_at:
            with open("/dev/full", "wb") as stream:
                stream.write(b"x" * 10_000)
        return {"items": len(items)}


def plan(folder: Path, step=None, identity: str = "v1", count: int = 20) -> Plan:
    return Plan(step or Squares(), split_evenly(range(count), 3), folder / "work", identity)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_is_done_once(tmp_path, workers):
    done = []
    counts = run(plan(tmp_path), workers=workers, advance=lambda *some: done.append(some))
    assert counts == {"items": 20}
    assert sum(items for _, items in done) == 20
    lines = [p.read_text() for p in sorted((tmp_path / "work").glob("*/squares.txt"))]
    assert "".join(lines).split() == [str(number**2) for number in range(20)]
    assert not list((tmp_path / "work").glob(".*.part"))


def test_results_do_not_depend_on_the_number_of_workers(tmp_path):
    run(plan(tmp_path / "one"), workers=1)
    run(plan(tmp_path / "two"), workers=2)
    assert tree(tmp_path / "one" / "work") == tree(tmp_path / "two" / "work")


def test_a_full_disk_is_a_sentence_and_finished_shards_stay(tmp_path):
    with pytest.raises(OutputError, match="the disk is full; make room and run the same command"):
        run(plan(tmp_path, Squares(full_at=4)))
    finished = sorted(path.name for path in (tmp_path / "work").iterdir() if path.is_dir())
    assert finished == ["00000", "00001", "00002", "00003"]
    counts = run(plan(tmp_path))
    assert counts == {"items": 20}


def test_a_killed_worker_is_a_sentence_and_the_next_run_goes_on(tmp_path):
    with pytest.raises(OutputError, match="a worker process was killed"):
        run(plan(tmp_path, Squares(killed_at=5)), workers=2)
    assert run(plan(tmp_path), workers=2) == {"items": 20}


def test_only_missing_shards_are_done_again(tmp_path):
    run(plan(tmp_path))
    kept = tmp_path / "work" / "00002" / "squares.txt"
    before = kept.stat().st_mtime_ns
    (tmp_path / "work" / "00004" / "done.json").unlink()
    run(plan(tmp_path))
    assert kept.stat().st_mtime_ns == before
    assert json.loads((tmp_path / "work" / "00004" / "done.json").read_text())["counts"]


def test_a_shard_of_other_inputs_is_done_again(tmp_path):
    run(plan(tmp_path))
    before = (tmp_path / "work" / "00000" / "done.json").read_text()
    run(plan(tmp_path, identity="v2"))
    assert (tmp_path / "work" / "00000" / "done.json").read_text() != before


def test_what_an_ended_run_left_unfinished_is_removed(tmp_path):
    left = tmp_path / "work" / ".00001.123.part"
    left.mkdir(parents=True)
    (left / "squares.txt").write_text("half")
    run(plan(tmp_path))
    assert not left.exists()


def test_two_runs_in_one_folder_are_refused(tmp_path):
    (tmp_path / "work").mkdir()
    with open(tmp_path / "work" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="is being written by another run"):
            run(plan(tmp_path))


def test_a_number_of_workers_below_one_is_refused(tmp_path):
    with pytest.raises(OptionError, match="at least 1"):
        run(plan(tmp_path), workers=0)


def test_an_unreachable_cluster_is_a_sentence(tmp_path):
    pytest.importorskip("ray")
    with pytest.raises(OptionError, match="cannot be reached"):
        run(plan(tmp_path), ray_address="127.0.0.1:1")


def test_a_local_ray_gives_the_same_as_local_workers(tmp_path):
    pytest.importorskip("ray")
    run(plan(tmp_path / "here"))
    counts = run(plan(tmp_path / "ray"), ray_address="local")
    assert counts == {"items": 20}
    assert tree(tmp_path / "here" / "work") == tree(tmp_path / "ray" / "work")


def test_a_process_ends_with_the_one_that_started_it(tmp_path):
    child = "import os, time; from echovlm.data.shards import end_with_parent"
    child += "; end_with_parent(os.getppid())"
    child += f"; open({str(tmp_path / 'ready')!r}, 'w').close(); time.sleep(120)"
    parent = "import subprocess, sys, time; started = subprocess.Popen([sys.executable, '-c', "
    parent += f"{child!r}]); print(started.pid, flush=True); time.sleep(120)"
    started = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    number = int(started.stdout.readline())
    until = time.monotonic() + 100
    while not (tmp_path / "ready").exists() and time.monotonic() < until:
        time.sleep(0.2)
    started.kill()
    started.wait()
    while _runs(number) and time.monotonic() < until:
        time.sleep(0.2)
    assert not _runs(number)


def _runs(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked about does not."""
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
