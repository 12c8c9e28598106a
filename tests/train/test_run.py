from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file
from tiny import TINY_TEXT, TINY_VISION
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from echovlm.engine import Engine
from echovlm.errors import OptionError, TrainingError
from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.model.packing import PACKED, Packing, Segment
from echovlm.reproduce.validation import written_text
from echovlm.train import base as bases
from echovlm.train import recipes, stage
from echovlm.train.base import prepare
from echovlm.train.checkpoints import TRAINED, last_whole
from echovlm.train.dataset import PlannedBatches
from echovlm.train.estimate_flops import work_of
from echovlm.train.parts import Part
from echovlm.train.plan import Catalogue, plan
from echovlm.train.rows import Encoder, Row, TurnInfo
from echovlm.train.run import Finished, train
from echovlm.train.stage import StageTrainer, answer_losses

# Of the network and batches of the first test; they depend on nothing but the network and the loop.
GOLDEN = (
    4.15960, 4.17001, 4.12009, 4.07252, 3.86836, 3.72167, 3.69408, 3.57857, 3.49922, 3.42307,
    3.34649, 3.28090, 3.21698, 3.16459, 3.13102, 3.10233, 3.08044, 3.06668, 3.06626, 3.05804,
)  # fmt: skip
IDS = {
    "image_token_id": 4,
    "video_token_id": 5,
    "vision_start_token_id": 6,
    "vision_end_token_id": 7,
}


@pytest.fixture(autouse=True)
def no_measuring(monkeypatch):
    monkeypatch.setattr(stage, "matmul_flops", lambda dtype: 1e11)


def run(recipe, base, built_set, out, **more) -> Finished:
    return train(recipe, base, built_set, out, console=Console(quiet=True), **more)


def log_of(run) -> list[dict]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def losses_of(run) -> list[float]:
    return [line["loss"] for line in log_of(run) if "loss" in line]


def trainer_of(recipe, base, reader, tmp_path) -> StageTrainer:
    start = prepare(recipe, base, tmp_path, torch.float32)
    encoder = Encoder(start.processor)
    batches = plan(Catalogue.of(reader, encoder, tmp_path / "catalogue.npz"), recipe)
    data = PlannedBatches(reader, encoder, batches, recipe)
    return StageTrainer(start.network, recipe, data, tmp_path, recipe.steps)


def made_up_batch(seed: int) -> dict:
    """A study of one picture (16 patches) with two conversations, in random tokens."""
    drawn = torch.Generator().manual_seed(seed)
    ids = torch.randint(8, 64, (1, 40), generator=drawn)
    ids[0, 2:6] = IDS["image_token_id"]
    own = torch.cat([torch.arange(20), torch.arange(20, 30), torch.arange(20, 30)])
    batch = {
        "input_ids": ids,
        "position_ids": own.expand(3, 1, -1),
        "mm_token_type_ids": (ids == IDS["image_token_id"]).long(),
        "pixel_values": torch.randn(16, 1176, generator=drawn),
        "image_grid_thw": torch.tensor([[1, 4, 4]]),
        "target_at": torch.tensor([22, 23, 24, 34, 35]),
        "target_ids": torch.tensor([9, 10, 11, 10, 11]),
        "target_turn": torch.tensor([0, 0, 0, 1, 1]),
        "packing": Packing((Segment(20, (10, 10)),)),
        "turns": (TurnInfo("one", language="en"), TurnInfo("other", language="zh")),
    }
    return batch | {"work": work_of(batch)}


def test_twenty_steps_give_the_recorded_losses(recipe, tmp_path):
    config = EchoVLMConfig(
        text_config=TINY_TEXT | {"vocab_size": 64, "num_key_value_heads": 2},
        vision_config=TINY_VISION,
        tie_word_embeddings=True,
        **IDS,
    )
    torch.manual_seed(0)
    network = EchoVLMForConditionalGeneration(config)
    network.set_attn_implementation({"text_config": PACKED})
    longer = dataclasses.replace(recipe, steps=20)
    batches = [made_up_batch(seed) for seed in range(20)]
    trainer = StageTrainer(network, longer, batches, tmp_path, 20)
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert losses == pytest.approx(GOLDEN, abs=1e-4)


def test_a_finished_run_tells_what_it_was_and_loads(base, built_set, recipe, tmp_path):
    out = tmp_path / "run"
    finished = run(recipe, base, built_set, out)
    assert finished == Finished(out, out / "final", 4)
    told = json.loads((out / "run.json").read_text())
    assert told["recipe"] == json.loads(json.dumps(recipes.as_dict(recipe)))
    assert (told["seed"], told["precision"]) == (7, "float32")
    assert len(told["data_manifest_sha256"]) == 64
    assert json.loads((out / "recipe.json").read_text()) == told["recipe"]
    assert json.loads((out / "final" / "recipe.json").read_text()) == told["recipe"]
    rates = [line["speed/mfu"] for line in log_of(out) if "speed/mfu" in line]
    assert len(rates) == 4
    assert all(0 < rate < 1 for rate in rates)
    assert Engine.load(out / "final")
    stored = load_file(last_whole(out) / TRAINED)
    final = EchoVLMForConditionalGeneration.from_pretrained(out / "final")
    for name, weight in final.named_parameters():
        assert torch.equal(weight, stored[name]), name


def test_a_finished_run_started_again_returns_at_once(
    base, built_set, recipe, tmp_path, monkeypatch
):
    finished = run(recipe, base, built_set, tmp_path / "run")
    before = (tmp_path / "run" / "log.jsonl").read_bytes()
    monkeypatch.setattr(bases, "load_network", pytest.fail)
    assert run(recipe, base, built_set, tmp_path / "run") == finished
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == before


def test_a_folder_of_another_run_is_refused(base, built_set, recipe, tmp_path):
    out = tmp_path / "run"
    run(recipe, base, built_set, out)
    other = dataclasses.replace(recipe, learning_rate=1e-4)
    with pytest.raises(TrainingError, match="a run with another learning_rate in its recipe; give"):
        run(other, base, built_set, out)
    moved = shutil.copytree(base, tmp_path / "base")
    assert run(recipe, moved, built_set, out).step == 4
    weights = load_file(moved / "model.safetensors")
    next(iter(weights.values())).add_(1)
    save_file(weights, moved / "model.safetensors", {"format": "pt"})
    with pytest.raises(TrainingError, match="another base"):
        run(recipe, moved, built_set, out)
    data = shutil.copytree(built_set, tmp_path / "set")
    manifest = json.loads((data / "manifest.json").read_text())
    (data / "manifest.json").write_text(json.dumps(manifest, indent=3))
    with pytest.raises(TrainingError, match="another data set"):
        run(recipe, base, data, out)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(TrainingError, match="is not empty and holds no run"):
        run(recipe, base, built_set, tmp_path / "full")
    assert run(dataclasses.replace(recipe, workers=1), base, built_set, out).step == 4


def test_a_run_killed_before_its_first_file_was_whole_can_start(base, built_set, recipe, tmp_path):
    (tmp_path / "recipe.json").write_text("{}")
    (tmp_path / ".run.json.new").write_text("{")
    assert run(dataclasses.replace(recipe, steps=1), base, built_set, tmp_path).step == 1


def test_frozen_weights_get_no_gradient_and_stay_as_they_were(base, built_set, recipe, tmp_path):
    aligning = dataclasses.replace(recipe, trainable=(Part.EXPERTS, Part.MIX))
    gradients = set()

    class Looking(StageTrainer):
        def _get_grad_norm(self, model, grad_norm=None):
            named = model.named_parameters()
            gradients.update(name for name, weight in named if weight.grad is not None)
            return super()._get_grad_norm(model, grad_norm)

    finished = run(aligning, base, built_set, tmp_path / "run", make_trainer=Looking)
    before, after = (load_file(path / "model.safetensors") for path in (base, finished.final))
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == gradients
    assert changed
    assert all(".moe." in name or ".mix." in name for name in changed)


def scripted(*scores):
    """Validations that give these scores one after the other."""
    left = list(scores)
    return lambda recipe, data, processor: lambda network: {"score": left.pop(0)}


def test_training_stops_early_and_the_weights_of_the_best_validation_win(
    base, built_set, recipe, tmp_path
):
    patient = dataclasses.replace(recipe, steps=12, validate_every=2, patience=2)
    out = tmp_path / "run"
    finished = run(
        patient, base, built_set, out, make_validate=scripted(0.1, 0.5, 0.4, 0.3, 0.9, 0.9)
    )
    assert finished.step == 8
    kept = sorted(path.name for path in out.glob("checkpoint-*"))
    assert kept == ["checkpoint-4", "checkpoint-6", "checkpoint-8"]
    best = load_file(out / "checkpoint-4" / TRAINED)
    final = load_file(out / "final" / "model.safetensors")
    assert all(torch.equal(final[name], tensor) for name, tensor in best.items() if name in final)
    last = load_file(out / "checkpoint-8" / TRAINED)
    assert any(not torch.equal(final[name], tensor) for name, tensor in last.items())
    scores = [line["eval_score"] for line in log_of(out) if "eval_score" in line]
    assert scores == [0.1, 0.5, 0.4, 0.3]


def test_patience_counts_on_where_a_run_was_interrupted(base, built_set, recipe, tmp_path):
    patient = dataclasses.replace(recipe, steps=12, validate_every=2, patience=2)
    out = tmp_path / "run"
    left = [0.5, 0.4]

    def score(network):
        if len(left) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"score": left.pop(0)}

    stopped = run(patient, base, built_set, out, make_validate=lambda *_: score)
    assert (stopped.final, stopped.step, stopped.stopped_by) == (None, 5, "SIGTERM")
    assert run(patient, base, built_set, out, make_validate=scripted(0.3)).step == 6
    best = load_file(out / "checkpoint-2" / TRAINED)
    final = load_file(out / "final" / "model.safetensors")
    assert all(torch.equal(final[name], tensor) for name, tensor in best.items() if name in final)


def test_patience_without_validation_is_refused(base, built_set, recipe, tmp_path):
    with pytest.raises(OptionError, match="this run has none"):
        run(dataclasses.replace(recipe, patience=1), base, built_set, tmp_path / "run")


def test_checkpoints_are_written_between_validations_too(base, built_set, recipe, tmp_path):
    out = tmp_path / "run"
    often = dataclasses.replace(recipe, steps=5, validate_every=3, save_every=2)
    run(often, base, built_set, out, make_validate=scripted(0.9, 0.1))
    assert {path.name for path in out.glob("checkpoint-*")} == {
        f"checkpoint-{step}" for step in (3, 4, 5)
    }


def test_a_run_in_bf16_validates_and_writes_frozen_weights_in_full(
    base, built_set, recipe, tmp_path
):
    aligning = dataclasses.replace(
        recipe, trainable=(Part.EXPERTS, Part.MIX), precision="bfloat16", steps=2,
        validate_every=2, validate_studies=2,
    )  # fmt: skip
    finished = run(aligning, base, built_set, tmp_path / "run", make_validate=written_text)
    (score,) = [line["eval_score"] for line in log_of(tmp_path / "run") if "eval_score" in line]
    assert 0 <= score <= 100
    before, after = (load_file(path / "model.safetensors") for path in (base, finished.final))
    frozen = [name for name in before if ".moe." not in name and ".mix." not in name]
    assert frozen
    assert all(torch.equal(before[name], after[name]) for name in frozen)


def test_validation_changes_nothing_but_the_choice(base, built_set, recipe, tmp_path):
    run(recipe, base, built_set, tmp_path / "without")
    watched = dataclasses.replace(recipe, validate_every=2)
    run(watched, base, built_set, tmp_path / "with", make_validate=scripted(0.1, 0.2))
    assert losses_of(tmp_path / "without") == losses_of(tmp_path / "with")


@pytest.mark.parametrize("make", [recipes.full, recipes.instruction_tuning])
def test_gradient_checkpointing_changes_no_number(base, reader, recipe, tmp_path, make):
    found = []
    for number, on in enumerate((False, True)):
        chosen = dataclasses.replace(
            make(), steps=2, tokens_per_batch=512, visual_tokens=9, precision="float32",
            gradient_checkpointing=on, learning_rate=3e-3, workers=0, log_every=1,
        )  # fmt: skip
        folder = tmp_path / str(number)
        folder.mkdir()
        trainer = trainer_of(chosen, base, reader, folder)
        if on:
            trainer.model.gradient_checkpointing_enable({"use_reentrant": False})
        trainer.model.train()
        torch.manual_seed(5)
        batch = trainer.train_dataset[0]
        with trainer.watch.watching():
            losses, router_logits, _ = answer_losses(trainer.model, batch)
        assert len(router_logits) == 2
        assert all(len(logits) == batch["input_ids"].shape[1] for logits in router_logits)
        torch.manual_seed(5)
        loss = trainer.compute_loss(trainer.model, batch)
        loss.backward()
        assert trainer.watch._sums["mixed"] == 2 * batch["input_ids"].shape[1]  # not recomputed
        gradients = {n: w.grad for n, w in trainer.model.named_parameters() if w.requires_grad}
        assert all(gradient is not None for gradient in gradients.values())
        found.append((loss.detach(), losses.detach(), gradients))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)


def test_adapters_train_under_gradient_checkpointing(base, built_set, recipe, tmp_path):
    tuning = dataclasses.replace(
        recipe, trainable=(Part.EXPERTS, Part.MIX), lora=(Part.VISION, Part.MERGER, Part.ATTENTION),
        steps=3, gradient_checkpointing=True,
    )  # fmt: skip
    run(tuning, base, built_set, tmp_path / "run")
    stored = load_file(last_whole(tmp_path / "run") / TRAINED)
    outer = [tensor for name, tensor in stored.items() if "lora_B" in name]
    assert outer
    assert all(tensor.any() for tensor in outer)  # they begin as zero
    plain = dataclasses.replace(tuning, gradient_checkpointing=False)
    run(plain, base, built_set, tmp_path / "plain")
    assert losses_of(tmp_path / "plain") == pytest.approx(losses_of(tmp_path / "run"), rel=1e-5)


@pytest.mark.parametrize("make", [recipes.full, recipes.alignment, recipes.instruction_tuning])
def test_operations_are_counted_as_torch_counts_them(base, reader, tmp_path, make):
    chosen = dataclasses.replace(
        make(), steps=2, tokens_per_batch=2048, visual_tokens=9, precision="float32",
        gradient_checkpointing=False, lora_dropout=0.0, workers=0, aux_loss=0.0,
    )  # fmt: skip
    trainer = trainer_of(chosen, base, reader, tmp_path)
    trainer.model.set_experts_implementation("eager")  # torch counts no grouped products
    batch = trainer.train_dataset[0]
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        trainer.compute_loss(trainer.model.train(), batch).backward()
    # Torch computes what is masked too.
    squares = sum(length**2 for length in batch["packing"].lengths())
    work = dataclasses.replace(batch["work"], pairs=squares)
    assert batch["work"].pairs < 0.7 * squares
    assert trainer.operations.training.of(work) == pytest.approx(
        counter.get_total_flops(), rel=0.05
    )


def test_a_batch_without_pictures_trains_like_any_other(base, reader, recipe, tmp_path):
    trainer = trainer_of(recipe, base, reader, tmp_path)
    encoder = trainer.train_dataset.encoder
    sample = reader.sample(0)
    batch = encoder.collate([Row(encoder.system_of(sample), [], [encoder.branch(sample)])])
    batch["work"] = work_of(batch)
    trainer.model.eval()  # no blank picture
    expected = answer_losses(trainer.model, batch)[0]
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, batch)
    torch.testing.assert_close(answer_losses(trainer.model, batch)[0], expected, rtol=0, atol=0)
    loss.backward()
    for name, weight in trainer.model.model.visual.named_parameters():
        assert weight.grad is not None, name
        assert not weight.grad.any(), name
