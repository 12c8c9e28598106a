import io
import re
from itertools import product

import pytest
import torch
from part_networks import ADAPTED, EXPERT_PATH, RECIPES, Asked, dense, echovlm
from rich.console import Console
from torch import nn

from echovlm.errors import TrainingError
from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.train.adapters import prepare
from echovlm.train.parts import FreezingTable, Part, freeze, parts_of
from echovlm.train.sizes import adapter_sizes, check, expected_trainable, part_sizes


@pytest.fixture(scope="module")
def published() -> EchoVLMForConditionalGeneration:
    with torch.device("meta"):
        return EchoVLMForConditionalGeneration(EchoVLMConfig())


def counts(network: nn.Module) -> dict[Part, int]:
    found: dict[Part, int] = {}
    parts = parts_of(network)
    for name, parameter in network.named_parameters():
        found[parts[name]] = found.get(parts[name], 0) + parameter.numel()
    return found


def test_every_parameter_of_a_layer_belongs_to_the_part_it_should():
    parts = parts_of(echovlm())
    layer = "model.language_model.layers.0"
    assert {name: str(parts[name]) for name in parts if name.startswith(layer)} == {
        f"{layer}.self_attn.q_proj.weight": "attention",
        f"{layer}.self_attn.q_proj.bias": "attention",
        f"{layer}.self_attn.k_proj.weight": "attention",
        f"{layer}.self_attn.k_proj.bias": "attention",
        f"{layer}.self_attn.v_proj.weight": "attention",
        f"{layer}.self_attn.v_proj.bias": "attention",
        f"{layer}.self_attn.o_proj.weight": "attention",
        f"{layer}.mlp.dense.gate_proj.weight": "dense",
        f"{layer}.mlp.dense.up_proj.weight": "dense",
        f"{layer}.mlp.dense.down_proj.weight": "dense",
        f"{layer}.mlp.moe.router.weight": "experts",
        f"{layer}.mlp.moe.experts.gate_up_proj": "experts",
        f"{layer}.mlp.moe.experts.down_proj": "experts",
        f"{layer}.mlp.moe.shared_expert.gate_proj.weight": "experts",
        f"{layer}.mlp.moe.shared_expert.up_proj.weight": "experts",
        f"{layer}.mlp.moe.shared_expert.down_proj.weight": "experts",
        f"{layer}.mlp.moe.shared_expert_gate.weight": "experts",
        f"{layer}.mlp.mix.weight": "mix",
        f"{layer}.mlp.mix.bias": "mix",
        f"{layer}.input_layernorm.weight": "norms",
        f"{layer}.post_attention_layernorm.weight": "norms",
    }
    assert parts["model.visual.patch_embed.proj.weight"] == Part.VISION
    assert parts["model.visual.blocks.1.norm2.bias"] == Part.VISION
    assert parts["model.visual.merger.ln_q.weight"] == Part.MERGER
    assert parts["model.language_model.norm.weight"] == Part.NORMS
    assert parts["lm_head.weight"] == Part.HEAD


def test_a_dense_base_has_the_same_parts_without_experts():
    assert set(counts(dense())) == set(Part) - {Part.EXPERTS, Part.MIX}


@pytest.mark.parametrize(("build", "tied"), product([echovlm, dense], [True, False]))
def test_sizes_from_the_configuration_are_those_of_the_network(build, tied):
    network = build(tied=tied)
    assert part_sizes(network.config) == counts(network)
    assert (Part.HEAD in counts(network)) != tied  # a tied head is counted once


@pytest.mark.parametrize("shared", [0, 40])
@pytest.mark.parametrize("experts", [1, 6])
def test_sizes_follow_the_expert_path(experts, shared):
    config = echovlm().config
    config.text_config.num_experts = experts
    config.text_config.num_experts_per_tok = 1
    config.text_config.shared_expert_intermediate_size = shared
    with torch.device("meta"):
        network = EchoVLMForConditionalGeneration(config)
    assert part_sizes(config) == counts(network)


def test_a_parameter_without_a_part_is_refused_by_name():
    network = echovlm()
    network.model.language_model.layers[1].extra = nn.Linear(2, 2)
    with pytest.raises(TrainingError, match=re.escape("layers.1.extra.weight' belongs to no part")):
        parts_of(network)


def test_alignment_of_the_published_network_trains_the_published_number(published):
    table = prepare(published, Asked(EXPERT_PATH))
    assert table.trainable == 3_391_797_304
    assert table.parameters == 11_683_172_920


def test_instruction_tuning_of_the_published_network_trains_the_published_number():
    # Per decoder layer rank 8 times inputs plus outputs: q and o 8 * (3584 + 3584) each, k and v
    # 8 * (3584 + 512) each, together 180,224; 28 layers: 5,046,272.
    # Per vision block qkv 8 * (1280 + 3840), proj 8 * (1280 + 1280), fc1 and fc2 8 * (1280 + 5120)
    # each, together 163,840; 32 blocks: 5,242,880 (the published 5.24 million: without fc1 and fc2
    # it would be 1,966,080).
    # Merger 8 * (5120 + 5120) + 8 * (5120 + 3584) = 151,552.
    with torch.device("meta"):
        network = EchoVLMForConditionalGeneration(EchoVLMConfig())
    table = prepare(network, Asked(EXPERT_PATH, ADAPTED, lora_rank=8))
    assert {row.part: row.adapters for row in table.rows if row.adapters} == {
        Part.VISION: 5_242_880,
        Part.MERGER: 151_552,
        Part.ATTENTION: 5_046_272,
    }
    assert table.adapters == 10_440_704
    assert table.trainable == 3_391_797_304 + 10_440_704 == 3_402_238_008


@pytest.mark.parametrize("name", RECIPES)
def test_what_trains_is_what_the_configuration_says(name):
    network, recipe = echovlm(), RECIPES[name]
    table = prepare(network, recipe)
    expected = expected_trainable(network.config, recipe)
    assert {row.part: row.trainable for row in table.rows} == expected
    trained = {parts_of(network)[n] for n, p in network.named_parameters() if p.requires_grad}
    assert trained == {part for part, count in expected.items() if count}


def test_a_mismatch_names_the_part_and_both_numbers():
    network = echovlm()
    prepare(network, Asked((Part.MIX,)))
    network.model.language_model.layers[0].mlp.mix.bias.requires_grad_(False)
    # 2 layers of 64 * 2 weights and 2 biases
    with pytest.raises(TrainingError, match=r"'mix' 258 weights would train .* asks for 260"):
        check(network, Asked((Part.MIX,)))


def test_a_weight_that_trains_by_mistake_is_refused():
    network = echovlm()
    prepare(network, Asked((Part.MIX,)))
    network.lm_head.weight.requires_grad_(True)
    with pytest.raises(TrainingError, match=r"'head' 32,768 weights would train .* asks for 0"):
        check(network, Asked((Part.MIX,)))


@pytest.mark.parametrize("part", EXPERT_PATH)
def test_experts_of_a_dense_base_cannot_be_trained(part):
    with pytest.raises(TrainingError, match=f"'{part}'.*echovlm upcycle"):
        freeze(dense(), (part, Part.DENSE))


def test_every_part_named_means_every_part_there_is():
    network = dense(tied=True)
    freeze(network, tuple(Part))
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_tied_head_trains_with_the_embeddings_only():
    freeze(echovlm(tied=True), (Part.EMBEDDINGS, Part.HEAD))
    with pytest.raises(TrainingError, match="tied to the embeddings"):
        freeze(echovlm(tied=True), (Part.HEAD,))


def test_a_recipe_that_trains_nothing_is_refused():
    with pytest.raises(TrainingError, match="nothing would be learnt"):
        freeze(echovlm(), ())


def test_freezing_again_starts_from_nothing():
    network = echovlm()
    freeze(network, (Part.DENSE,))
    freeze(network, (Part.MIX,))
    assert FreezingTable.of(network).trainable == 260


def test_the_table_shows_each_part_and_the_totals():
    out = io.StringIO()
    network = echovlm()
    table = prepare(network, Asked((Part.MIX,), (Part.MERGER,)))
    Console(file=out, width=80).print(table.table())
    text = out.getvalue()
    assert [row.part for row in table.rows] == list(Part)
    assert re.search(r"mix +│ +260 │ +260 │ +-", text)
    assert re.search(r"head +│ +32,768 │ +- │ +-", text)
    # merger: 4 * (192 + 192) + 4 * (192 + 64) = 2,560
    assert re.search(r"merger .* │ +2,560 │ +2,560", text)
    assert re.search(rf"total +│ +{table.parameters:,} │ +2,820 │ +2,560", text)


def test_adapters_of_a_layer_cost_rank_times_both_widths():
    assert adapter_sizes(echovlm().config, (Part.ATTENTION,), 4) == {
        Part.ATTENTION: 2 * 4 * ((64 + 64) + 2 * (64 + 32) + (64 + 64))
    }
