"""Our network against recorded outputs of the published one, case by case.

Tolerances: float32 logits 1e-4 (the largest difference seen is 6e-5),
loss 1e-5, gradient norms 1e-4 relative. Only attended positions count. bf16 rounds differently with
every order of summation, so there the distance to float32 is compared with the recorded distance.
"""

from __future__ import annotations

import pytest
import torch
from oracle import Case, network

from echovlm.model.layouts import pieces
from echovlm.model.moe import load_balancing_loss


def _fp32(case: Case) -> bool:
    return case.dtype == "fp32"


def _worst(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return (ours.float() - theirs.float()).abs().max().item()


@pytest.fixture(scope="module")
def forward():
    """Run a case once, with everything the tests below look at."""
    done = {}

    def run(case: Case):
        if str(case) not in done:
            seen = {}
            model = network(case.folder, case.dtype)
            hook = model.model.language_model.rotary_emb.register_forward_hook(
                lambda module, args, output: seen.update(positions=args[1])
            )
            with torch.no_grad():
                outputs = model(**case.inputs, output_hidden_states=True, output_router_logits=True)
            hook.remove()
            done[str(case)] = outputs, seen["positions"]
        return done[str(case)]

    return run


@pytest.mark.recorded(where=_fp32)
def test_logits_are_those_of_the_published_network(case, forward, note):
    outputs, _ = forward(case)
    worst = _worst(outputs.logits[case.attended], case.out("logits")[case.attended])
    note("logits", f"{worst:.1e}")
    assert worst < 1e-4


@pytest.mark.recorded(where=_fp32)
def test_loss_is_that_of_the_published_network(case, forward, note):
    outputs, _ = forward(case)
    worst = _worst(outputs.loss, case.out("loss"))
    note("loss", f"{worst:.1e}")
    assert worst < 1e-5
    assert outputs.aux_loss is None  # only in training


@pytest.mark.recorded(where=lambda case: _fp32(case) and bool(case.layers("hidden_states")))
def test_hidden_states_agree_in_every_layer(case, forward):
    outputs, _ = forward(case)
    theirs = case.layers("hidden_states")
    assert len(outputs.hidden_states) == len(theirs)
    for ours, recorded in zip(outputs.hidden_states, theirs, strict=True):
        assert _worst(ours[case.attended], recorded[case.attended]) < 1e-4


@pytest.mark.recorded(where=lambda case: _fp32(case) and bool(case.layers("visual")))
def test_visual_tokens_agree(case):
    tower = network(case.folder, case.dtype).model.visual
    kinds = ("pixel_values", "image_grid_thw"), ("pixel_values_videos", "video_grid_thw")
    given = [
        (case.inputs[pixels], case.inputs[grid]) for pixels, grid in kinds if grid in case.inputs
    ]
    with torch.no_grad():
        for (pixels, grid), theirs in zip(given, case.layers("visual"), strict=True):
            assert _worst(tower(pixels, grid_thw=grid).pooler_output, theirs) < 1e-4


@pytest.mark.recorded(where=_fp32)
def test_tokens_go_to_the_same_experts(case, forward, note):
    outputs, _ = forward(case)
    top_k = network(case.folder, case.dtype).config.text_config.num_experts_per_tok
    rows = case.attended.reshape(-1)
    flips = 0
    for ours, theirs in zip(outputs.router_logits, case.layers("router_logits"), strict=True):
        chosen = [logits[rows].topk(top_k).indices.sort(-1).values for logits in (ours, theirs)]
        flips += int((chosen[0] != chosen[1]).any(-1).sum())
    note("other experts", f"{flips} of {int(rows.sum()) * len(outputs.router_logits)}")
    assert flips == 0


@pytest.mark.recorded(where=_fp32)
def test_positions_follow_the_published_rule(case, forward, note):
    model = network(case.folder, case.dtype)
    grids = {key: value for key, value in case.inputs.items() if key.endswith("grid_thw")}
    mask = case.inputs.get("attention_mask")
    ours, deltas = model.model.get_rope_index(
        case.inputs["input_ids"], attention_mask=mask, **grids
    )
    theirs = case.out("position_ids")
    assert torch.equal(ours[:, case.attended], theirs[:, case.attended])
    # Published deltas count from the padded length; ours, like transformers, from the attended.
    padding = (~case.attended).sum(-1, keepdim=True)
    assert torch.equal(deltas - padding, case.out("rope_deltas").reshape(deltas.shape))
    _, used = forward(case)
    if case.has_pictures:
        assert torch.equal(used[:, case.attended], theirs[:, case.attended])
    note("positions", "equal")


@pytest.mark.recorded(where=_fp32)
@pytest.mark.parametrize("masked", [True, False], ids=["masked", "unmasked"])
def test_load_balancing_loss_agrees(case, masked, note):
    model = network(case.folder, case.dtype)
    text = model.config.text_config
    mask = case.inputs.get("attention_mask") if masked else None
    ours = load_balancing_loss(case.layers("router_logits"), text.num_experts_per_tok, mask)
    worst = _worst(ours, case.out("aux_loss_masked" if masked else "aux_loss_nomask"))
    note("aux loss", f"{worst:.1e}")
    assert worst < 1e-5


@pytest.mark.recorded(where=lambda case: _fp32(case) and bool(case.gradients))
def test_gradients_agree_for_every_parameter(case, note):
    model = network(case.folder, case.dtype)
    model.zero_grad()
    model(**case.inputs).loss.backward()
    theirs = case.gradients
    ours = {
        piece.name: parameter.grad[piece.place]
        for name, parameter in model.named_parameters()
        for piece in pieces(name, tuple(parameter.shape))
    }
    model.zero_grad()
    assert ours.keys() == theirs.keys()
    total = torch.stack([gradient.norm() for gradient in theirs.values()]).norm()
    norm = torch.stack([gradient.norm() for gradient in ours.values()]).norm()
    relative = abs(norm / total - 1).item()
    worst = max(
        ((ours[name] - theirs[name]).norm() / (theirs[name].norm() + 1e-3 * total)).item()
        for name in theirs
    )
    note("grad norm", f"{relative:.1e}")
    note("worst grad", f"{worst:.1e}")
    assert relative < 1e-4
    assert worst < 1e-4
    for name in theirs:
        size = theirs[name].norm().item()
        assert ours[name].norm().item() == pytest.approx(size, rel=1e-4, abs=1e-6 * total.item())


@pytest.mark.recorded(where=lambda case: _fp32(case) and "out.generated" in case.recorded)
@pytest.mark.parametrize("cache", [True, False], ids=["cache", "no cache"])
def test_greedy_tokens_are_equal(case, cache, note):
    theirs = case.out("generated")
    result = _generate(case, use_cache=cache)
    equal = torch.equal(result.sequences, theirs)
    note(f"greedy, {'cache' if cache else 'no cache'}", "equal" if equal else "differ")
    assert equal
    logits = torch.stack(result.logits, dim=1)
    assert _worst(logits, case.out("generate_logits")) < 1e-4


def _generate(case: Case, **options):
    model = network(case.folder, case.dtype)
    return model.generate(
        **case.prompt,
        max_new_tokens=case.out("generated").shape[1] - case.inputs["input_ids"].shape[1],
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_logits=True,
        **options,
    )


@pytest.mark.recorded(where=lambda case: case.dtype == "bf16")
def test_bf16_lies_as_near_to_float32_as_the_published_network_does(case, forward, note):
    exact = case.fp32.out("logits")[case.attended]
    recorded = (case.out("logits")[case.attended] - exact).abs()
    outputs, _ = forward(case)
    ours = (outputs.logits.float()[case.attended] - exact).abs()
    note("bf16: mean to fp32", f"{ours.mean():.3f} (recorded {recorded.mean():.3f})")
    note("bf16: largest", f"{ours.max():.2f} (recorded {recorded.max():.2f})")
    assert ours.mean() < 1.5 * recorded.mean()
    assert ours.max() < 2 * recorded.max()
