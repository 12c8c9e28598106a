"""Recipes say what the paper says, and change only in fields that exist."""

from __future__ import annotations

import json

import pytest

from echovlm.errors import OptionError
from echovlm.train import recipes
from echovlm.train.parts import Part
from echovlm.train.recipes import Recipe, as_dict, with_settings


def test_the_two_stages_are_the_papers():
    first, second = recipes.alignment(), recipes.instruction_tuning()
    assert (first.trainable, first.lora) == ((Part.EXPERTS, Part.MIX), ())
    assert first.learning_rate == 1e-3
    assert second.trainable == (Part.EXPERTS, Part.MIX)
    assert second.lora == (Part.VISION, Part.MERGER, Part.ATTENTION)
    assert (second.lora_rank, second.lora_alpha, second.lora_dropout) == (8, 16, 0.05)
    assert second.learning_rate == 2e-5
    for stage in (first, second):
        assert (stage.epochs, stage.warmup, stage.weight_decay) == (1.0, 0.03, 0.0)
        assert (stage.aux_loss, stage.visual_tokens * 28 * 28) == (0.001, 392 * 392)


def test_lora_only_is_the_second_stage_without_experts():
    second = as_dict(recipes.instruction_tuning()) | {"name": "lora-only", "trainable": ()}
    assert as_dict(recipes.lora_only()) == second


@pytest.mark.parametrize("name", recipes.STAGES)
def test_a_recipe_survives_being_stored(name):
    recipe = with_settings(recipes.STAGES[name](), ["source_weights.bus-bra=3", "steps=7"])
    stored = json.loads(json.dumps(as_dict(recipe)))
    parts = {name: tuple(Part(part) for part in stored[name]) for name in ("trainable", "lora")}
    assert Recipe(**stored | parts) == recipe


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rate_scales.visoin=0.1", "the part 'visoin'; parts are vision, merger"),
        ("rate_scales.merger=nan", "rate_scales.merger must be 0 or above and finite, not nan"),
        ("source_weights.aul=-1", "source_weights.aul must be 0 or above"),
        ("task_weights.report=inf", "finite, not inf"),
    ],
)
def test_weights_and_rates_that_make_no_sense_are_refused(setting, message):
    with pytest.raises(OptionError, match=message):
        with_settings(recipes.full(), [setting])


def test_settings_change_fields_of_every_kind():
    changed = with_settings(
        recipes.alignment(),
        [
            "learning_rate=3e-4",
            "steps=100",
            "augment=true",
            "precision=float32",
            "trainable=experts,mix,norms",
            "shared_width=0",
            "task_weights.report=2.5",
            "task_weights.judge=0",
        ],
    )
    assert (changed.learning_rate, changed.steps, changed.augment) == (3e-4, 100, True)
    assert changed.trainable == (Part.EXPERTS, Part.MIX, Part.NORMS)
    assert changed.shared_width == 0
    assert changed.task_weights == {"report": 2.5, "judge": 0.0}


@pytest.mark.parametrize(
    "setting",
    ["", "steps", "stepz=3", "name=x", "steps=many", "augment=perhaps", "trainable=brain",
     "task_weights=2", "steps.a=2", "precision=int4", "steps=-1", "learning_rate=0",
     "warmup=2", "trainable=", "expert_start=warm"],
)  # fmt: skip
def test_what_is_no_setting_is_told(setting):
    with pytest.raises(OptionError):
        with_settings(recipes.alignment(), [setting])
