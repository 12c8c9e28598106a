import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForImageTextToText

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration, EchoVLMTextConfig
from echovlm.model.layouts import released_config


def test_the_defaults_are_the_published_7b_network():
    with torch.device("meta"):
        network = EchoVLMForConditionalGeneration(EchoVLMConfig())
    assert sum(parameter.numel() for parameter in network.parameters()) == 11_683_172_920


def test_auto_classes_know_the_network():
    config = AutoConfig.for_model("echovlm")
    assert isinstance(config, EchoVLMConfig)
    with torch.device("meta"):
        network = AutoModelForImageTextToText.from_config(config)
    assert type(network) is EchoVLMForConditionalGeneration


sizes = st.fixed_dictionaries(
    {
        "num_experts": st.integers(3, 16),
        "num_experts_per_tok": st.integers(1, 3),
        "moe_intermediate_size": st.integers(1, 4096),
        "shared_expert_intermediate_size": st.integers(1, 8192),
        "norm_topk_prob": st.booleans(),
        "output_router_logits": st.booleans(),
        "router_aux_loss_coef": st.floats(0, 1),
        "hidden_size": st.sampled_from([64, 128]),
        "intermediate_size": st.integers(1, 4096),
        "num_hidden_layers": st.integers(1, 5),
        "num_attention_heads": st.sampled_from([2, 4]),
        "num_key_value_heads": st.sampled_from([1, 2]),
        "vocab_size": st.integers(1, 10**6),
        "rms_norm_eps": st.sampled_from([1e-6, 1e-5]),
    }
)


@given(text=sizes, tied=st.booleans(), depth=st.integers(1, 9), image=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_every_value_survives_a_round_trip(tmp_path_factory, text, tied, depth, image):
    config = EchoVLMConfig(
        text_config=text,
        vision_config={"depth": depth, "embed_dim": 96},
        tie_word_embeddings=tied,
        image_token_id=image,
    )
    folder = tmp_path_factory.mktemp("config")
    config.save_pretrained(folder)
    back = EchoVLMConfig.from_pretrained(folder)
    assert {key: getattr(back.text_config, key) for key in text} == text
    assert (back.vision_config.depth, back.vision_config.embed_dim) == (depth, 96)
    assert (back.tie_word_embeddings, back.image_token_id) == (tied, image)
    assert back.to_dict() == config.to_dict()


@given(text=sizes, tied=st.booleans())
@settings(max_examples=25, deadline=None)
def test_every_value_survives_the_released_form(tmp_path_factory, text, tied):
    config = EchoVLMConfig(text_config=text, tie_word_embeddings=tied)
    folder = tmp_path_factory.mktemp("config")
    flat = released_config(config)
    assert flat["model_type"] == "qwen2_vl"
    assert flat["architectures"] == ["Qwen2VLMOEForConditionalGeneration"]
    (folder / "config.json").write_text(json.dumps(flat))
    back = EchoVLMConfig.from_pretrained(folder)
    known = {key: value for key, value in text.items() if key != "output_router_logits"}
    assert {key: getattr(back.text_config, key) for key in known} == known
    assert back.tie_word_embeddings == tied
    assert (
        back.text_config.rope_parameters["mrope_section"]
        == (config.text_config.rope_parameters["mrope_section"])
    )


def test_a_released_file_decides_expert_count_and_balance(tmp_path):
    flat = released_config(EchoVLMConfig()) | {"num_experts": 6, "router_aux_loss_coef": 0.5}
    (tmp_path / "config.json").write_text(json.dumps(flat))
    text = EchoVLMConfig.from_pretrained(tmp_path).text_config
    assert (text.num_experts, text.router_aux_loss_coef) == (6, 0.5)
    assert not text.output_router_logits  # the released files leave it on, generation included


def test_a_sliding_window_that_is_off_stays_off(tmp_path):
    flat = released_config(EchoVLMConfig())
    flat |= {"sliding_window": 4096, "use_sliding_window": False}
    (tmp_path / "config.json").write_text(json.dumps(flat))
    text = EchoVLMConfig.from_pretrained(tmp_path).text_config
    assert text.sliding_window is None
    assert set(text.layer_types) == {"full_attention"}


@pytest.mark.parametrize("top_k", [0, 5])
def test_an_impossible_top_k_is_refused(top_k):
    with pytest.raises(Exception, match="num_experts_per_tok must lie between 1 and num_experts"):
        EchoVLMTextConfig(num_experts=4, num_experts_per_tok=top_k)


def test_the_tensor_parallel_plan_names_modules_that_exist():
    with torch.device("meta"):
        network = EchoVLMForConditionalGeneration(EchoVLMConfig())
    decoder = network.model.language_model
    known = dict(decoder.named_modules()) | dict(decoder.named_parameters())
    for pattern in EchoVLMTextConfig.base_model_tp_plan:
        assert pattern.replace("*", "0") in known, pattern
