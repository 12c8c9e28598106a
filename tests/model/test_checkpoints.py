import json
import os
import re

import pytest
import torch
from safetensors.torch import load_file, save_file
from smallnet import picture_batch, small_network

from echovlm.errors import CheckpointError, LayoutError, OptionError, OutputError, TensorError
from echovlm.model import EchoVLMForConditionalGeneration, checkpoints, shards
from echovlm.model.checkpoints import convert

load = EchoVLMForConditionalGeneration.from_pretrained
EXPERT = "model.layers.1.moe.experts.2.up_proj.weight"


def tensors(folder):
    return {k: v for file in folder.glob("*.safetensors") for k, v in load_file(file).items()}


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert tensor.dtype == theirs[name].dtype, name
        assert torch.equal(tensor, theirs[name]), name


def rewrite(folder, change):
    """Change the tensors of a single-file checkpoint in place."""
    stored = tensors(folder)
    change(stored)
    save_file(stored, folder / "model.safetensors", {"format": "pt"})


def edit_config(folder, **values):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def message(error) -> str:
    """The text of an error, which must be one sentence."""
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.mark.parametrize("layout", ["saved", "released"])
def test_both_layouts_load(network, layout, request):
    folder = request.getfixturevalue(layout)
    loaded = load(folder)
    assert_equal(loaded.state_dict(), network.state_dict())
    assert not loaded.training
    with torch.no_grad():
        expected = network(**picture_batch()).logits
        assert torch.equal(loaded(**picture_batch()).logits, expected)


def test_the_released_layout_has_the_published_names(released):
    config = json.loads((released / "config.json").read_text())
    assert config["model_type"] == "qwen2_vl"
    names = tensors(released).keys()
    assert {
        "visual.patch_embed.proj.weight",
        "model.embed_tokens.weight",
        "model.norm.weight",
        "lm_head.weight",
        "model.layers.0.mlp.gate_proj.weight",
        "model.layers.0.moe.gate.weight",
        "model.layers.0.moe.experts.3.down_proj.weight",
        "model.layers.0.moe.shared_expert.up_proj.weight",
        "model.layers.0.moe.shared_expert_gate.weight",
        "model.layers.0.coefficient.bias",
    } <= names
    assert len([name for name in names if re.search(r"layers\.0\.(moe|coefficient)", name)]) == 19


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tied", [False, True])
def test_conversion_is_bit_equal_there_and_back(tmp_path, dtype, tied):
    network = small_network({"tie_word_embeddings": tied}, num_experts=12).to(dtype)
    network.save_pretrained(tmp_path / "a")
    convert(tmp_path / "a", tmp_path / "b", "released")
    convert(tmp_path / "b", tmp_path / "c", "echovlm")
    convert(tmp_path / "c", tmp_path / "d", "released")
    assert_equal(tensors(tmp_path / "a"), tensors(tmp_path / "c"))
    assert_equal(tensors(tmp_path / "b"), tensors(tmp_path / "d"))
    assert_equal(load(tmp_path / "b").state_dict(), network.state_dict())
    assert ("lm_head.weight" in tensors(tmp_path / "b")) is not tied


def test_conversion_writes_shards_and_an_index_where_it_is_large(released, tmp_path, monkeypatch):
    monkeypatch.setattr(shards.write_weights, "__defaults__", (20_000,))
    convert(released, tmp_path / "many", "echovlm")
    convert(tmp_path / "many", tmp_path / "back", "released")
    index = json.loads((tmp_path / "many" / "model.safetensors.index.json").read_text())
    files = sorted((tmp_path / "many").glob("*.safetensors"))
    assert len(files) > 3
    assert set(index["weight_map"].values()) == {file.name for file in files}
    size = sum(t.numel() * t.element_size() for t in tensors(tmp_path / "many").values())
    assert index["metadata"]["total_size"] == size
    assert_equal(tensors(tmp_path / "back"), tensors(released))
    assert_equal(load(tmp_path / "many").state_dict(), load(released).state_dict())


def test_conversion_takes_tokenizer_and_processor_files_along(released, tmp_path):
    (released / "tokenizer.json").write_text("{}")
    (released / "pytorch_model.bin").write_bytes(b"old")
    convert(released, tmp_path / "new", "echovlm")
    assert (tmp_path / "new" / "tokenizer.json").read_text() == "{}"
    assert not (tmp_path / "new" / "pytorch_model.bin").exists()
    assert json.loads((tmp_path / "new" / "config.json").read_text())["model_type"] == "echovlm"


def test_conversion_leaves_nothing_behind_when_it_fails(released, tmp_path, monkeypatch):
    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards, "save_file", full_disk)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="No space left on device") as error:
        convert(released, tmp_path / "new", "echovlm")
    message(error)
    assert sorted(tmp_path.iterdir()) == before


def test_conversion_does_not_overwrite(released, saved):
    with pytest.raises(OutputError, match="exists already") as error:
        convert(released, saved, "echovlm")
    message(error)
    assert load(saved)


def test_an_unknown_layout_is_refused(released, tmp_path):
    with pytest.raises(OptionError, match="echovlm or released") as error:
        convert(released, tmp_path / "new", "gguf")
    message(error)


def test_a_missing_expert_is_named(released):
    rewrite(released, lambda stored: stored.pop(EXPERT))
    with pytest.raises(TensorError, match=re.escape(EXPERT)) as error:
        load(released)
    assert "lacks" in message(error)


def test_a_missing_tensor_of_our_own_layout_is_named(saved):
    name = "model.language_model.layers.0.mlp.mix.bias"
    rewrite(saved, lambda stored: stored.pop(name))
    with pytest.raises(TensorError, match=re.escape(name)):
        load(saved)


def test_an_extra_expert_is_named(released):
    extra = EXPERT.replace("experts.2", "experts.4")
    rewrite(released, lambda stored: stored.update({extra: stored[EXPERT].clone()}))
    with pytest.raises(TensorError, match=re.escape(extra)) as error:
        load(released)
    assert "beyond" in message(error)


def test_a_mis_shaped_tensor_is_named_with_both_shapes(released):
    rewrite(released, lambda stored: stored.update({EXPERT: torch.zeros(16, 31)}))
    with pytest.raises(TensorError, match=re.escape(EXPERT)) as error:
        load(released)
    assert "(16, 31)" in message(error)
    assert "(16, 32)" in message(error)


def test_many_missing_tensors_make_a_short_message(released):
    rewrite(
        released,
        lambda stored: [stored.pop(name) for name in list(stored) if "experts" in name],
    )
    with pytest.raises(TensorError, match="and 20 more") as error:
        load(released)
    assert len(message(error)) < 500


def test_a_config_that_asks_for_more_experts_is_a_missing_tensor(released):
    edit_config(released, num_experts=6)
    with pytest.raises(TensorError, match=re.escape("experts.4.gate_proj.weight")):
        load(released)


def test_a_wrong_tensor_is_found_before_auto_classes_load_it(saved):
    rewrite(saved, lambda stored: stored.pop("model.language_model.norm.weight"))
    with pytest.raises(TensorError, match=re.escape("model.language_model.norm.weight")):
        checkpoints.AutoModelForImageTextToText.from_pretrained(saved)


def test_a_tied_head_that_differs_is_refused(released):
    edit_config(released, tie_word_embeddings=True)
    with pytest.raises(TensorError, match="though config") as error:
        load(released)
    message(error)


def test_a_plain_qwen2_vl_is_sent_to_upcycle(released):
    def drop(stored):
        for name in list(stored):
            if ".moe." in name or ".coefficient." in name:
                stored.pop(name)

    rewrite(released, drop)
    config = json.loads((released / "config.json").read_text())
    config["architectures"] = ["Qwen2VLForConditionalGeneration"]
    del config["moe_intermediate_size"]
    (released / "config.json").write_text(json.dumps(config))
    for attempt in (load, lambda folder: convert(folder, folder.parent / "new", "echovlm")):
        with pytest.raises(LayoutError, match="echovlm upcycle") as error:
            attempt(released)
        message(error)


def test_another_kind_of_checkpoint_is_refused_by_name(saved):
    edit_config(saved, model_type="bert")
    with pytest.raises(LayoutError, match="'bert'") as error:
        load(saved)
    message(error)


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_truncated_weights_are_refused(saved, keep):
    file = saved / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="truncated or not a safetensors file") as error:
        load(saved)
    message(error)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00\xff", '{"model_type": "echovlm"'])
def test_a_broken_config_is_refused(saved, text):
    (saved / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match=re.escape("config.json")) as error:
        load(saved)
    message(error)


@pytest.mark.parametrize(
    "text_config",
    [{"hidden_size": "wide"}, {"num_experts_per_tok": 9}, {"num_attention_heads": 0}, {}],
)
def test_an_impossible_config_is_refused(saved, text_config):
    config = json.loads((saved / "config.json").read_text())
    edit_config(saved, text_config=config["text_config"] | text_config if text_config else [1])
    with pytest.raises(CheckpointError, match=re.escape("config.json")) as error:
        load(saved)
    message(error)


def test_pickled_weights_are_never_read(saved):
    os.rename(saved / "model.safetensors", saved / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickled weights") as error:
        load(saved)
    message(error)


def test_a_folder_without_weights_or_config_says_so(saved):
    (saved / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=re.escape("model.safetensors")) as error:
        load(saved)
    message(error)
    (saved / "config.json").unlink()
    with pytest.raises(CheckpointError, match=re.escape("holds no config.json")) as error:
        load(saved)
    message(error)


@pytest.fixture
def sharded(released, tmp_path, monkeypatch):
    monkeypatch.setattr(shards.write_weights, "__defaults__", (50_000,))
    return convert(released, tmp_path / "sharded", "released")


def test_a_lost_shard_is_named(sharded):
    lost = sorted(sharded.glob("*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(CheckpointError, match=re.escape(lost.name)) as error:
        load(sharded)
    message(error)


def test_an_index_that_disagrees_with_its_files_is_refused(sharded):
    file = sharded / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    index["weight_map"]["model.ghost.weight"] = next(iter(index["weight_map"].values()))
    file.write_text(json.dumps(index))
    with pytest.raises(TensorError, match=re.escape("model.ghost.weight")) as error:
        load(sharded)
    message(error)


def test_an_index_that_points_outside_its_folder_is_refused(sharded):
    file = sharded / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    first = next(iter(index["weight_map"]))
    index["weight_map"][first] = "../saved/model.safetensors"
    file.write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=re.escape("model.safetensors.index.json")) as error:
        load(sharded)
    message(error)


def test_a_name_that_is_no_folder_and_not_on_the_hub_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint folder") as error:
        load(tmp_path / "nothing", local_files_only=True)
    message(error)


def test_saving_what_was_released_gives_our_own_layout(released, tmp_path):
    load(released).save_pretrained(tmp_path / "ours")
    assert json.loads((tmp_path / "ours" / "config.json").read_text())["model_type"] == "echovlm"
    assert_equal(load(tmp_path / "ours").state_dict(), load(released).state_dict())
    assert "model.language_model.layers.0.mlp.moe.experts.gate_up_proj" in tensors(
        tmp_path / "ours"
    )
