"""Training the arms and letting them write: several trials at once, each in its own process."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import torch
from rich.console import Console

from echovlm.data.sample import Split
from echovlm.data.shards import end_with_parent
from echovlm.data.writing import write_whole
from echovlm.errors import EchoVLMError, TrainingError
from echovlm.reproduce.ablation_base import run_stage
from echovlm.reproduce.ablation_data import HELD_OUT_SET
from echovlm.reproduce.ablation_plan import Sizes, Trial, stages
from echovlm.reproduce.ablation_scores import Written, chosen_cases, write_reports
from echovlm.train.recipes import Recipe
from echovlm.train.run import FINAL
from echovlm.train.run_log import LOG, RunLog, read_log

TRIALS = "trials"
VALIDATION, TEST, BLANK = "validation", "test", "blank"


@dataclass(frozen=True)
class Bench:
    """What all trials share.

    Attributes:
        work: folder of the ablation.
        base: the dense base.
        sizes: steps, tokens and studies.
        precision: number format of products.
        wide_rank: rank of the adapters of the wide arm.
    """

    work: Path
    base: Path
    sizes: Sizes
    precision: str
    wide_rank: int

    def stages(self, trial: Trial) -> tuple[tuple[str, Recipe], tuple[str, Recipe]]:
        """Name and recipe of both stages of a trial."""
        return stages(trial, self.sizes, self.precision, self.wide_rank)

    def checkpoint(self, trial: Trial) -> Path:
        """Where a trial's last stage leaves its network."""
        return self.folders(trial)[1] / FINAL

    def folders(self, trial: Trial) -> tuple[Path, Path]:
        """The runs of both stages."""
        first, second = self.stages(trial)
        place = self.work / TRIALS / trial.folder
        return place / first[0], place / second[0]

    def texts(self, trial: Trial, kind: str) -> Path:
        """File of what a trial wrote."""
        return self.work / TRIALS / trial.folder / f"{kind}.json"


def run_trials(
    bench: Bench, kinds: Mapping[Trial, Sequence[str]], workers: int, console: Console
) -> None:
    """Train trials and let them write, as far as that is not done yet.

    Args:
        bench: what they share.
        kinds: what each trial writes: "validation", "test", "blank".
        workers: processes; each computes with one thread.
        console: one line for every finished trial.

    Raises:
        TrainingError: with the sentence of the first trial that failed; the others are finished.
    """
    waiting = [
        trial
        for trial, wanted in kinds.items()
        if not all(bench.texts(trial, kind).exists() for kind in wanted)
    ]
    failed: list[str] = []
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(os.getpid(),)
    )
    try:
        running = {
            pool.submit(_in_a_process, bench, trial, tuple(kinds[trial])): trial
            for trial in waiting
        }
        for done, future in enumerate(as_completed(running), start=1):
            sentence = future.result()
            failed += [sentence] if sentence else []
            outcome = "stopped" if sentence else "finished"
            console.print(f"{done} of {len(waiting)} {outcome}: {running[future].folder}")
    except BrokenProcessPool:
        raise TrainingError(
            f"A process that trained in {bench.work} was killed, most likely for want of memory; "
            "run the same command with fewer workers to go on."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
    if failed:
        raise TrainingError(failed[0])


def _begin(parent: int) -> None:
    """Done once by each process: one thread, and no trial goes on that nobody waits for."""
    torch.set_num_threads(1)
    end_with_parent(parent)


def _in_a_process(bench: Bench, trial: Trial, kinds: tuple[str, ...]) -> str:
    """Run one trial; the sentence of what went wrong, "" where all is well."""
    place = bench.work / TRIALS / trial.folder
    place.mkdir(parents=True, exist_ok=True)
    with (
        open(place / "output.txt", "a", encoding="utf-8") as stream,
        redirect_stdout(stream),
        redirect_stderr(stream),
    ):
        try:
            run_trial(bench, trial, kinds, Console(file=stream, width=100))
        except EchoVLMError as error:
            return str(error)
    return ""


def run_trial(bench: Bench, trial: Trial, kinds: Sequence[str], console: Console) -> None:
    """Train both stages of a trial and write the reports of each kind.

    Args:
        bench: what trials share.
        trial: what to train.
        kinds: what it writes.
        console: where tables and progress go.
    """
    network = bench.base
    recipes = [recipe for _, recipe in bench.stages(trial)]
    for recipe, folder in zip(recipes, bench.folders(trial), strict=True):
        network = run_stage(recipe, network, bench.work / HELD_OUT_SET, folder, console)
    for kind in kinds:
        write_texts(bench, network, kind, bench.texts(trial, kind))


def write_texts(bench: Bench, checkpoint: Path, kind: str, target: Path) -> None:
    """Let a checkpoint report the studies of one kind, unless it has.

    Args:
        bench: how many studies and tokens.
        checkpoint: folder of the network.
        kind: "validation", "test" or "blank".
        target: JSON file.
    """
    if target.exists():
        return
    sizes = bench.sizes
    split = Split.VALIDATION if kind == VALIDATION else Split.TEST
    most = sizes.validation_studies if kind == VALIDATION else sizes.test_studies
    cases = chosen_cases(bench.work, split, most)
    rows = write_reports(checkpoint, cases, sizes.answer_tokens, blank=kind == BLANK)
    text = json.dumps([dataclasses.asdict(row) for row in rows], ensure_ascii=False, indent=0)
    write_whole(target, [text.encode("utf-8")])


def read_texts(path: Path) -> list[Written]:
    """What :func:`write_texts` wrote."""
    return [Written(**row) for row in json.loads(path.read_text("utf-8"))]


def seconds(bench: Bench, trial: Trial) -> float:
    """Seconds of training of both stages."""
    return sum(RunLog(read_log(run / LOG)).last("time_s") for run in bench.folders(trial))
