"""A stage from beginning to end: base and data in, a checkpoint that every command loads out.

The folder of a run holds ``recipe.json`` and ``run.json`` (what was run on what), ``log.jsonl`` and
``tensorboard/`` (what was watched), ``checkpoint-N/`` (where it goes on) and ``final/`` (the
result). Started again with the same recipe, base and data, it goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import PartialState
from rich.console import Console
from torch import nn
from transformers.integrations.deepspeed import unset_hf_deepspeed_config

from echovlm import __version__
from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split
from echovlm.errors import DataError, OptionError, OutputError, TrainingError
from echovlm.train.adapters import merge_adapters
from echovlm.train.base import Start, prepare
from echovlm.train.checkpoints import is_whole, last_whole, read_trained, step_of
from echovlm.train.dataset import PlannedBatches
from echovlm.train.logs import RichProgress, run_callbacks
from echovlm.train.plan import Catalogue, plan
from echovlm.train.recipes import Recipe, as_dict
from echovlm.train.rows import Encoder
from echovlm.train.stage import StageTrainer, arithmetic_dtype
from echovlm.train.stopping import StopOnSignal, StopWithoutGain

FINAL = "final"
RECIPE = "recipe.json"
RUN = "run.json"

_BEGINNING = (RECIPE, f"{RECIPE}.new", f"{RUN}.new")  # what a run killed at once leaves
_FREE = ("gradient_checkpointing", "log_every", "save_every", "workers")  # change no number
_LONGEST_WAIT = timedelta(hours=12)  # while one process measures samples or writes reports
_WORDS = {
    "base_sha256": "base",
    "data_manifest_sha256": "data set",
    "processes": "number of processes",
}

MakeValidate = Callable[[Recipe, Path, Any], Callable[[nn.Module], dict[str, float]]]
"""From recipe, data and processor to scores of a network by text it writes."""


@dataclass(frozen=True)
class Finished:
    """What a run came to.

    Attributes:
        folder: the run's.
        final: the checkpoint it wrote; None where a signal stopped it.
        step: the last finished step.
        stopped_by: name of the signal, else "".
    """

    folder: Path
    final: Path | None
    step: int
    stopped_by: str = ""


def train(
    recipe: Recipe,
    base: Path,
    data: Path,
    out: Path,
    make_validate: MakeValidate | None = None,
    make_trainer: Callable[..., StageTrainer] = StageTrainer,
    make_encoder: Callable[[Any], Encoder] = Encoder,
    console: Console | None = None,
) -> Finished:
    """Run a stage, or go on with it.

    Args:
        recipe: the run.
        base: folder of the checkpoint to start from.
        data: a built set; its training split is used.
        out: folder of the run, made where absent.
        make_validate: makes the score that chooses the best checkpoint; None for none.
        make_trainer: the loop.
        make_encoder: turns samples into tokens, given a processor.
        console: where tables and progress go.

    Raises:
        OptionError: for a recipe that does not fit the data or this run.
        TrainingError: for a folder of another run, and when the run cannot go on.
        DataError: for data that cannot be used.
        CheckpointError: for a base that cannot be used.
    """
    if recipe.patience and make_validate is None:
        raise OptionError("patience counts validations, and this run has none; set patience=0.")
    console = console or Console()
    _quieten()
    final = out / FINAL
    state = PartialState(cpu=not torch.cuda.is_available(), timeout=_LONGEST_WAIT)
    with state.main_process_first():
        precision = _claim(recipe, base, data, out, state.is_main_process)
        if final.is_dir():
            last = last_whole(out)
            return Finished(out, final, step_of(last) if last else 0)
        recipe = dataclasses.replace(recipe, precision=precision)
        start = prepare(recipe, base, out, arithmetic_dtype(recipe))
        encoder = make_encoder(start.processor)
        reader = SampleReader(data, Split.TRAIN)
        catalogue = Catalogue.of(reader, encoder, out / "catalogue.npz")
        last = last_whole(out)
    batches = plan(catalogue, recipe, state.num_processes)
    steps = len(batches) // (state.num_processes * recipe.accumulation)
    if state.is_main_process:
        console.print(start.table.table())
    stop = StopOnSignal()
    callbacks = [stop, *run_callbacks(out, console)]
    if recipe.patience:
        callbacks.append(StopWithoutGain(recipe.patience * recipe.validate_every))
    trainer = make_trainer(
        start.network,
        recipe,
        PlannedBatches(reader, encoder, batches, recipe),
        out,
        steps,
        make_validate(recipe, data, start.processor) if make_validate else None,
        callbacks,
    )
    try:
        with stop.listening():
            trainer.train(resume_from_checkpoint=None if last is None else str(last))
    finally:
        _close(callbacks)
    if stop.agreed() and trainer.state.global_step < steps:
        return Finished(out, None, trainer.state.global_step, stop.received)
    if state.is_main_process:
        export(_result(trainer, start, recipe, base), recipe, final)
    state.wait_for_everyone()
    return Finished(out, final, trainer.state.global_step)


def _close(callbacks: list[Any]) -> None:
    """Give the terminal back, which transformers does not where training ends by an exception."""
    for callback in callbacks:
        if isinstance(callback, RichProgress):
            callback.close()


def _quieten() -> None:
    """Keep transformers' own bars and hints off the terminal that shows the run."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def _claim(recipe: Recipe, base: Path, data: Path, out: Path, writes: bool) -> str:
    """Make the folder this run's own, or see that it is.

    Returns:
        The number format of the run; it was measured once and holds for every process and resume.
    """
    told = {
        "recipe": as_dict(recipe),
        "data_manifest_sha256": _digest([data / "manifest.json"]),
        "processes": PartialState().num_processes,
    }
    if writes:
        told["base_sha256"] = _digest([base / "config.json", *base.glob("*.safetensors")])
    stored = out / RUN
    try:
        if stored.exists():
            before = json.loads(stored.read_text())
            _refuse_other(out, before, _plain(told))
            return str(before["precision"])
        if not writes:
            raise TrainingError(
                f"{out} does not show what the first process wrote; give a folder that all "
                "machines share."
            )
        out.mkdir(parents=True, exist_ok=True)
        if any(path.name.removeprefix(".") not in _BEGINNING for path in out.iterdir()):
            raise TrainingError(f"{out} is not empty and holds no run; give a new folder.")
        told |= {"base": str(base.resolve())} | _circumstances(recipe)
        _write(out / RECIPE, as_dict(recipe))
        _write(stored, told)
        return str(told["precision"])
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error.strerror}).") from None


def _refuse_other(out: Path, before: dict[str, Any], told: dict[str, Any]) -> None:
    """Refuse to go on with another run; how it is watched and computed may change.

    Raises:
        TrainingError: naming what differs.
    """
    recipes = before.pop("recipe"), told.pop("recipe")
    fields = sorted(set(recipes[0]) | set(recipes[1]))
    odd = [
        f"{name} in its recipe"
        for name in fields
        if recipes[0].get(name) != recipes[1].get(name) and name not in _FREE
    ]
    odd += [_WORDS[name] for name, value in told.items() if before.get(name) != value]
    if odd:
        raise TrainingError(
            f"{out} holds a run with another {odd[0]}; give another folder, or what it was "
            "started with."
        )


def _circumstances(recipe: Recipe) -> dict[str, Any]:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor()
    return {
        "seed": recipe.seed,
        "git_revision": _revision(),
        "precision": str(arithmetic_dtype(recipe)).removeprefix("torch."),
        "device": device or platform.machine(),
        "versions": {
            "echovlm": __version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "python": platform.python_version(),
        },
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _revision() -> str:
    """Commit of the source, with a mark where files were changed; "" outside a repository."""
    here = Path(__file__).parent
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()


def _result(trainer: StageTrainer, start: Start, recipe: Recipe, base: Path) -> Start:
    """The network with the weights that won: of the best validation, or of the last step.

    Where frozen weights were held in fewer digits than the checkpoint has, they are read again.
    """
    steps = (trainer.state.best_global_step, trainer.state.global_step)
    best, last = (trainer.folder / f"checkpoint-{step}" for step in steps)
    spread = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    rounded = start.dtype == torch.float32 and arithmetic_dtype(recipe) != torch.float32
    if spread or rounded:
        unset_hf_deepspeed_config()  # ZeRO-3 would spread this network too
        start = prepare(recipe, base, trainer.folder, torch.float32)
    if spread or rounded or is_whole(best):
        read_trained(best if is_whole(best) else last, start.network)
    return start


def export(start: Start, recipe: Recipe, target: Path) -> None:
    """Write the network as a checkpoint: adapters folded in, in the base's number format.

    Args:
        start: the network after training.
        recipe: stored beside the weights.
        target: folder; it appears under its name when it is whole.

    Raises:
        OutputError: when it cannot be written; nothing partial is left.
    """
    temporary = target.with_name(f".{target.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        network: Any = start.network
        if recipe.lora:
            merge_adapters(network)
        network.set_attn_implementation("sdpa")
        network.to(start.dtype).eval().save_pretrained(temporary)
        start.processor.save_pretrained(temporary)
        notice = start.folder / "notice.json"
        if notice.exists():
            shutil.copyfile(notice, temporary / notice.name)
        _write(temporary / RECIPE, as_dict(recipe))
        temporary.rename(target)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise OutputError(f"{target} cannot be written ({error.strerror}).") from None


def _digest(paths: Iterable[Path]) -> str:
    """SHA-256 over the files of these that exist, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        try:
            with path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise DataError(path, f"cannot be read ({error.strerror})", "Mend it") from None
    return whole.hexdigest()


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _write(path: Path, content: Any) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)
