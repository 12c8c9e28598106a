"""The loops learn, repeat themselves exactly, and go on where they stopped."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from echovlm.train import recipes
from echovlm.train.batches import BranchCollator
from echovlm.train.samples import NanoSamples, augment, case_order
from echovlm.train.tokenizer import train_tokenizer
from echovlm.train.trainer import (
    BranchTrainer,
    FeatureTargets,
    VisionCollator,
    VisionPretraining,
    VisionSamples,
    VisionTrainer,
    branch_loss,
    run,
    training_arguments,
)


def branch_trainer(model, processor, cases, folder, steps):
    arguments = training_arguments(folder, recipes.smoke(), steps, batch=2, learning_rate=3e-3)
    arguments.save_steps = 2
    arguments.logging_steps = 1
    trainer = BranchTrainer(
        model=model,
        args=arguments,
        train_dataset=NanoSamples(cases, 2 * steps, seed=3),
        data_collator=BranchCollator(processor),
    )
    trainer.vision_scale = 0.5
    return trainer


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def test_training_overfits_eight_cases(model, processor, cases):
    samples = NanoSamples(cases, 8, seed=0)
    batch = BranchCollator(processor)([samples[i] for i in range(8)])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    first = None
    for _ in range(60):
        loss = branch_loss(model, batch)
        first = first or float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.15 * first


def test_every_parameter_gets_a_gradient(model, processor, cases):
    samples = NanoSamples(cases, 4, seed=0)
    branch_loss(model, BranchCollator(processor)([samples[i] for i in range(4)])).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_a_resumed_run_repeats_the_uninterrupted_one(model, processor, cases, tmp_path):
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    whole = branch_trainer(model, processor, cases, tmp_path / "whole", steps=4)
    run(whole)
    expected, weights = losses(whole), {n: t.clone() for n, t in model.state_dict().items()}

    model.load_state_dict(start)
    stopped = branch_trainer(model, processor, cases, tmp_path / "halves", steps=4)
    stopped.add_callback(_StopAfter(2))
    run(stopped)
    resumed = branch_trainer(model, processor, cases, tmp_path / "halves", steps=4)
    run(resumed)
    assert losses(resumed) == expected
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


def _StopAfter(step):
    from transformers import TrainerCallback

    class Stop(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop = state.global_step >= step

    return Stop()


def test_vision_pretraining_tells_the_labels_apart(model, processor, cases, tmp_path):
    targets = FeatureTargets.of(cases)
    assert set(targets.values) == {"label", "breast.margin"}
    network = VisionPretraining(model.model.visual, 32, targets)
    arguments = training_arguments(tmp_path, recipes.smoke(), 30, batch=8, learning_rate=5e-3)
    trainer = VisionTrainer(
        model=network,
        args=arguments,
        train_dataset=VisionSamples(cases, targets, 240, seed=0),
        data_collator=VisionCollator(processor.image_processor),
    )
    run(trainer)
    accuracies = [e["label_accuracy"] for e in trainer.state.log_history if "label_accuracy" in e]
    assert accuracies[-1] == 1.0


def test_features_that_do_not_apply_are_not_supervised(cases):
    other = dataclasses.replace(cases[0], anatomy="liver", label="breast-cyst", features={})
    targets = FeatureTargets.of(cases)
    assert targets.encode(other).tolist() == [-100, 0]
    assert targets.encode(cases[1]).tolist() == [0, 1]


def test_samples_depend_on_seed_and_number_alone(cases):
    first, again = NanoSamples(cases, 20, seed=5), NanoSamples(cases, 20, seed=5)
    for index in (0, 7, 19):
        assert first[index].turns == again[index].turns
        for one, other in zip(first[index].images, again[index].images, strict=True):
            assert np.array_equal(one, other)
    assert any(first[i].turns != NanoSamples(cases, 20, seed=6)[i].turns for i in range(20))


def test_every_case_is_seen_once_before_any_comes_again():
    order = case_order(cases=7, samples=16, seed=1)
    assert sorted(order[:7]) == sorted(order[7:14]) == list(range(7))
    assert len(order) == 16


def test_augmentation_keeps_a_picture_a_picture():
    still = np.tile(np.arange(200, dtype=np.uint8), (150, 1))
    for seed in range(5):
        varied = augment(still, np.random.default_rng(seed))
        assert varied.dtype == np.uint8
        assert varied.shape[2] == 3
        assert varied.shape[0] > 130
        assert varied[:, -20:].mean() > varied[:, :20].mean()  # never flipped


@pytest.mark.parametrize("text", ["肝脏回声均匀。", "A hypoechoic mass, 12 mm", "naïve 🫀 \n\t x"])
def test_any_text_survives_the_tokenizer(text):
    tokenizer = train_tokenizer(["a small corpus 肝脏"] * 3, 400)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_special_tokens_are_single_entries(processor):
    for name in ("<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|vision_start|>"):
        assert len(processor.tokenizer.encode(name)) == 1
