"""Checkpoints become engines, or a sentence says why not."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from echovlm.engine import Engine
from echovlm.errors import CheckpointError, LayoutError, OptionError, TensorError
from echovlm.model import EchoVLMImageProcessor, EchoVLMProcessor
from echovlm.model.checkpoints import convert
from echovlm.report import printable


@pytest.fixture
def folder(saved, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(saved, tmp_path / "tiny")


def edit_json(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_saved_checkpoint_answers_as_the_network_in_memory(network, saved, studies):
    engine = Engine.load(saved, device="cpu")
    expected = Engine(network).report(studies[1], max_new_tokens=12)
    loaded = engine.report(studies[1], max_new_tokens=12)
    assert (loaded.findings, loaded.impression) == (expected.findings, expected.impression)
    assert engine.name == "tiny"
    assert engine.version == Engine.load(saved).version


def test_the_version_changes_with_the_weights(saved, folder):
    before = Engine.load(folder).version
    file = folder / "model.safetensors"
    tensors = load_file(file)
    name = sorted(tensors)[0]
    tensors[name] = tensors[name] + 1
    save_file(tensors, file, metadata={"format": "pt"})
    assert Engine.load(folder).version != before


def test_the_temperature_comes_from_the_checkpoint(folder, studies):
    assert Engine.load(folder).diagnose(studies[0]).is_calibrated is False
    (folder / "calibration.json").write_text('{"temperature": 0.25}')
    diagnosis = Engine.load(folder).diagnose(studies[0])
    assert (diagnosis.temperature, diagnosis.is_calibrated) == (0.25, True)
    assert not any("uncalibrated" in warning for warning in diagnosis.warnings)


def test_max_visual_tokens_sets_the_size_of_images(saved, network, studies):
    images = [clip.frames[0] for clip in studies[1].clips]
    own = Engine.load(saved).network.prefix_inputs(images)
    more = Engine.load(saved, max_visual_tokens=40).network.prefix_inputs(images)
    fewer = Engine.load(saved, max_visual_tokens=4).network.prefix_inputs(images)
    most = [int(i["image_grid_thw"].prod(1).max()) // 4 for i in (fewer, own, more)]
    assert most[0] <= 4 < most[1] <= 16 < most[2] <= 40


def test_weights_load_in_the_dtype_asked_for(saved, studies):
    engine = Engine.load(saved, dtype="bfloat16")
    assert engine.network.model.dtype is torch.bfloat16
    assert sum(c.probability for c in engine.diagnose(studies[0]).candidates) == pytest.approx(1)


def remove_tensor(folder):
    file = folder / "model.safetensors"
    tensors = load_file(file)
    tensors.pop("model.language_model.norm.weight")
    save_file(tensors, file, metadata={"format": "pt"})


def truncate_weights(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])


def only_pickle(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def drop_tokenizer(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()


@pytest.mark.parametrize(
    ("break_it", "error", "words"),
    [
        (remove_tensor, TensorError, "norm.weight"),
        (truncate_weights, CheckpointError, "tiny"),
        (only_pickle, CheckpointError, "no .safetensors weights"),
        (drop_tokenizer, CheckpointError, "no usable tokenizer"),
        (lambda f: (f / "config.json").unlink(), CheckpointError, "no config.json"),
        (lambda f: (f / "config.json").write_text("{"), CheckpointError, "cannot be read as JSON"),
        (lambda f: (f / "config.json").write_text("[]"), CheckpointError, "no JSON object"),
        (lambda f: edit_json(f / "config.json", model_type="llama"), LayoutError, "type 'llama'"),
        (lambda f: edit_json(f / "config.json", image_token_id=3), CheckpointError, "not belong"),
        (lambda f: (f / "calibration.json").write_text("{}"), CheckpointError, "temperature"),
    ],
)
def test_a_broken_checkpoint_is_refused_in_one_sentence(folder, break_it, error, words):
    break_it(folder)
    with pytest.raises(error, match=words) as caught:
        Engine.load(folder)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_a_file_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint folder"):
        Engine.load(tmp_path / "nothing")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(CheckpointError, match="is a file"):
        Engine.load(file)


def test_a_hub_id_without_connection_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="check the name and the connection") as caught:
        Engine.load("nobody/no-such-model")
    assert "\n" not in str(caught.value)


def test_the_released_layout_answers_like_ours(folder, tmp_path, studies):
    convert(folder, tmp_path / "released", "released")
    ours, released = Engine.load(folder), Engine.load(tmp_path / "released")
    expected = ours.report(studies[1], max_new_tokens=12)
    found = released.report(studies[1], max_new_tokens=12)
    assert (found.findings, found.impression) == (expected.findings, expected.impression)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"device": "toaster"}, "unknown or absent"),
        ({"device": "meta"}, "not supported"),
        ({"dtype": "int3"}, "Unknown dtype"),
        ({"max_visual_tokens": 1}, "between 4 and 16384"),
    ],
)
def test_options_that_cannot_be_used_are_sentences(saved, arguments, words):
    with pytest.raises(OptionError, match=words):
        Engine.load(saved, **arguments)


TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 1024,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]},
}
COMPARED = {
    "qwen2_vl": (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        {"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32},
        14,
    ),
    "qwen2_5_vl": (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        {
            "depth": 2,
            "hidden_size": 32,
            "num_heads": 2,
            "intermediate_size": 48,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        14,
    ),
    "qwen3_vl": (
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        {
            "depth": 2,
            "hidden_size": 32,
            "num_heads": 2,
            "intermediate_size": 48,
            "out_hidden_size": 32,
            "deepstack_visual_indexes": [0, 1],
            "num_position_embeddings": 64,
        },
        16,
    ),
}


@pytest.mark.parametrize("family", COMPARED)
def test_other_qwen_checkpoints_run_for_comparison(family, tokenizer, tmp_path, studies):
    config_class, model_class, vision, patch = COMPARED[family]
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in tokenizer.all_special_tokens}
    torch.manual_seed(0)
    text = TEXT | {"vocab_size": len(tokenizer), "head_dim": 16}
    config = config_class(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    model_class(config).save_pretrained(tmp_path)
    size = {"shortest_edge": 56 * 56, "longest_edge": 16 * 28 * 28}
    processor = EchoVLMProcessor(EchoVLMImageProcessor(size=size, patch_size=patch), tokenizer)
    processor.save_pretrained(tmp_path)
    engine = Engine.load(tmp_path)
    together = engine.report_many(studies, max_new_tokens=6)
    assert together == [engine.report(study, max_new_tokens=6) for study in studies]
    network = engine.network
    assert len(engine.diagnose(studies[1], labels=["cyst", "mass"]).candidates) == 2

    inputs = network.prefix_inputs([clip.frames[0] for clip in studies[1].clips])
    asked = torch.tensor([network.question_ids("Why?")])
    types = torch.zeros_like(asked, dtype=inputs["mm_token_type_ids"].dtype)
    whole = inputs | {
        "input_ids": torch.cat([inputs["input_ids"], asked], dim=1),
        "mm_token_type_ids": torch.cat([inputs["mm_token_type_ids"], types], dim=1),
    }
    expected = network.model.generate(**whole, max_new_tokens=6, do_sample=False)
    expected = network.text(expected[0, whole["input_ids"].shape[1] :])
    assert engine.ask(studies[1], "Why?", max_new_tokens=6).text == printable(expected)


def test_the_notice_of_a_checkpoint_stands_in_every_result(folder, studies):
    notice = {"en": "For demonstration only.", "zh": "仅供演示。"}
    (folder / "notice.json").write_text(json.dumps(notice), encoding="utf-8")
    engine = Engine.load(folder)
    assert engine.report(studies[0], "zh", max_new_tokens=2).warnings[0] == notice["zh"]
    assert engine.diagnose(studies[0]).warnings[0] == notice["en"]
    assert engine.ask(studies[0], "Is it?", max_new_tokens=2).warnings[0] == notice["en"]


def test_a_notice_without_both_languages_is_refused(folder):
    (folder / "notice.json").write_text('{"en": "Half."}', encoding="utf-8")
    with pytest.raises(CheckpointError, match="one text for each of zh, en"):
        Engine.load(folder)
