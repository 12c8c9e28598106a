"""Pictures and a table of a run."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from echovlm.errors import OutputError, TrainingError
from echovlm.train.inspect import draw, summary_table

STEPS, LAYERS, EXPERTS = 50, 3, 4


def line(step: int, experts: bool = True) -> dict[str, float]:
    numbers = {
        "step": step,
        "epoch": step / STEPS,
        "time_s": step * 60.0,
        "loss": 4.0 / step,
        "loss/anatomy/breast": 4.5 / step,
        "loss/task/report": 4.0 / step,
        "loss/language/zh": 4.0 / step,
        "grad_norm": 1.0,
        "learning_rate": 1e-3,
        "learning_rate/vision": 4e-4,
        "speed/tokens_per_s": 1000.0 + step,
        "speed/supervised_per_s": 100.0,
        "speed/memory_gib": 2.0,
        "speed/mfu": 0.4,
    }
    if experts:
        for layer in range(LAYERS):
            numbers |= {f"router/{layer}/load/{e}": 0.1 * (e + 1) for e in range(EXPERTS)}
            numbers |= {
                f"router/{layer}/entropy": 1.0,
                f"router/{layer}/entropy_share": 0.7 + layer / 10,
                f"mix/{layer}": 0.2 + layer / 10,
            }
    return numbers


def write(folder, lines: list[dict]) -> None:
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in lines))


def shown(table) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


@pytest.fixture
def run(tmp_path):
    lines = [line(step) for step in range(1, STEPS + 1)]
    lines.insert(25, {"step": 25, "eval_loss": 1.0, "eval_score": 40.0, "eval_runtime": 9.0})
    lines.append({"step": 50, "eval_loss": 0.9, "eval_score": 35.0, "eval_runtime": 9.0})
    lines.append({"step": 50, "warning": "Layer 1: expert 2 is dead."})
    write(tmp_path, lines)
    return tmp_path


def test_every_picture_is_drawn(run):
    files = draw(run, run / "pictures" / "new")
    assert [file.name for file in files] == [
        "loss.png",
        "loss_by_group.png",
        "schedule.png",
        "expert_load.png",
        "expert_load_time.png",
        "router.png",
        "speed.png",
    ]
    assert sorted(files) == sorted((run / "pictures" / "new").iterdir())
    for file in files:
        pixels = np.asarray(Image.open(file).convert("RGB"))
        assert min(pixels.shape[:2]) > 250
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_a_network_without_experts_has_no_pictures_of_them(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dense")  # a title that holds none of the words looked for
    write(folder, [line(step, experts=False) for step in range(1, 5)])
    names = [file.name for file in draw(folder, folder)]
    assert names == ["loss.png", "loss_by_group.png", "schedule.png", "speed.png"]
    assert "expert" not in shown(summary_table(folder))


def test_a_single_line_with_numbers_that_were_not_finite_can_be_drawn(tmp_path):
    write(tmp_path, [line(1) | {"loss": None, "grad_norm": None, "speed/mfu": None}])
    names = [file.name for file in draw(tmp_path, tmp_path)]
    assert "loss.png" not in names
    assert len(names) == 6


def test_many_layers_and_an_expert_with_everything_can_be_drawn(tmp_path):
    full = {f"router/{layer}/load/{e}": float(e == 0) for layer in range(28) for e in range(8)}
    write(tmp_path, [{"step": step} | full for step in (1, 2)])
    names = [file.name for file in draw(tmp_path, tmp_path)]
    assert names == ["expert_load.png", "expert_load_time.png"]


def test_the_table_tells_the_run(run):
    text = shown(summary_table(run))
    for words in (
        "50 (1.00 epochs)",
        "50 min",
        "4.000 → 0.080 nats per token",
        "35.000, highest 40.000 at step 25",
        "breast 0.090",
        "10.0% of the places (layer 0, expert 0)",
        "40.0% of the places (layer 0, expert 3)",
        "0.70 to 0.90 ln E over the layers",
        "0.20 to 0.40 over the layers",
        "1,026 (median)",
        "2.00 GiB",
        "40.0% (median)",
        "Layer 1: expert 2 is dead.",
    ):
        assert words in text


@pytest.mark.parametrize("ask", [summary_table, lambda run: draw(run, run / "pictures")])
def test_a_folder_without_a_log_is_told_in_a_sentence(tmp_path, ask):
    with pytest.raises(TrainingError, match=r"log\.jsonl cannot be read .*name the folder"):
        ask(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_told_in_a_sentence(run):
    (run / "taken").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        draw(run, run / "taken")
