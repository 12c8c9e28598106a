"""A tiny network and hand-made cases, small enough for every test of the training room."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from echovlm.model import EchoVLMConfig, EchoVLMForConditionalGeneration
from echovlm.train import nano, recipes
from echovlm.train.simulated import StoredCase
from echovlm.train.tokenizer import train_tokenizer


def _still(rng: np.random.Generator, bright: bool, width: int) -> np.ndarray:
    """Noise, with a bright middle or without."""
    still = rng.integers(0, 90, (70, width), dtype=np.uint8)
    if bright:
        still[20:50, 25:-25] += 150
    return still


def stored_case(seed: int) -> StoredCase:
    rng = np.random.default_rng(seed)
    label = ("breast-cyst", "breast-normal")[seed % 2]
    word = ("cyst", "normal")[seed % 2]
    return StoredCase(
        seed=seed,
        anatomy="breast",
        label=label,
        features={"label": label, "margin": ("smooth", "none")[seed % 2]},
        reports={
            "en": f"Findings: The breast is {word}.\nImpression: {word}.",
            "zh": f"超声所见：乳腺{word}。\n超声提示：{word}。",
        },
        diagnoses={"en": word, "zh": f"乳腺{word}"},
        questions={"en": [["Is it a cyst?", word]], "zh": [["是囊肿吗？", word]]},
        stills=[_still(rng, bright=seed % 2 == 1, width=84 + 14 * (seed % 3))],
    )


@pytest.fixture(scope="session")
def cases() -> list[StoredCase]:
    return [stored_case(seed) for seed in range(8)]


@pytest.fixture(scope="session")
def processor(cases):
    texts = [text for case in cases for text in (*case.reports.values(), *case.diagnoses.values())]
    return nano._processor(train_tokenizer(texts * 3, 600), recipes.smoke())


@pytest.fixture
def model(processor) -> EchoVLMForConditionalGeneration:
    tokenizer = processor.tokenizer
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in tokenizer.all_special_tokens}
    settings = recipes.nano_config(len(tokenizer), ids)
    settings["text_config"] |= {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "moe_intermediate_size": 24,
        "shared_expert_intermediate_size": 32,
    }
    settings["text_config"]["rope_parameters"]["mrope_section"] = [1, 1, 2]
    settings["vision_config"] |= {"depth": 2, "embed_dim": 32, "num_heads": 2, "hidden_size": 32}
    torch.manual_seed(0)
    return EchoVLMForConditionalGeneration(EchoVLMConfig(**settings))
