import copy
import re

import pytest
import torch
from part_networks import ADAPTED, EXPERT_PATH, Asked, batch, dense, echovlm, packed_loss
from safetensors.torch import load_file

from echovlm.errors import TrainingError
from echovlm.model import EchoVLMForConditionalGeneration
from echovlm.train.adapters import adapters_off, add_adapters, merge_adapters, prepare
from echovlm.train.parts import Part, adapter_parameters


def shake(network) -> None:
    """Give adapters values as training would, for they start as zero."""
    random = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in adapter_parameters(network):
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.2)


@torch.no_grad()
def logits(network) -> torch.Tensor:
    return network.eval()(**batch(), use_cache=False).logits


@pytest.mark.parametrize("build", [echovlm, dense])
def test_new_adapters_change_nothing_and_trained_ones_do(build):
    network = build()
    before = logits(network)
    add_adapters(network, ADAPTED, rank=4, alpha=8, dropout=0.05)
    assert torch.equal(logits(network), before)
    shake(network)
    assert (logits(network) - before).abs().max() > 0.01


@pytest.mark.parametrize("build", [echovlm, dense])
def test_merging_gives_the_same_outputs_under_the_first_names(build):
    network = build()
    names, kinds = list(network.state_dict()), [type(module) for module in network.modules()]
    add_adapters(network, (*ADAPTED, Part.DENSE), rank=4, alpha=8, dropout=0.05)
    shake(network)
    adapted = logits(network)
    merge_adapters(network)
    assert (logits(network) - adapted).abs().max() < 1e-5
    assert list(network.state_dict()) == names
    assert [type(module) for module in network.modules()] == kinds
    assert not hasattr(network, "peft_config")


def test_a_merged_network_saves_a_checkpoint_that_loads(tmp_path):
    network = echovlm()
    names = set(network.state_dict())
    add_adapters(network, ADAPTED, rank=4, alpha=8, dropout=0.0)
    shake(network)
    merge_adapters(network)
    network.save_pretrained(tmp_path)
    assert set(load_file(tmp_path / "model.safetensors")) == names
    back = EchoVLMForConditionalGeneration.from_pretrained(tmp_path)
    assert torch.equal(logits(back), logits(network))


def test_the_network_keeps_its_class_and_generates():
    network = echovlm()
    add_adapters(network, ADAPTED, rank=4, alpha=8, dropout=0.0)
    assert type(network) is EchoVLMForConditionalGeneration
    written = network.eval().generate(**batch(), max_new_tokens=3, do_sample=False)
    assert written.shape == (1, 99)


def test_adapters_off_is_the_network_before_training():
    network = echovlm()
    before = logits(network)
    prepare(network, Asked((), ADAPTED))
    shake(network)
    after = logits(network)
    with adapters_off(network):
        assert torch.equal(logits(network), before)
    assert torch.equal(logits(network), after)
    assert all(parameter.requires_grad for parameter in adapter_parameters(network))


def test_adapters_come_back_on_after_an_error():
    network = echovlm()
    prepare(network, Asked((), ADAPTED))
    shake(network)
    after = logits(network)
    with pytest.raises(RuntimeError), adapters_off(network):
        raise RuntimeError
    assert torch.equal(logits(network), after)


@pytest.mark.parametrize("recipe", [Asked((Part.DENSE,)), Asked(EXPERT_PATH, ADAPTED)])
def test_without_adapters_alone_there_is_no_reference(recipe):
    network = echovlm()
    prepare(network, recipe)
    with pytest.raises(TrainingError, match="adapters alone"), adapters_off(network):
        pass


@pytest.mark.parametrize("checkpointing", [True, False])
def test_a_step_in_bf16_reaches_every_adapter_and_no_frozen_weight(checkpointing):
    network = echovlm()
    prepare(network, Asked(EXPERT_PATH, ADAPTED, lora_dropout=0.05))
    shake(network)
    for parameter in network.parameters():
        if not parameter.requires_grad:
            parameter.data = parameter.data.bfloat16()
    if checkpointing:
        network.gradient_checkpointing_enable()
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        packed_loss(network, batch()).backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        if parameter.grad is not None:
            assert parameter.grad.dtype == torch.float32
            assert parameter.grad.isfinite().all(), name
    assert all(parameter.grad.any() for parameter in adapter_parameters(network))


def test_checkpointing_gives_the_same_gradients():
    grads = []
    for checkpointing in (True, False):
        network = echovlm()
        prepare(network, Asked((), ADAPTED))
        shake(network)
        if checkpointing:
            network.gradient_checkpointing_enable()
        packed_loss(network.train(), batch()).backward()
        grads.append([parameter.grad for parameter in adapter_parameters(network)])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


@pytest.mark.parametrize("part", [Part.EMBEDDINGS, Part.NORMS])
def test_a_part_without_linear_layers_takes_no_adapters(part):
    with pytest.raises(TrainingError, match=f"'{part}', which has no linear layers"):
        add_adapters(echovlm(), (part,), rank=4, alpha=8, dropout=0.0)


def test_a_tied_head_takes_no_adapters():
    with pytest.raises(TrainingError, match="'head', which has no linear layers"):
        add_adapters(echovlm(tied=True), (Part.HEAD,), rank=4, alpha=8, dropout=0.0)


def test_routed_experts_take_no_adapters():
    with pytest.raises(TrainingError, match="stacked matrices"):
        add_adapters(echovlm(), EXPERT_PATH, rank=4, alpha=8, dropout=0.0)


def test_a_dense_base_has_no_mix_to_adapt():
    with pytest.raises(TrainingError, match="'mix', which has no linear layers"):
        add_adapters(dense(), (Part.MIX,), rank=4, alpha=8, dropout=0.0)


def test_adapters_are_not_added_twice():
    network = echovlm()
    add_adapters(network, (Part.MERGER,), rank=4, alpha=8, dropout=0.0)
    with pytest.raises(TrainingError, match="has adapters already"):
        add_adapters(network, (Part.ATTENTION,), rank=4, alpha=8, dropout=0.0)


def test_a_part_is_trained_in_one_way():
    with pytest.raises(TrainingError, match="'attention' in full and by adapters too"):
        prepare(echovlm(), Asked((Part.ATTENTION,), (Part.ATTENTION,)))


def test_adapters_with_broken_numbers_are_not_merged():
    network = echovlm()
    add_adapters(network, (Part.MERGER,), rank=4, alpha=8, dropout=0.0)
    with torch.no_grad():
        next(adapter_parameters(network)).fill_(float("nan"))
    with pytest.raises(TrainingError, match=re.escape("'model.visual.merger.mlp.0' holds values")):
        merge_adapters(network)


def test_two_networks_do_not_share_adapters():
    network = echovlm()
    other = copy.deepcopy(network)
    add_adapters(network, (Part.ATTENTION,), rank=4, alpha=8, dropout=0.0)
    assert not list(adapter_parameters(other))
