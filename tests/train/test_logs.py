"""Where a run's numbers go."""

from __future__ import annotations

import io
import json
import time

import pytest
import torch
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn
from transformers import Trainer, TrainerControl, TrainerState, TrainingArguments

from echovlm.errors import OutputError, TrainingError
from echovlm.train import logs
from echovlm.train.logs import (
    JsonLinesLog,
    RateMeter,
    RichProgress,
    TensorBoardLog,
    duration,
    peak_memory,
    run_callbacks,
)
from echovlm.train.run_log import RunLog, read_log


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": ((self.weight * x - 2 * x) ** 2).mean()}


def trainer(folder, steps: int, callbacks: list) -> Trainer:
    args = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=2,
        learning_rate=0.1,
        lr_scheduler_type="constant",
        logging_steps=1,
        save_steps=2,
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
    )
    rows = [{"x": torch.tensor(float(i))} for i in range(12)]
    return Trainer(model=Line(), args=args, train_dataset=rows, callbacks=callbacks)


def state(step: int = 0, steps: int = 10, main: bool = True) -> TrainerState:
    return TrainerState(global_step=step, max_steps=steps, epoch=0.5, is_world_process_zero=main)


def begin_and_log(callback, at: TrainerState, **numbers: object) -> None:
    callback.on_train_begin(None, at, TrainerControl())
    callback.on_log(None, at, TrainerControl(), logs=numbers)


def test_a_run_writes_log_and_tensorboard(tmp_path):
    terminal = Console(file=io.StringIO())
    trainer(tmp_path, 3, run_callbacks(tmp_path, terminal)).train()
    lines = read_log(tmp_path / "log.jsonl")
    assert [line["step"] for line in lines] == [1, 2, 3, 3]
    assert lines[0]["loss"] > lines[2]["loss"]
    assert {"epoch", "time_s", "learning_rate", "grad_norm"} <= set(lines[0])
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3]
    assert "step 3/3" in terminal.file.getvalue()


def test_a_resumed_run_has_every_step_once(tmp_path):
    def callbacks() -> list:
        return [JsonLinesLog(tmp_path / "log.jsonl"), TensorBoardLog(tmp_path / "tb")]

    trainer(tmp_path, 5, callbacks()).train()
    before = read_log(tmp_path / "log.jsonl")
    trainer(tmp_path, 6, callbacks()).train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    after = read_log(tmp_path / "log.jsonl")
    assert [line["step"] for line in after if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert after[:4] == before[:4]
    assert after[4]["time_s"] >= after[3]["time_s"]
    events = EventAccumulator(str(tmp_path / "tb")).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3, 4, 5, 6]


def test_a_line_cut_off_by_a_kill_is_dropped_on_resume(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 3.0, "time_s": 7.0}\n{"step": 2, "lo')
    begin_and_log(JsonLinesLog(path), state(2), loss=2.0)
    lines = read_log(path)
    assert [line["step"] for line in lines] == [1, 2]
    assert lines[1]["time_s"] >= 7.0


def test_a_fresh_run_forgets_the_old_log(tmp_path):
    path = tmp_path / "new" / "log.jsonl"
    begin_and_log(JsonLinesLog(path), state(0), loss=1.0)
    begin_and_log(JsonLinesLog(path), state(0), loss=2.0)
    assert [line["loss"] for line in read_log(path)] == [2.0]


def test_numbers_that_json_does_not_know_become_null(tmp_path):
    path = tmp_path / "log.jsonl"
    begin_and_log(JsonLinesLog(path), state(), loss=float("nan"), tensor=torch.tensor(1.5))
    assert "NaN" not in path.read_text()
    line = json.loads(path.read_text())
    assert line["loss"] is None
    assert line["tensor"] == 1.5


def test_only_the_first_process_writes(tmp_path):
    terminal = Console(file=io.StringIO())
    for callback in run_callbacks(tmp_path, terminal):
        begin_and_log(callback, state(main=False), warning="no")
        callback.on_train_end(None, state(main=False), TrainerControl())
    assert list(tmp_path.iterdir()) == []
    assert terminal.file.getvalue() == ""


def test_a_log_that_cannot_be_written_is_told_in_a_sentence(tmp_path):
    path = tmp_path / "log.jsonl"
    log = JsonLinesLog(path)
    begin_and_log(log, state(), loss=1.0)
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputError, match=r"log\.jsonl could not be written: .*\.$"):
        log.on_log(None, state(), TrainerControl(), logs={"loss": 1.0})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("", "holds no line yet"),
        ('{"step": 1', "holds no line yet"),
        ('{"step": 1}\nnot json\n{"step": 3}\n', "line 2 is damaged"),
        ('{"loss": 1}\n{"step": 3}\n', "line 1 is damaged"),
    ],
)
def test_a_missing_or_damaged_log_is_told_in_a_sentence(tmp_path, text, words):
    path = tmp_path / "log.jsonl"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TrainingError, match=words) as caught:
        read_log(path)
    assert str(path) in str(caught.value)


def test_a_log_is_read_by_the_names_of_its_numbers():
    log = RunLog(
        [
            {"step": 1, "loss": 2.0, "router/0/load/0": 0.5, "router/0/load/1": 0.5},
            {"step": 2, "loss": None, "mix/3": 0.5, "eval_score": 1, "eval_runtime": 3},
            {"step": 3, "warning": "Layer 0."},
        ]
    )
    assert log.series("loss") == ([1], [2.0])
    assert log.metrics == ["eval_score"]
    assert log.layers == [0, 3]
    assert log.experts == 2
    assert log.warnings == [(3, "Layer 0.")]


def test_plain_progress_prints_a_line_a_minute(monkeypatch):
    terminal = Console(file=io.StringIO(), width=20)
    progress, clock = RichProgress(terminal), [1000.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: clock[0])
    begin_and_log(progress, state(10, 100), **{"loss": 2.5, "speed/tokens_per_s": 1234.4})
    for step, now in ((11, 1010.0), (12, 1060.0), (13, 1070.0)):
        clock[0] = now
        progress.on_step_end(None, state(step, 100), TrainerControl())
    # Two steps took 60 s, 88 are left.
    assert terminal.file.getvalue() == "step 12/100  loss 2.500  1,234 tokens/s  44 min left\n"


def test_a_terminal_gets_a_bar_and_the_warnings_above_it():
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    progress = RichProgress(terminal)
    begin_and_log(progress, state(3, 10), loss=1.25, warning="Layer 0 [x].")
    progress.on_step_end(None, state(4, 10), TrainerControl())
    progress.close()
    progress.close()
    shown = terminal.file.getvalue()
    assert "Warning: Layer 0 [x]." in shown
    assert "4/10" in shown
    assert "loss 1.250" in shown
    assert shown.endswith("\x1b[?25h")  # the cursor is back


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(40, "40 s"), (720, "12 min"), (12_000, "3 h 20 min"), (183_600, "2 d 3 h")],
)
def test_durations_have_two_units(seconds, words):
    assert duration(seconds) == words


def test_rates_are_over_the_time_since_the_last_call(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(logs.time, "perf_counter", lambda: clock[0])
    meter = RateMeter(peak_flops=1e6)
    meter.add(100, 20, 1e6)
    meter.add(300, 20, 3e6)
    clock[0] = 8.0
    rates = meter.rates()
    assert rates["speed/tokens_per_s"] == 50.0
    assert rates["speed/supervised_per_s"] == 5.0
    assert rates["speed/mfu"] == 0.5
    meter.add(10, 0, 0)
    clock[0] = 10.0
    assert meter.rates()["speed/tokens_per_s"] == 5.0


def test_validation_and_checkpoints_do_not_count_as_training_time(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(logs.time, "perf_counter", lambda: clock[0])
    meter = RateMeter(peak_flops=1.0)
    meter.on_train_begin(None, state(), TrainerControl())
    meter.add(100, 0, 0)
    clock[0] = 10.0
    meter.on_step_end(None, state(), TrainerControl())
    clock[0] = 90.0
    meter.on_evaluate(None, state(), TrainerControl())
    clock[0] = 95.0
    meter.on_save(None, state(), TrainerControl())
    clock[0] = 105.0
    meter.add(100, 0, 0)
    assert meter.rates()["speed/tokens_per_s"] == 10.0


def test_rates_of_processes_add_up_and_utilisation_is_of_all_devices():
    meter = RateMeter(peak_flops=1e3)
    meter.add(10, 5, 1e3)
    time.sleep(0.01)
    one = RateMeter(peak_flops=1e3)
    one._started = meter._started
    one.add(10, 5, 1e3)
    both, alone = meter.rates(lambda counts: 2 * counts), one.rates()
    assert both["speed/tokens_per_s"] == pytest.approx(2 * alone["speed/tokens_per_s"], rel=0.2)
    assert both["speed/mfu"] == pytest.approx(alone["speed/mfu"], rel=0.2)


def test_memory_is_at_least_what_is_held_now():
    held = torch.ones(2**22)
    assert peak_memory() > held.nbytes
