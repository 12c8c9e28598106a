"""The training benchmark at its tiny preset: it runs, and its loops come to the same gradient."""

import json

import numpy as np
import pytest
import torch
import training
from training_material import SETTINGS, Material, draw, make_set
from training_work import Storages
from transformers import logging

from echovlm.train.plan import Catalogue

TINY = SETTINGS["tiny"]
NAMES = ["published", "our layers", "packed rows", "logits at answers", "shared images: ours"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_set(tmp_path_factory.mktemp("training"), 8)


@pytest.fixture(scope="module")
def material(data):
    return Material.of(data, data.parent, TINY)


@pytest.fixture(scope="module")
def loops(material):
    return training.make_loops(TINY, material)


@pytest.fixture(scope="module")
def found(data, tmp_path_factory):
    """What a whole run writes, with its exit status."""
    file = tmp_path_factory.mktemp("training") / "found.json"
    threads, verbosity = torch.get_num_threads(), logging.get_verbosity()
    options = ["--preset", "tiny", "--blocks", "1", "--threads", "1", "--data", str(data)]
    status = training.main([*options, "--json", str(file)])
    torch.set_num_threads(threads)
    logging.set_verbosity(verbosity)
    return json.loads(file.read_text()) | {"status": status}


def test_it_runs_and_writes_everything_down(found):
    assert found["status"] in (0, training.BUSY_MACHINE)  # times depend on who else is at work
    assert list(found["seconds_per_step"]) == [*NAMES, training.CONTROL]
    assert all(len(seconds) == 1 for seconds in found["seconds_per_step"].values())
    assert list(found["growth"]) == ["4", "6", "8"]
    assert found["growth"]["4"]["median"] == 1


def test_all_loops_come_to_the_same_loss_and_gradient(loops):
    loss, norm = training.largest_differences(loop.measure() for loop in loops.values())
    assert loss <= training.LOSS_TOLERANCE
    assert norm <= training.NORM_TOLERANCE


def test_gradients_of_the_published_experts_are_ours_cut_up(loops):
    ours, theirs = loops["our layers"], loops["published"]
    for loop in (ours, theirs):
        loop.gradient()
    stacked = ours.network.model.language_model.layers[0].mlp.moe.experts
    single = theirs.network.model.language_model.layers[0].mlp.experts
    for number, (gate, up, down) in enumerate(single):
        assert gate.data_ptr() == stacked.gate_up_proj[number].data_ptr()  # no copy
        gate_up = torch.cat([gate.grad, up.grad])
        torch.testing.assert_close(gate_up, stacked.gate_up_proj.grad[number], atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(down.grad, stacked.down_proj.grad[number], atol=1e-5, rtol=1e-3)
    for loop in (ours, theirs):
        loop.optimizer.zero_grad()


def test_each_change_takes_fewer_tokens_or_less_memory(found, material):
    tokens, peak = found["tokens"], found["peak_bytes"]
    assert tokens["published"] == tokens["our layers"] > tokens["packed rows"]
    assert tokens["packed rows"] > tokens["shared images: ours"]
    assert peak["published"] > peak["our layers"]
    assert peak["packed rows"] >= peak["logits at answers"]
    assert found["supervised_tokens"] == material.targets


def test_only_the_expert_path_and_the_mix_train(loops):
    for loop in loops.values():
        trained = [name for name, p in loop.network.named_parameters() if p.requires_grad]
        assert all(".mlp.moe." in n or ".mlp.mix." in n or ".mlp.matrices." in n for n in trained)
    counts = {
        name: sum(p.numel() for p in loop.network.parameters() if p.requires_grad)
        for name, loop in loops.items()
    }
    assert len(set(counts.values())) == 1


def test_a_step_leaves_the_weights_as_they_were(loops):
    loop = loops["shared images: ours"]
    before = [p.clone() for p in loop.network.parameters()]
    loop.step()
    assert all(map(torch.equal, before, loop.network.parameters()))


def test_a_conversation_of_each_task_is_drawn_once_per_study():
    catalogue = Catalogue(
        groups=np.array([0, 0, 0, 1, 1, 2]),
        tokens=np.ones(6),
        targets=np.ones(6),
        sources=np.zeros(6),
        tasks=np.array([0, 0, 1, 0, 1, 0]),
        shards=np.zeros(6, dtype=int),
        prefixes=np.ones(3),
        source_names=("simulated",),
        task_names=("report", "diagnosis"),
    )
    drawn = draw(catalogue, 10).tolist()
    assert len(drawn) == 5
    assert {2, 3, 4, 5} < set(drawn)
    assert len(draw(catalogue, 3)) == 3


def test_peak_memory_is_counted_exactly():
    before = torch.zeros(1000)
    with Storages() as storages:
        first = before + 1  # 4,000 bytes
        second = first * 2  # 8,000
        del first
        third = second[:250].clone()  # 5,000
        second.view(10, 100).add_(before.view(10, 100).relu_())
    assert (storages.peak, storages.now) == (8000, 5000)
    assert third.shape == (250,)


def test_differing_gradients_stop_the_run(monkeypatch, data, capsys):
    monkeypatch.setattr(training, "largest_differences", lambda measured: (0.5, 0.0))
    monkeypatch.setattr(
        training, "time_blocks", lambda *arguments: pytest.fail("timed all the same")
    )
    status = training.main(["--preset", "tiny", "--data", str(data)])
    assert status == training.DIFFERENT_GRADIENTS
    assert "nothing was timed" in " ".join(capsys.readouterr().out.split())


def test_a_preset_for_a_gpu_wants_one(capsys):
    with pytest.raises(SystemExit):
        training.main(["--preset", "7b"])
    assert "--device cuda" in capsys.readouterr().err


def test_ours_alone_gives_rates_and_utilisation(material, monkeypatch):
    monkeypatch.setattr(training, "matmul_flops", lambda dtype, size: 1e12)
    found = training.run_alone(TINY, material, "cpu", steps=1)
    seconds = found["seconds_per_step"][0]
    assert found["supervised_tokens_per_second"] == material.targets / seconds
    weights_that_work = 2 * found["parameters"] * found["tokens_per_second"] / 1e12
    assert 0.3 * weights_that_work < found["mfu"] < 3 * weights_that_work
