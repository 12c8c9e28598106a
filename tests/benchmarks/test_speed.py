"""The benchmark at its tiny preset: it runs, its variants agree, and its counts are exact."""

import json

import pytest
import speed
import torch
from counters import count_flops
from networks import PRESETS, build_networks, make_continuation, make_prompt
from transformers import logging
from work import decode, largest_difference, prefill

TINY = PRESETS["tiny"]
BASE, EXPERTS, VISION = TINY.base, TINY.experts, TINY.vision
HIDDEN, LAYERS = BASE["hidden_size"], BASE["num_hidden_layers"]


@pytest.fixture(scope="module")
def networks():
    return build_networks(TINY, torch.float32)


@pytest.fixture(scope="module")
def prompt():
    return make_prompt(TINY, 1, torch.float32)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a whole run at the tiny preset writes, with its exit status."""
    file = tmp_path_factory.mktemp("speed") / "found.json"
    threads, verbosity = torch.get_num_threads(), logging.get_verbosity()
    options = ["--preset", "tiny", "--blocks", "2", "--threads", "1", "--json", str(file)]
    status = speed.main(options)
    torch.set_num_threads(threads)
    logging.set_verbosity(verbosity)
    return json.loads(file.read_text()) | {"status": status}


def test_it_runs_and_writes_everything_down(found):
    assert found["status"] in (0, speed.BUSY_MACHINE)  # times depend on who else is at work
    assert found["machine"]["threads"] == 1
    assert set(found["versions"]) == {"python", "echovlm", "torch", "transformers"}
    assert set(found["phases"]) == {"prefill", "decode, batch 1", "decode, batch 2"}
    for phase in found["phases"].values():
        assert set(phase["seconds_per_block"]) == {"ours", "dense", "published", "ours again"}
        assert all(len(blocks) == 2 for blocks in phase["seconds_per_block"].values())
        assert all(ratio["median"] > 0 for ratio in phase["time_over_ours"].values())


def test_logits_of_ours_are_those_of_the_published_implementation(found):
    assert found["largest_logit_difference"] <= speed.LOGIT_TOLERANCE


def test_only_the_published_implementation_computes_every_row_of_logits(found, prompt):
    rows = {name: counted["prefill_logit_rows"] for name, counted in found["counters"].items()}
    assert rows == {"ours": 1, "dense": 1, "published": prompt["input_ids"].numel()}


def test_ours_calls_fewer_operators_than_the_published_implementation(found):
    ours, published = found["counters"]["ours"], found["counters"]["published"]
    for key in ("prefill_operators", "decode_operators_per_token"):
        assert ours[key] < published[key]


def test_ours_adds_to_dense_what_the_expert_path_costs_and_no_more(found):
    width = EXPERTS["num_experts_per_tok"] * EXPERTS["moe_intermediate_size"]
    width += EXPERTS["shared_expert_intermediate_size"]
    small = EXPERTS["num_experts"] + 1 + 2  # router, gate of the shared expert, mix
    per_token = LAYERS * 2 * HIDDEN * (3 * width + small)
    ours, dense = found["counters"]["ours"], found["counters"]["dense"]
    length = TINY.text_tokens + TINY.images * ((TINY.patches_per_side // 2) ** 2 + 2)
    assert ours["prefill_flops"] - dense["prefill_flops"] == length * per_token
    adding_up = LAYERS * 2 * EXPERTS["num_experts_per_tok"] * HIDDEN  # of a lone token: a product
    extra = ours["decode_flops_per_token"] - dense["decode_flops_per_token"]
    assert extra == per_token + adding_up


def test_published_adds_masked_attention_between_images_and_logits_nobody_asked_for(found, prompt):
    per_image = TINY.patches_per_side**2
    everything = TINY.images * per_image
    pairs = everything**2 - TINY.images * per_image**2
    attention = VISION["depth"] * 4 * pairs * VISION["embed_dim"]
    logits = 2 * (prompt["input_ids"].numel() - 1) * HIDDEN * BASE["vocab_size"]
    extra = found["counters"]["published"]["prefill_flops"]
    extra -= found["counters"]["ours"]["prefill_flops"]
    assert extra == attention + logits


def test_the_variants_share_every_tensor(networks):
    ours = {weight.data_ptr() for weight in networks["ours"].parameters()}
    for name in ("dense", "published"):
        assert {weight.data_ptr() for weight in networks[name].parameters()} <= ours, name


@pytest.mark.parametrize("rows", [1, 2])
def test_decoding_gives_the_logits_of_reading_all_at_once_and_can_be_repeated(networks, rows):
    prompt, tokens = make_prompt(TINY, rows, torch.float32), make_continuation(TINY, rows)
    longer = prompt | {
        "input_ids": torch.cat([prompt["input_ids"], tokens], dim=1),
        "attention_mask": torch.cat([prompt["attention_mask"], torch.ones_like(tokens)], dim=1),
        "mm_token_type_ids": torch.cat(
            [prompt["mm_token_type_ids"], torch.zeros_like(tokens).int()], dim=1
        ),
    }
    for network in networks.values():
        run = decode(network, prompt, tokens)
        first = run()
        with torch.no_grad():
            at_once = network(**longer).logits[:, -tokens.shape[1] :]
        torch.testing.assert_close(first, at_once, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(run(), first, rtol=0, atol=0)


def test_a_changed_weight_is_noticed(prompt):
    networks = build_networks(TINY, torch.float32)
    tokens = make_continuation(TINY, 1)
    layer = networks["ours"].model.language_model.layers[1]
    layer.mlp.mix = torch.nn.Linear(HIDDEN, 2)
    difference = largest_difference(networks["ours"], networks["published"], prompt, tokens)
    assert difference > speed.LOGIT_TOLERANCE


def test_differing_logits_stop_the_run(monkeypatch, capsys):
    monkeypatch.setattr(speed, "largest_difference", lambda *arguments: 0.5)
    monkeypatch.setattr(speed, "_time", lambda *arguments: pytest.fail("timed all the same"))
    assert speed.main(["--preset", "tiny"]) == speed.DIFFERENT_LOGITS
    assert "nothing was timed" in " ".join(capsys.readouterr().out.split())


def test_flops_of_a_plain_product_are_exact():
    a, b = torch.randn(3, 5), torch.randn(5, 7)
    assert count_flops(lambda: a @ b) == 2 * 3 * 5 * 7


def test_prefill_gives_the_last_row(networks, prompt):
    shapes = {name: prefill(net, prompt)().logits.shape[1] for name, net in networks.items()}
    assert shapes == {"ours": 1, "dense": 1, "published": prompt["input_ids"].shape[1]}
