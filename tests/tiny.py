"""A tiny network, tokenizer and built set, small enough for every test that trains."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from echovlm.data.build import build_set
from echovlm.data.importing import import_source
from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split
from echovlm.data.sources.simulated import Simulated
from echovlm.data.store import StoredSet
from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.train import recipes
from echovlm.train.parts import Part
from echovlm.train.rows import Encoder
from echovlm.train.start import make_processor, nano_config
from echovlm.train.tokenizer import train_tokenizer

TINY_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "moe_intermediate_size": 24,
    "shared_expert_intermediate_size": 32,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [1, 1, 2]},
}
TINY_VISION = {"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": 32}


@pytest.fixture(scope="session")
def built_set(tmp_path_factory) -> Path:
    """Sixteen simulated studies with their conversations; every fifth patient is for validation."""
    folder = tmp_path_factory.mktemp("built")
    import_source(Simulated(cases=16, seed=3), folder / "cases")
    patients = sorted({r.patient_key for r in StoredSet(folder / "cases").records()})
    splits = {key: "validation" if n % 5 == 0 else "train" for n, key in enumerate(patients)}
    (folder / "splits.json").write_text(json.dumps(splits))
    build_set([folder / "cases"], folder / "set", seed=1, splits_file=folder / "splits.json")
    return folder / "set"


@pytest.fixture(scope="session")
def reader(built_set) -> SampleReader:
    return SampleReader(built_set, Split.TRAIN)


@pytest.fixture(scope="session")
def processor(reader):
    texts = [turn.text for n in range(len(reader)) for turn in reader.sample(n).turns]
    return make_processor(train_tokenizer(texts, 700), 9)


@pytest.fixture(scope="session")
def encoder(processor) -> Encoder:
    return Encoder(processor)


def tiny_config(tokenizer) -> EchoVLMConfig:
    settings = nano_config(tokenizer).to_dict()
    settings["text_config"] |= TINY_TEXT
    settings["text_config"].pop("layer_types", None)
    settings["vision_config"] |= TINY_VISION
    return EchoVLMConfig(**settings)


@pytest.fixture
def model(processor) -> EchoVLMForConditionalGeneration:
    torch.manual_seed(0)
    return EchoVLMForConditionalGeneration(tiny_config(processor.tokenizer))


@pytest.fixture(scope="session")
def base(processor, tmp_path_factory) -> Path:
    """A checkpoint folder of the tiny network."""
    folder = tmp_path_factory.mktemp("base") / "tiny"
    torch.manual_seed(0)
    EchoVLMForConditionalGeneration(tiny_config(processor.tokenizer)).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def recipe() -> recipes.Recipe:
    """Everything trains, for a few steps, in float32."""
    return dataclasses.replace(
        recipes.full(),
        trainable=tuple(Part),
        learning_rate=3e-3,
        steps=4,
        tokens_per_batch=512,
        branches=4,
        visual_tokens=9,
        precision="float32",
        gradient_checkpointing=False,
        save_every=2,
        log_every=1,
        workers=0,
        seed=7,
    )
