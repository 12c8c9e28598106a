import json
import re
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from smallnet import IMAGE, picture_batch, small_config
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

from echovlm.errors import CheckpointError, LayoutError, OptionError, OutputError, TensorError
from echovlm.model import EchoVLMForConditionalGeneration
from echovlm.model.upcycle import upcycle

load = EchoVLMForConditionalGeneration.from_pretrained
SIZES = {"moe_intermediate_size": 16, "shared_expert_intermediate_size": 24}
INITIALISATIONS = ["function-preserving", "published"]


def dense_network(**top) -> Qwen2VLForConditionalGeneration:
    config = small_config().to_dict()
    config["text_config"]["model_type"] = "qwen2_vl_text"
    config["model_type"] = "qwen2_vl"
    torch.manual_seed(0)
    network = Qwen2VLForConditionalGeneration(Qwen2VLConfig(**config | top)).eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "norm" not in name and "ln_q" not in name:
                parameter.normal_(std=0.2)
    return network


@pytest.fixture(scope="module")
def dense() -> Qwen2VLForConditionalGeneration:
    return dense_network()


@pytest.fixture
def source(dense, tmp_path):
    dense.save_pretrained(tmp_path / "dense")
    (tmp_path / "dense" / "tokenizer.json").write_text("{}")
    return tmp_path / "dense"


def dense_logits(dense) -> torch.Tensor:
    batch = picture_batch()
    types = (batch["input_ids"] == IMAGE).int()
    with torch.no_grad():
        return dense(**batch, mm_token_type_ids=types).logits


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("experts", [4, 7])
def test_function_preserving_logits_are_those_of_the_dense_network(dense, tmp_path, dtype, experts):
    dense.save_pretrained(tmp_path / "dense")
    network = Qwen2VLForConditionalGeneration.from_pretrained(tmp_path / "dense", dtype=dtype)
    network.save_pretrained(tmp_path / "dense")
    upcycle(tmp_path / "dense", tmp_path / "new", seed=3, num_experts=experts, **SIZES)
    ours = load(tmp_path / "new")
    assert ours.dtype == dtype
    assert ours.config.text_config.num_experts == experts
    with torch.no_grad():
        difference = ours(**picture_batch()).logits - dense_logits(network)
    assert difference.abs().max() < 1e-5  # in bf16 too: doubling and halving are exact


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
def test_every_expert_parameter_learns_from_the_second_step_on(source, tmp_path, initialisation):
    upcycle(source, tmp_path / "new", initialisation, **SIZES)
    network = load(tmp_path / "new").train()
    batch = picture_batch(rows=6)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for step in range(4):
        optimiser.zero_grad()
        network(**batch, labels=batch["input_ids"]).loss.backward()
        for name, parameter in network.named_parameters():
            if ".moe." in name or ".mix." in name:
                parts = parameter.grad if parameter.ndim == 3 else [parameter.grad]
                learns = all(part.abs().sum() > 0 for part in parts)
                assert learns or step == 0, f"{name} at step {step + 1}"
        optimiser.step()


def test_the_published_start_is_random_and_not_the_dense_network(source, dense, tmp_path):
    upcycle(source, tmp_path / "new", "published", **SIZES)
    network = load(tmp_path / "new")
    layer = network.model.language_model.layers[0].mlp
    for weight in (*layer.moe.parameters(), layer.mix.weight):
        assert weight.std().item() == pytest.approx(0.02, rel=0.3)
    assert not layer.mix.bias.any()
    kept = dense.model.language_model.layers[0].mlp.down_proj.weight
    assert torch.equal(layer.dense.down_proj.weight, kept)
    with torch.no_grad():
        difference = network(**picture_batch()).logits - dense_logits(dense)
    assert difference.abs().max() > 0.1


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
def test_an_expert_path_can_do_without_a_shared_expert(source, dense, tmp_path, initialisation):
    sizes = SIZES | {"shared_expert_intermediate_size": 0}
    upcycle(source, tmp_path / "new", initialisation, **sizes)
    network = load(tmp_path / "new")
    moe = network.model.language_model.layers[0].mlp.moe
    assert moe.shared_expert.down_proj.weight.shape == (network.config.text_config.hidden_size, 0)
    batch = picture_batch()
    logits = network(**batch).logits
    if initialisation == "function-preserving":
        assert (logits - dense_logits(dense)).abs().max() < 1e-5
    logits.sum().backward()
    assert moe.experts.down_proj.grad.abs().sum() > 0
    network.save_pretrained(tmp_path / "again")
    with torch.no_grad():
        assert torch.equal(load(tmp_path / "again")(**batch).logits, logits)


def test_experts_start_from_different_neurons_of_the_dense_path(source, dense, tmp_path):
    upcycle(source, tmp_path / "new", **SIZES | {"moe_intermediate_size": 4})
    moe = load(tmp_path / "new").model.language_model.layers[1].mlp.moe
    mlp = dense.model.language_model.layers[1].mlp
    taken = []
    gates = [*moe.experts.gate_up_proj[:, :4], moe.shared_expert.gate_proj.weight]
    ups = [*moe.experts.gate_up_proj[:, 4:], moe.shared_expert.up_proj.weight]
    for gate, up in zip(gates, ups, strict=True):
        rows = [(mlp.gate_proj.weight == row).all(-1).nonzero().item() for row in gate]
        assert torch.equal(mlp.up_proj.weight[rows], up)
        taken += rows
    assert sorted(taken) == list(range(40))  # 4 x 4 + 24: every neuron once


def test_the_seed_decides_and_shards_do_not(source, tmp_path):
    for name, options in {"a": {}, "b": {"shard_bytes": 20_000}, "c": {"seed": 1}}.items():
        upcycle(source, tmp_path / name, "published", **SIZES, **options)
    a, b, c = (load(tmp_path / name).state_dict() for name in "abc")
    assert len(list((tmp_path / "b").glob("*.safetensors"))) > 3
    assert all(torch.equal(a[name], b[name]) for name in a)
    changed = {name for name in a if not torch.equal(a[name], c[name])}
    assert {name for name in a if ".moe." in name or "mix.weight" in name} == changed


@pytest.mark.parametrize("nested", [False, True], ids=["published names", "nested names"])
@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_dense_checkpoints_of_all_ages_are_read(tmp_path, nested, tied):
    network = dense_network(tie_word_embeddings=tied)
    network.save_pretrained(tmp_path / "dense", save_original_format=not nested)
    names = load_file(tmp_path / "dense" / "model.safetensors").keys()
    assert any(name.startswith("model.language_model.") for name in names) == nested
    upcycle(tmp_path / "dense", tmp_path / "new", **SIZES)
    with torch.no_grad():
        difference = load(tmp_path / "new")(**picture_batch()).logits - dense_logits(network)
    assert difference.abs().max() < 1e-5
    assert not (tmp_path / "new" / "tokenizer.json").exists()


def test_files_beside_the_weights_come_along(source, tmp_path):
    upcycle(source, tmp_path / "new", **SIZES)
    assert (tmp_path / "new" / "tokenizer.json").read_text() == "{}"


def test_bad_sources_are_refused(source, tmp_path):
    upcycle(source, tmp_path / "new", **SIZES)
    with pytest.raises(LayoutError, match="is an EchoVLM already"):
        upcycle(tmp_path / "new", tmp_path / "again", **SIZES)
    file = source / "model.safetensors"
    stored = load_file(file)
    gone = "model.layers.1.mlp.up_proj.weight"
    save_file({k: v for k, v in stored.items() if k != gone}, file)
    with pytest.raises(TensorError, match=re.escape(gone)):
        upcycle(source, tmp_path / "again", **SIZES)
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="truncated"):
        upcycle(source, tmp_path / "again", **SIZES)
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    with pytest.raises(LayoutError, match="'llama'"):
        upcycle(source, tmp_path / "again", **SIZES)
    assert not (tmp_path / "again").exists()


def test_bad_options_are_refused(source, tmp_path):
    with pytest.raises(OptionError, match="function-preserving or published"):
        upcycle(source, tmp_path / "new", "identity")
    with pytest.raises(OptionError, match="num_experts_per_tok"):
        upcycle(source, tmp_path / "new", num_experts=2, num_experts_per_tok=3)
    with pytest.raises(OutputError, match="exists already"):
        upcycle(source, source, **SIZES)


PEAK = """
import sys
from echovlm.model import shards
from echovlm.model.upcycle import upcycle

def kilobytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

seen, save = [], shards.save_file
def watched(*args):
    seen.append(kilobytes())
    save(*args)
shards.save_file = watched
start = kilobytes()
upcycle(sys.argv[1], sys.argv[2], moe_intermediate_size=256, shared_expert_intermediate_size=512,
        shard_bytes=4 << 20)
print(max(seen) - start)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_stays_near_one_shard(tmp_path):
    text = {"hidden_size": 128, "intermediate_size": 2048, "num_hidden_layers": 10}
    config = small_config(**text).to_dict()
    config["text_config"]["model_type"] = "qwen2_vl_text"
    config["vision_config"]["hidden_size"] = 128
    network = Qwen2VLForConditionalGeneration(Qwen2VLConfig(**config | {"model_type": "qwen2_vl"}))
    network.save_pretrained(tmp_path / "dense")
    command = [sys.executable, "-c", PEAK, tmp_path / "dense", tmp_path / "new"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    written = sum(file.stat().st_size for file in (tmp_path / "new").glob("*.safetensors"))
    peak = int(done.stdout.split()[-1]) << 10
    assert written > 50 << 20
    assert peak < 15 << 20  # the shards are 4 MiB
