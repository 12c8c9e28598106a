"""Short cuts of the network give what the long way gives."""

import pytest
import torch
from smallnet import picture_batch, small_network
from torch import nn

from echovlm.model.modeling import PatchProjection


def experts(**text):
    return small_network(**text).model.language_model.layers[0].mlp.moe.experts


@pytest.mark.parametrize(("number", "top_k"), [(4, 2), (4, 1), (3, 3)])
def test_one_token_alone_gets_what_it_gets_among_others(number, top_k):
    some = experts(num_experts=number, num_experts_per_tok=top_k)
    h, weights = torch.randn(7, 32), torch.rand(7, top_k)
    chosen = torch.stack([torch.randperm(number)[:top_k] for _ in range(7)])
    with torch.no_grad():
        together = some(h, chosen, weights)
        alone = [some(h[t : t + 1], chosen[t : t + 1], weights[t : t + 1]) for t in range(7)]
    torch.testing.assert_close(torch.cat(alone), together, rtol=1e-5, atol=1e-6)


def test_one_token_trains_the_experts_it_goes_to():
    some = experts()
    h, chosen, weights = torch.randn(1, 32), torch.tensor([[3, 1]]), torch.tensor([[0.6, 0.3]])
    some(h, chosen, weights).sum().backward()
    moved = some.down_proj.grad.abs().amax((1, 2)) > 0
    assert moved.tolist() == [False, True, False, True]


def test_one_token_stays_in_bf16_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        out = experts()(torch.randn(1, 32), torch.tensor([[0, 1]]), torch.full((1, 2), 0.5))
    assert out.dtype == torch.bfloat16


def test_patches_are_embedded_as_by_the_convolution():
    conv = nn.Conv3d(3, 40, (2, 14, 14), (2, 14, 14), bias=False).double()
    product = PatchProjection(3, 40, (2, 14, 14), (2, 14, 14), bias=False).double()
    product.load_state_dict(conv.state_dict())
    patches = torch.randn(12, 3, 2, 14, 14, dtype=torch.double)
    torch.testing.assert_close(product(patches), conv(patches), rtol=0, atol=1e-13)


def test_the_vision_tower_uses_the_product_under_the_published_name():
    network, batch = small_network(), picture_batch()
    weight = network.state_dict()["model.visual.patch_embed.proj.weight"]
    assert weight.shape == (32, 3, 2, 14, 14)
    embed = network.model.visual.patch_embed
    assert isinstance(embed.proj, PatchProjection)
    with torch.no_grad():
        expected = batch["pixel_values"].double() @ weight.double().flatten(1).T
        found = embed.double()(batch["pixel_values"].double())
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
