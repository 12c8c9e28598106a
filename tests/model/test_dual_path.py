import pytest
import torch
from smallnet import picture_batch, small_config, small_network
from torch import nn
from torch.nn import functional

from echovlm.model.moe import DualPathFeedForward


def published_feed_forward(layer: DualPathFeedForward, h: torch.Tensor, top_k: int, norm: bool):
    """The released code's loop over experts, restated for ``h (tokens, H)``."""
    moe = layer.moe
    weights = functional.softmax(functional.linear(h, moe.router.weight), dim=1, dtype=torch.float)
    weights, chosen = torch.topk(weights, top_k, dim=-1)
    if norm:
        weights = weights / weights.sum(dim=-1, keepdim=True)
    weights = weights.to(h.dtype)
    out = torch.zeros_like(h)
    for expert in range(moe.router.weight.shape[0]):
        tokens, place = torch.where(chosen == expert)
        gate, up = (h[tokens] @ moe.experts.gate_up_proj[expert].T).chunk(2, dim=-1)
        done = (functional.silu(gate) * up) @ moe.experts.down_proj[expert].T
        out = out.index_add(0, tokens, done * weights[tokens, place, None])
    out = out + torch.sigmoid(moe.shared_expert_gate(h)) * moe.shared_expert(h)
    share = torch.softmax(layer.mix(h), dim=-1)
    return out * share[:, :1] + layer.dense(h) * share[:, 1:]


def feed_forward(**text) -> DualPathFeedForward:
    return small_network(**text).model.language_model.layers[0].mlp


@pytest.mark.parametrize("norm", [False, True], ids=["plain", "normalised"])
@pytest.mark.parametrize(("experts", "top_k"), [(4, 2), (4, 1), (6, 2), (12, 3), (1, 1), (3, 3)])
def test_it_is_the_published_feed_forward(experts, top_k, norm):
    layer = feed_forward(num_experts=experts, num_experts_per_tok=top_k, norm_topk_prob=norm)
    h = torch.randn(2, 9, 32, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        ours = layer(h).reshape(-1, 32)
        theirs = published_feed_forward(layer, h.reshape(-1, 32), top_k, norm)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_an_expert_that_nobody_chooses_changes_nothing():
    layer = feed_forward()
    h = torch.randn(1, 5, 32).abs()
    with torch.no_grad():
        layer.moe.router.weight[2] = -100.0
        before = layer(h)
        layer.moe.experts.down_proj[2] += 1.0
        torch.testing.assert_close(layer(h), before)
    assert torch.isfinite(before).all()


def test_permuting_tokens_permutes_outputs():
    layer = feed_forward()
    h = torch.randn(1, 11, 32)
    order = torch.randperm(11)
    with torch.no_grad():
        torch.testing.assert_close(layer(h)[:, order], layer(h[:, order]), rtol=1e-5, atol=1e-5)


def test_permuting_experts_changes_nothing():
    layer = feed_forward()
    h = torch.randn(1, 11, 32)
    with torch.no_grad():
        before = layer(h)
        order = torch.tensor([2, 0, 3, 1])
        for weight in (layer.moe.router.weight, *layer.moe.experts.parameters()):
            weight.copy_(weight[order].clone())
        torch.testing.assert_close(layer(h), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("implementation", ["eager", "grouped_mm", "batched_mm"])
def test_every_expert_kernel_gives_the_same_logits(implementation):
    network, batch = small_network(), picture_batch()
    with torch.no_grad():
        expected = network(**batch).logits
        network.set_experts_implementation(implementation)
        torch.testing.assert_close(network(**batch).logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("width", [1, 17, 30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_odd_expert_widths_work_too(width, dtype):
    network = small_network(moe_intermediate_size=width).to(dtype).train()
    batch = picture_batch()
    loss = network(**batch, labels=batch["input_ids"]).loss
    loss.backward()
    network.set_experts_implementation("eager")
    assert torch.equal(network(**batch, labels=batch["input_ids"]).loss, loss)


def test_experts_use_grouped_products_also_while_decoding():
    network = small_network()
    text = network.config.text_config
    assert text._experts_implementation == "grouped_mm"
    with network._optimize_model_for_decode():
        assert text._experts_implementation == "grouped_mm"


def test_training_works_under_autocast():
    network, batch = small_network().train(), picture_batch()
    plain = network(**batch, labels=batch["input_ids"]).loss
    with torch.autocast("cpu", torch.bfloat16):
        loss = network(**batch, labels=batch["input_ids"]).loss
    loss.backward()
    assert loss.item() == pytest.approx(plain.item(), rel=0.05)
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.dtype == torch.float32


def test_the_experts_multiply_in_bf16_under_autocast():
    experts = feed_forward().moe.experts
    h, chosen = torch.randn(5, 32), torch.tensor([[0, 1]] * 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert experts(h, chosen, torch.full((5, 2), 0.5)).dtype == torch.bfloat16


def test_new_weights_are_drawn_and_biases_are_zero():
    torch.manual_seed(0)
    config = small_config(hidden_size=128, moe_intermediate_size=64, initializer_range=0.05)
    layer = DualPathFeedForward(config.text_config, dense=nn.Identity())
    network = type(small_network())(config)
    layer = network.model.language_model.layers[1].mlp
    for weight in (*layer.moe.parameters(), layer.mix.weight, layer.dense.up_proj.weight):
        assert weight.std().item() == pytest.approx(0.05, rel=0.2)
    assert not layer.mix.bias.any()
