import io

import pytest
import torch
from part_networks import (
    ADAPTED,
    EXPERT_PATH,
    PATCHES,
    RECIPES,
    TARGETS,
    TOKENS,
    Asked,
    batch,
    dense,
    echovlm,
    packed_loss,
)
from rich.console import Console
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from echovlm.errors import TrainingError
from echovlm.model import EchoVLMConfig, packing
from echovlm.model.packing import Packing, Segment
from echovlm.train.adapters import prepare
from echovlm.train.estimate import CASES, TypicalStudy, estimate, render
from echovlm.train.estimate_flops import Work, flop_rates, visible_pairs, work_of
from echovlm.train.estimate_memory import AUTOCAST, FLOAT32, activations, states
from echovlm.train.parts import Part

# Math attention computes all pairs, those that are masked as well.
WORK = Work(TOKENS, TOKENS**2, TARGETS, PATCHES, PATCHES**2)


@pytest.mark.parametrize(
    ("name", "tied"),
    [*((name, False) for name in RECIPES), ("full", True), ("embeddings", True)],
)
def test_operations_are_those_that_torch_counts(name, tied):
    network, recipe = echovlm(tied=tied), RECIPES[name]
    prepare(network, recipe)
    network.set_experts_implementation("eager")  # torch does not count grouped products
    with FlopCounterMode(display=False) as forward, sdpa_kernel(SDPBackend.MATH):
        loss = packed_loss(network.train(), batch())
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    rates = flop_rates(network.config, recipe)
    assert rates.forward.of(WORK) == forward.get_total_flops()
    assert rates.training.of(WORK) == forward.get_total_flops() + backward.get_total_flops()


def test_operations_of_a_dense_base_are_those_that_torch_counts():
    network, recipe = dense(), Asked((), ADAPTED)
    prepare(network, recipe)
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):
        packed_loss(network.train(), batch()).backward()
    assert flop_rates(network.config, recipe).training.of(WORK) == counted.get_total_flops()


def test_a_batch_is_measured_by_its_segments_and_images():
    packing = Packing((Segment(3, (2, 1)), Segment(4)))
    work = work_of(
        {
            "packing": packing,
            "target_at": torch.tensor([3, 4, 5]),
            "image_grid_thw": torch.tensor([[1, 2, 4], [2, 2, 2]]),
        }
    )
    # prefix of 3: 6 pairs; branches of 2 and 1 behind it: 6 + 3 and 3 + 1; a plain 4: 10
    assert work == Work(tokens=10, pairs=29, targets=3, patches=16, patch_pairs=64 + 2 * 16)


def test_visible_pairs_are_those_of_the_mask():
    segment = Segment(5, (3, 1, 4))
    seen = int(segment.visible(torch.device("cpu")).sum())
    assert visible_pairs(segment.prefix, segment.branches) == seen


def test_a_batch_of_text_needs_no_images():
    assert work_of({"packing": Packing((Segment(2),)), "target_at": torch.tensor([0])}) == Work(
        tokens=2, pairs=3, targets=1, patches=0, patch_pairs=0
    )


@pytest.mark.parametrize("name", ["alignment", "instruction", "full"])
@pytest.mark.parametrize("mixed", [True, False])
def test_state_is_exactly_what_a_step_leaves(name, mixed):
    network, recipe = echovlm(), RECIPES[name]
    prepare(network, recipe)
    if mixed:
        for parameter in network.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        packed_loss(network, batch()).backward()
    optimizer.step()
    (state,) = states(network.config, recipe, 1, mixed)
    assert state.weights == sum(p.nbytes for p in network.parameters())
    assert state.gradients == sum(p.grad.nbytes for p in trained)
    moments = [optimizer.state[p][name] for p in trained for name in ("exp_avg", "exp_avg_sq")]
    assert state.optimizer == sum(moment.nbytes for moment in moments)


def kept_bytes(network, given) -> int:
    """Bytes of the batch's pixels and of all tensors that autograd keeps besides weights."""
    weights = {p.untyped_storage().data_ptr() for p in (*network.parameters(), *network.buffers())}
    kept = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    pack(given["pixel_values"])
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        packed_loss(network, given)
    return sum(t.untyped_storage().nbytes() for at, t in kept.items() if at not in weights)


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize(
    "recipe",
    [
        Asked(EXPERT_PATH, lora_dropout=0.05),
        Asked(EXPERT_PATH, ADAPTED, lora_dropout=0.05),
        Asked(tuple(Part)),
        Asked((Part.VISION,)),
    ],
    ids=["alignment", "instruction", "full", "vision"],
)
def test_activations_are_close_to_what_autograd_keeps(recipe, mixed, monkeypatch):
    # As on a GPU: a dropped entry is kept as one byte, and attention keeps no scores.
    def dropout(x, p, training, inplace):
        return torch.native_dropout(x, p, training)[0]

    def attend(query, key, value, mask, dropout, scaling):
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=mask is None, scale=scaling
        )

    monkeypatch.setattr(functional, "dropout", dropout)
    monkeypatch.setattr(packing, "_attend", attend)
    network = echovlm(layers=8)
    prepare(network, recipe)
    if mixed:
        for parameter in network.parameters():
            if not parameter.requires_grad:
                parameter.data = parameter.data.bfloat16()
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        counted = kept_bytes(network.train(), batch())
    found = activations(network.config, recipe, WORK, AUTOCAST if mixed else FLOAT32)
    probabilities = TARGETS * network.config.text_config.vocab_size * 4
    # Nothing depends on a trained weight before the first of these eight layers' experts.
    assert found.kept + found.casts + probabilities == pytest.approx(counted, rel=0.15)


def test_checkpointing_keeps_a_layers_input_and_one_layer():
    config = echovlm(layers=8).config
    work = Work(1000, 0, 0, 0, 0)
    found = activations(config, RECIPES["alignment"], work, FLOAT32)
    one = activations(echovlm(layers=1).config, RECIPES["alignment"], work, FLOAT32)
    assert found.checkpointed == one.kept + 8 * 1000 * 64 * 4
    assert found.kept > 4 * found.checkpointed


def test_frozen_parts_keep_less():
    config = EchoVLMConfig()
    work = Work(8192, 0, 0, 0, 0)
    aligned, full = (
        activations(config, RECIPES[name], work, AUTOCAST).kept for name in ("alignment", "full")
    )
    assert aligned < 0.9 * full


def test_one_h200_holds_the_published_alignment_and_one_h100_does_not():
    big = estimate(EchoVLMConfig(), Asked(EXPERT_PATH), gpus=1, gpu_gib=141)
    small = estimate(EchoVLMConfig(), Asked(EXPERT_PATH), gpus=1, gpu_gib=80)
    (memory,) = big.memory
    # 3,391,797,304 weights of 4 + 4 + 8 bytes beside 8,291,375,616 of 2
    assert memory.state.weights == 3_391_797_304 * 4 + 8_291_375_616 * 2
    assert memory.state.gradients + memory.state.optimizer == 3_391_797_304 * 12
    assert [memory.verdict, small.memory[0].verdict] == ["checkpointed", "no"]


def test_eight_gpus_divide_what_the_strategy_says():
    found = estimate(EchoVLMConfig(), Asked(tuple(Part)), gpus=8, gpu_gib=80)
    by_name = {memory.state.strategy: memory.state for memory in found.memory}
    weights = 11_683_172_920
    assert list(by_name) == ["DDP", "ZeRO-2", "ZeRO-3", "FSDP2"]
    assert by_name["DDP"].optimizer == 8 * weights
    assert by_name["DDP"].buffers == by_name["DDP"].gradients == 4 * weights
    assert (by_name["ZeRO-2"].weights, by_name["ZeRO-2"].optimizer) == (
        2 * weights,
        12 * weights // 8,
    )
    assert by_name["ZeRO-3"].weights == 2 * weights // 8
    assert by_name["FSDP2"].optimizer == weights
    verdicts = {memory.state.strategy: memory.verdict for memory in found.memory}
    assert verdicts["DDP"] == "no"
    assert verdicts["FSDP2"] == "checkpointed"


def test_the_published_set_costs_what_paper_calculations_say():
    # 1,793 tokens per study; 25.9 EFLOP for full training and 17.3 to 17.5 for experts alone.
    full = estimate(EchoVLMConfig(), Asked(tuple(Part)), gpus=1, gpu_gib=141)
    aligned = estimate(EchoVLMConfig(), Asked(EXPERT_PATH), gpus=8, gpu_gib=80, mfu=0.45)
    assert full.tokens / CASES == pytest.approx(1793, rel=0.002)
    assert full.flops / 1e18 == pytest.approx(25.9, abs=0.05)
    assert aligned.flops / 1e18 == pytest.approx(17.4, abs=0.1)
    assert aligned.gpu_hours == pytest.approx(13.7, abs=0.1)
    assert aligned.hours == aligned.gpu_hours / 8


def test_two_epochs_cost_twice_as_much():
    once, twice = (
        estimate(EchoVLMConfig(), Asked(EXPERT_PATH, epochs=e), 1, 80, cases=10) for e in (1, 2)
    )
    assert twice.flops == 2 * once.flops
    assert twice.memory == once.memory


def test_float32_takes_twice_the_frozen_weights():
    found = estimate(EchoVLMConfig(), Asked(EXPERT_PATH, precision="float32"), 1, 141)
    assert found.memory[0].state.weights == 4 * 11_683_172_920
    assert found.memory[0].activations.casts == 0


def test_a_study_brings_its_pictures_and_words():
    work = TypicalStudy(pictures=2, text_tokens=16, supervised_tokens=9).work(4, 2)
    assert work == Work(tokens=28, pairs=28 * 29 // 2, targets=9, patches=32, patch_pairs=2 * 16**2)


def test_an_estimate_is_drawn_with_its_verdict_and_hours():
    out = io.StringIO()
    found = estimate(EchoVLMConfig(), Asked(EXPERT_PATH, name="alignment"), gpus=8, gpu_gib=80)
    Console(file=out, width=110).print(render(found))
    text = " ".join(out.getvalue().split())
    assert "GiB on each of 8 x 80 GiB" in text
    assert "ZeRO-2" in text
    assert "checkpointed" in text
    assert "trains 3,391,797,304 weights beside a network of 11,683,172,920" in text
    assert "15.3 hours of one GPU at 40% of 790 TFLOP/s" in text
    assert "1.9 hours on 8." in text


def test_a_run_of_so_many_steps_is_estimated_by_its_steps():
    recipe = Asked(EXPERT_PATH, steps=50, accumulation=2, tokens_per_batch=8192)
    found = estimate(EchoVLMConfig(), recipe, gpus=4, gpu_gib=80)
    assert found.tokens == pytest.approx(50 * 2 * 4 * 8192)


@pytest.mark.parametrize(
    "wrong",
    [{"gpus": 0}, {"gpu_gib": 0}, {"peak_tflops": 0}, {"mfu": 1.5}, {"mfu": 0}, {"cases": 0}],
)
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(TrainingError, match="at least one GPU"):
        estimate(EchoVLMConfig(), Asked(EXPERT_PATH), **{"gpus": 1, "gpu_gib": 80} | wrong)


def test_a_recipe_for_experts_is_not_estimated_on_a_dense_base():
    with pytest.raises(TrainingError, match="'experts', which this network does not have"):
        estimate(dense().config, Asked(EXPERT_PATH), gpus=1, gpu_gib=80)
