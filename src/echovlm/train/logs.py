"""Where a run's numbers go: a JSON Lines file, TensorBoard, the terminal.

    run/log.jsonl      one object per logging step: step, epoch, time_s, then the numbers
    run/tensorboard/   the same numbers

All are callbacks of ``transformers.Trainer``. A run that goes on from the checkpoint of step N
forgets what it logged after step N, so no step stands in a log twice.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.integrations import TensorBoardCallback

from echovlm.data.writing import told_in_a_sentence, write_whole
from echovlm.train.run_log import LOG, parse_line, read_lines

TENSORBOARD = "tensorboard"
_PLAIN_SECONDS = 60.0


def _encoded(line: Mapping[str, Any]) -> str:
    """One line of JSON; numbers that JSON does not know (NaN, infinity) become null."""
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in line.items()
    }
    return json.dumps(plain, default=float) + "\n"


class JsonLinesLog(TrainerCallback):
    """Append each log call to a file, one JSON object a line.

    ``time_s`` is the time of training, without the time between a stop and a resume.

    Args:
        path: file to write; its folder is made where absent.

    Raises:
        OutputError: from the trainer's calls, when a line could not be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Drop the lines after the step the run goes on from; a run from step 0 starts empty."""
        if not state.is_world_process_zero:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        kept = []
        if state.global_step and self._path.exists():
            parsed = [parse_line(line) for line in read_lines(self._path)]
            kept = [line for line in parsed if line and line["step"] <= state.global_step]
        write_whole(self._path, (_encoded(line).encode() for line in kept))
        self._started = time.monotonic() - (kept[-1].get("time_s", 0.0) if kept else 0.0)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        """Append one line and hand it to the system."""
        if not state.is_world_process_zero:
            return
        line = {
            "step": state.global_step,
            "epoch": state.epoch,
            "time_s": round(time.monotonic() - self._started, 3),
        }
        encoded = _encoded(line | dict(logs))
        with told_in_a_sentence(self._path), open(self._path, "a", encoding="utf-8") as stream:
            stream.write(encoded)


class TensorBoardLog(TensorBoardCallback):
    """transformers' TensorBoard callback, with a folder of its own and without double steps.

    Args:
        folder: where the event files go.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.logging_dir = str(folder)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the event file; TensorBoard forgets what came after the step it opens at."""
        if state.is_world_process_zero:
            self.tb_writer = self._SummaryWriter(
                log_dir=self.logging_dir, purge_step=state.global_step + 1
            )
        super().on_train_begin(args, state, control, **kwargs)


class RichProgress(TrainerCallback):
    """A bar with step, loss, tokens per second and time left; plain lines off a terminal.

    A log call with ``warning``, a sentence, prints it. Call :meth:`close` when training ends by an
    exception, for transformers then tells nobody.

    Args:
        console: where to draw; stderr if None.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._latest: dict[str, float] = {}
        self._first_step = 0
        self._started = self._told = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Draw the bar at the step the run begins with."""
        self._started = self._told = time.monotonic()
        self._first_step = state.global_step
        if not (state.is_world_process_zero and self.console.is_terminal):
            return
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[numbers]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            speed_estimate_period=3600,  # a step may take minutes
        )
        self._task = self._bar.add_task(
            "", total=state.max_steps, completed=state.global_step, numbers=""
        )
        self._bar.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Advance the bar, or print a line once a minute."""
        if self._bar is not None:
            self._bar.update(self._task, completed=state.global_step)
        elif state.is_world_process_zero and time.monotonic() - self._told >= _PLAIN_SECONDS:
            self._told = time.monotonic()
            self._print(self._line(state))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any],
        **kwargs: Any,
    ) -> None:
        """Take over the numbers that are shown; print a warning above the bar."""
        if state.is_world_process_zero and "warning" in logs:
            self.console.print(f"Warning: {logs['warning']}", style="yellow", markup=False)
        self._latest |= {
            name: value for name, value in logs.items() if isinstance(value, int | float)
        }
        if self._bar is not None:
            self._bar.update(self._task, numbers=self._numbers())

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave the finished bar, or a last line, on the screen."""
        if self._bar is None and state.is_world_process_zero:
            self._print(self._line(state))
        self.close()

    def close(self) -> None:
        """Give the terminal back; may be called more than once."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, line: str) -> None:
        self.console.print(line, highlight=False, soft_wrap=True)

    def _numbers(self) -> str:
        shown = {"loss": "loss {:.3f}", "speed/tokens_per_s": "{:,.0f} tokens/s"}
        return "  ".join(
            words.format(self._latest[name])
            for name, words in shown.items()
            if name in self._latest
        )

    def _line(self, state: TrainerState) -> str:
        done = state.global_step - self._first_step
        left = (
            (time.monotonic() - self._started)
            / max(done, 1)
            * (state.max_steps - state.global_step)
        )
        parts = [
            f"step {state.global_step}/{state.max_steps}",
            self._numbers(),
            f"{duration(left)} left",
        ]
        return "  ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """A stretch of time in two units: "2 d 3 h", "3 h 20 min", "12 min", "40 s"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


class RateMeter(TrainerCallback):
    """How fast a run goes, what memory it takes, and how much of the device it uses.

    As a callback it leaves out the time that validation and checkpoints take; waiting for data
    counts.

    Args:
        peak_flops: what one device was measured to do, floating-point operations per second
            (:func:`echovlm.train.precision.matmul_flops`).
    """

    def __init__(self, peak_flops: float) -> None:
        self._peak = peak_flops
        self._counts = [0.0, 0.0, 0.0]
        self._started = self._worked_until = time.perf_counter()

    def add(self, tokens: int, supervised: int, flops: float) -> None:
        """Count one micro-batch of this process.

        Args:
            tokens: tokens that went through the decoder, visual ones included.
            supervised: tokens with a loss.
            flops: floating-point operations the model needs for them, forward and backward, not
                those that gradient checkpointing does twice.
        """
        added = (tokens, supervised, flops)
        self._counts = [old + new for old, new in zip(self._counts, added, strict=True)]

    def rates(
        self, reduce: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> dict[str, float]:
        """The rates since the last call; then counting starts anew.

        Args:
            reduce: adds a ``(4,)`` float64 tensor up over all processes; None where there is one.

        Returns:
            ``speed/tokens_per_s`` and ``speed/supervised_per_s`` of all processes together,
            ``speed/mfu`` (model FLOPs utilisation, share of the measured peak of all devices),
            ``speed/memory_gib`` (most this process has taken: of the GPU, or of main memory).
        """
        now = time.perf_counter()
        seconds = now - self._started
        device = "cuda" if torch.cuda.is_available() else "cpu"
        local = torch.tensor([*self._counts, 1.0], dtype=torch.float64, device=device)
        total = local if reduce is None else reduce(local)
        tokens, supervised, flops, processes = total.tolist()
        self._counts = [0.0, 0.0, 0.0]
        self._started = self._worked_until = now
        return {
            "speed/tokens_per_s": tokens / seconds,
            "speed/supervised_per_s": supervised / seconds,
            "speed/mfu": flops / seconds / (self._peak * processes),
            "speed/memory_gib": peak_memory() / 2**30,
        }

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self._started = self._worked_until = time.perf_counter()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """Remember when work stopped, in case validation or a checkpoint follows."""
        self._worked_until = time.perf_counter()

    def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
        """Leave out what has passed since work stopped."""
        now = time.perf_counter()
        self._started += now - self._worked_until
        self._worked_until = now

    def on_save(self, *args: Any, **kwargs: Any) -> None:
        """Leave out what has passed since work stopped."""
        self.on_evaluate()


def peak_memory() -> int:
    """Most memory this process has taken so far, bytes: of its GPU, or of main memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    import resource  # not on Windows

    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else kilobytes * 1024


def run_callbacks(folder: Path, console: Console | None = None) -> list[TrainerCallback]:
    """The callbacks of a run folder: log file, TensorBoard, progress.

    Args:
        folder: of the run.
        console: where progress is drawn; stderr if None.
    """
    return [
        JsonLinesLog(folder / LOG),
        TensorBoardLog(folder / TENSORBOARD),
        RichProgress(console),
    ]
