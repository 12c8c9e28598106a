"""Stopping a run from outside: Ctrl-C, or SIGTERM from a scheduler.

The first signal lets the running step finish, writes a checkpoint and ends; a second one ends at
once, with the last whole checkpoint in place. Processes that train together stop at the same step,
whichever of them got the signal.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from echovlm.train.processes import highest

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(TrainerCallback):
    """Ends a run at the next step when a signal came, and logs wherever a checkpoint is written.

    A line of the log sums up the steps since the one before it. With a line at each checkpoint, a
    run that goes on from there writes the same lines as one that was never stopped.

    Attributes:
        received: name of the signal, "" while there was none.
    """

    received: str = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to signals inside the block; what listened before is put back."""
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number in _SIGNALS:
            signal.signal(number, self._receive)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = signal.Signals(number).name

    def agreed(self) -> str:
        """The signal that any process received; every one of them has to ask."""
        number = highest(signal.Signals[self.received] if self.received else 0)
        if number:
            self.received = signal.Signals(number).name
        return self.received

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Save and stop; save also what will be validated, for it may be the best."""
        if self.agreed():
            control.should_save = True
            control.should_training_stop = True
        control.should_save |= control.should_evaluate
        control.should_log |= control.should_save


class StopWithoutGain(TrainerCallback):
    """Ends a run whose validations have not become better for some time.

    It decides by what checkpoints hold, so a run that was interrupted stops where it would have.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float],
        **kwargs: Any,
    ) -> None:
        """Compare with the best before."""
        gained = state.best_metric is None or metrics["eval_score"] > state.best_metric
        if not gained and state.global_step - (state.best_global_step or 0) >= self._steps:
            control.should_training_stop = True


def obey_parent_alone() -> None:
    """Let a process that reads data end with the run and not by a signal to the whole group.

    A terminal and some schedulers send their signal to every process. Were the readers to end by
    it, the run could not finish its step.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
