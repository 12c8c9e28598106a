"""The load-balancing loss: counted once, padding masked, only in training."""

import pytest
import torch
from smallnet import picture_batch, small_network

from echovlm.model.moe import load_balancing_loss


def mixtral_loss(logits, top_k, mask=None):
    """transformers' form for Mixtral, over the attended rows."""
    rows = torch.cat([each if mask is None else each[mask.reshape(-1).bool()] for each in logits])
    probabilities = rows.softmax(-1)
    chosen = probabilities.topk(top_k, -1).indices
    places = torch.nn.functional.one_hot(chosen, rows.shape[-1]).float().mean(0)
    return (places * probabilities.mean(0)).sum() * rows.shape[-1]


def test_the_loss_has_mixtrals_form():
    random = torch.Generator().manual_seed(0)
    logits = [torch.randn(12, 5, generator=random) for _ in range(3)]
    mask = torch.ones(2, 6).long()
    mask[0, :4] = 0
    for given in (None, mask):
        torch.testing.assert_close(
            load_balancing_loss(logits, 2, given), mixtral_loss(logits, 2, given)
        )


def test_even_routing_costs_top_k_and_collapse_costs_more():
    even = torch.eye(4).repeat(6, 1) * 1e-3
    collapsed = torch.tensor([[9.0, 0, 0, 0]]).repeat(24, 1)
    assert load_balancing_loss([even], 1).item() == pytest.approx(1.0, abs=1e-3)
    assert load_balancing_loss([collapsed], 1).item() == pytest.approx(4.0, abs=0.01)


def test_it_is_added_once_and_only_in_training_with_labels():
    network, batch = small_network(router_aux_loss_coef=0.5), picture_batch()
    labels = batch["input_ids"]
    quiet = network(**batch, labels=labels)
    network.train()
    trained = network(**batch, labels=labels, output_router_logits=True)
    expected = load_balancing_loss(trained.router_logits, 2, batch["attention_mask"])
    assert quiet.aux_loss is None
    assert network(**batch).aux_loss is None
    torch.testing.assert_close(trained.aux_loss, expected)
    torch.testing.assert_close(trained.loss, quiet.loss + 0.5 * expected)


def test_a_coefficient_of_zero_switches_it_off():
    network, batch = small_network(router_aux_loss_coef=0.0).train(), picture_batch()
    outputs = network(**batch, labels=batch["input_ids"])
    assert outputs.aux_loss is None


def test_padding_does_not_count():
    network, batch = small_network().train(), picture_batch()
    before = network(**batch, labels=batch["input_ids"]).aux_loss
    batch["input_ids"][0, :3] = 7
    torch.testing.assert_close(network(**batch, labels=batch["input_ids"]).aux_loss, before)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("checkpointing", [False, True], ids=["plain", "checkpointed"])
def test_the_router_learns_from_it(checkpointing):
    gradients = []
    for coefficient in (0.0, 10.0):
        network = small_network(router_aux_loss_coef=coefficient).train()
        if checkpointing:
            network.gradient_checkpointing_enable()
        batch = picture_batch()
        outputs = network(**batch, labels=batch["input_ids"])
        outputs.loss.backward()
        if coefficient:
            assert outputs.aux_loss.requires_grad
        router = network.model.language_model.layers[0].mlp.moe.router
        gradients.append(router.weight.grad.clone())
    assert (gradients[1] - gradients[0]).norm() > 0.1 * gradients[0].norm()


def test_router_logits_are_returned_when_asked_for(network):
    batch = picture_batch()
    with torch.no_grad():
        assert network(**batch).router_logits is None
        logits = network(**batch, output_router_logits=True).router_logits
        recorded = network.model.language_model(
            input_ids=batch["input_ids"][:, :5], output_router_logits=True
        ).router_logits
    assert [tuple(each.shape) for each in logits] == [(48, 4)] * 2
    assert [tuple(each.shape) for each in recorded] == [(10, 4)] * 2
