import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from echovlm.cli.reproduce import reproduce_app
from echovlm.data.build import build_set
from echovlm.data.importing import import_source
from echovlm.data.reader import SampleReader
from echovlm.data.sample import Split
from echovlm.data.sources.simulated import Simulated
from echovlm.data.store import StoredSet
from echovlm.errors import DataError, OptionError, TrainingError
from echovlm.model import EchoVLMConfig
from echovlm.reproduce.ablation import run_ablation
from echovlm.reproduce.ablation_data import select
from echovlm.reproduce.ablation_plan import (
    ARMS,
    EXPERT_WIDTH,
    FOUR,
    NONE,
    SMOKE,
    WIDE,
    Arm,
    Sizes,
    Trial,
    base_recipe,
    rank_of_equal_size,
    stages,
)
from echovlm.reproduce.ablation_render import draw, render_markdown, verdict
from echovlm.reproduce.ablation_scores import SCORES, ReportScore, Written
from echovlm.terms import Anatomy
from echovlm.train.base import dense_config
from echovlm.train.parts import Part
from echovlm.train.sizes import expected_trainable
from echovlm.train.start import nano_config


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    import_source(Simulated(cases=30, seed=1), folder / "simulated")
    build_set([folder / "simulated"], folder / "built", seed=0)
    return folder / "built"


@pytest.fixture(scope="module")
def nano() -> EchoVLMConfig:
    class Tokens:
        def convert_tokens_to_ids(self, name):
            return 1

        def __len__(self):
            return 1536

    return nano_config(Tokens())


def recipes_of(trial: Trial):
    return [recipe for _, recipe in stages(trial, Sizes(), "float32", wide_rank=65)]


# --- plan ---


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_every_arm_sees_the_same_batches_in_the_same_order(arm):
    ours, others = recipes_of(Trial(arm, 5, 1e-3, 3e-3)), recipes_of(Trial(NONE, 5, 1e-2))
    for one, other in zip(ours, others, strict=True):
        for field in ("seed", "steps", "tokens_per_batch", "branches", "augment", "visual_tokens"):
            assert getattr(one, field) == getattr(other, field), field


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: arm.name)
def test_no_arm_trains_a_part_of_the_base_in_full(arm):
    for recipe in recipes_of(Trial(arm, 1, 1e-3, 1e-3)):
        assert set(recipe.trainable) <= {Part.EXPERTS, Part.MIX}
        assert (recipe.trainable == ()) == (arm.experts == 0)


def test_the_second_stage_gives_experts_their_own_rate():
    first, second = recipes_of(Trial(FOUR, 1, lora_rate=1e-2, expert_rate=1e-3))
    assert first.learning_rate == 1e-3
    assert second.learning_rate == 1e-2
    assert second.rate_scales == {Part.EXPERTS: 0.1, Part.MIX: 0.1}


def test_the_base_is_dense_and_adapters_keep_their_scale():
    assert base_recipe(Sizes(), "float32").experts == 0
    wide, _ = recipes_of(Trial(WIDE, 1, 1e-3))
    assert (wide.lora_rank, wide.lora_alpha) == (65, 130)


def test_wide_adapters_have_as_many_weights_as_four_experts_train(nano):
    rank = rank_of_equal_size(nano)
    sized = nano.to_dict()
    sized["text_config"] |= {
        "moe_intermediate_size": EXPERT_WIDTH,
        "shared_expert_intermediate_size": FOUR.shared_width,
    }
    tuned = recipes_of(Trial(FOUR, 1, 1e-3, 1e-3))[1]
    four = sum(expected_trainable(EchoVLMConfig(**sized), tuned).values())
    # One layer: experts 4 * 3 * 256 * 64, shared 3 * 256 * 224, its gate 256, router 4 * 256, mix
    # 2 * 256 + 2. Adapters of rank 1: decoder 1792, vision 4096 a layer, merger 3328.
    assert four == 6 * (196_608 + 172_032 + 256 + 1024 + 514) + 8 * (6 * 1792 + 6 * 4096 + 3328)
    wide = recipes_of(Trial(WIDE, 1, 1e-3))[1]
    wide = dataclasses.replace(wide, lora_rank=rank)
    found = sum(expected_trainable(dense_config(nano), wide).values())
    assert abs(found - four) <= 0.5 * found / rank


def test_the_dense_configuration_has_the_same_sizes_and_no_experts(nano):
    dense = dense_config(nano)
    assert dense.model_type == "qwen2_vl"
    assert dense.text_config.intermediate_size == nano.text_config.intermediate_size
    assert dense.text_config.rope_parameters["mrope_section"] == [8, 12, 12]
    assert not hasattr(dense.text_config, "num_experts")


# --- data ---


def test_a_selection_is_a_set_of_its_own(built, tmp_path):
    select(built, tmp_path / "hearts", lambda sample: sample.anatomy is Anatomy.HEART)
    expected = [s for s in StoredSet(built).samples() if s.anatomy is Anatomy.HEART]
    assert list(StoredSet(tmp_path / "hearts").samples()) == expected
    counts = StoredSet(tmp_path / "hearts").manifest.counts
    assert counts == {"samples": len(expected), "studies": len({s.study for s in expected})}
    assert len(SampleReader(tmp_path / "hearts", Split.TRAIN)[0].pictures) >= 1
    listed = (tmp_path / "hearts" / "files.sha256").read_text().splitlines()
    assert {line.split("  ")[1] for line in listed} == {p for s in expected for p in s.images}


def test_a_selection_can_stop_after_some_studies(built, tmp_path):
    select(built, tmp_path / "few", lambda sample: True, 2)
    every = [sample.study for sample in StoredSet(built).samples()]
    first = list(dict.fromkeys(every))[:2]
    found = [sample.study for sample in StoredSet(tmp_path / "few").samples()]
    assert found == [study for study in every if study in first]


def test_an_empty_selection_is_refused_and_leaves_nothing(built, tmp_path):
    with pytest.raises(DataError, match="no such samples"):
        select(built, tmp_path / "none", lambda sample: False)
    assert not (tmp_path / "none").exists()


# --- scores ---


def written(study: str, anatomy: str, said: str, true: str) -> Written:
    both = {"zh": "甲状腺", "en": true}
    return Written(study, f"patient {study}", anatomy, both | {"en": said}, both)


def test_a_score_is_the_mean_over_anatomies_and_languages():
    rows = [
        written("1", "thyroid", "a b c d", "a b c d"),
        written("2", "thyroid", "a b c d", "a b x y"),
        written("3", "vessel", "x x x x", "a b c d"),
    ]
    score = ReportScore.of(rows, "BLEU-1")
    # English: thyroid 6 of 8 words, vessel 0 of 4; Chinese is right everywhere.
    assert score.by_anatomy() == pytest.approx({"thyroid": (75 + 100) / 2, "vessel": 50})
    assert score.by_language() == pytest.approx({"en": 37.5, "zh": 100})
    weights = np.array([[1, 1, 1], [0, 2, 1]])
    assert score(weights) == pytest.approx([(75 + 0 + 200) / 4, (50 + 0 + 200) / 4])
    assert "tok:13a" in score.signatures["en"]
    assert "tok:zh" in score.signatures["zh"] or "tok:char" in score.signatures["zh"]


# --- results ---


def scores_of(value: float) -> dict:
    found = {"value": value, "low": value - 1, "high": value + 1, "by_seed": [value]}
    kinds = {"by_anatomy": {"thyroid": value}, "by_language": {"en": value}}
    return dict.fromkeys(SCORES, found | kinds)


def result_of(gain: float) -> dict:
    def arm(one: Arm, value: float) -> dict:
        return {
            "name": one.name, "seeds": [1], "lora_rate": 1e-3, "expert_rate": 0.0,
            "training_seconds": 9.0, "parameters": 10, "trainable": 5,
            "answer_flops_per_token": 1e6, "training_flops_per_token": 2e6,
            "scores": scores_of(value), "blanked": dict.fromkeys(SCORES, 3.0),
            "published": dict.fromkeys(SCORES, 43.72),
        }  # fmt: skip

    return {
        "sizes": {"resamples": 20, "stage_steps": 2, "stage_tokens": 64},
        "precision": "float32",
        "studies": 3,
        "patients": 3,
        "arms": [arm(NONE, 40.0), arm(FOUR, 40.0 + gain)],
        "base": dict.fromkeys(SCORES, 5.0),
        "differences": [{"other": NONE.name, "seeds": [1], "scores": scores_of(gain)}],
        "sweep": [{"arm": NONE.name, "lora_rate": 1e-3, "expert_rate": 0, "validation": 41.0,
                   "chosen": True}],
        "signatures": {"BLEU-1": {"en": "sig"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (11.0, ["BLEU-1: +11.00 (+10.00 to +12.00); published +10.15; **reached**.",
                "ROUGE-1: +11.00 (+10.00 to +12.00); published +4.77; **reached**."]),
        (5.0, ["**missed by 5.15**, though the gain is above zero."]),
        (0.5, ["**missed by 9.65**, and no gain is certain."]),
        (-3.0, ["**missed by 13.15**, and a loss."]),
    ],
)  # fmt: skip
def test_the_verdict_says_what_was_found(gain, words):
    said = verdict(result_of(gain))
    for word in words:
        assert word in said


def test_tables_mark_published_numbers_and_name_the_blanked_pictures():
    text = render_markdown(result_of(11.0))
    assert "published BLEU-1 / ROUGE-1 / ROUGE-L / METEOR" in text
    assert "| 4 experts, pictures blanked |  | 3.00 |" in text
    assert "| 4 experts | 1 | 51.00 (50.00 to 52.00) |" in text
    assert "- 0 experts, adapters 0.001: 41.00 (chosen)" in text


def test_the_picture_is_drawn(tmp_path):
    draw(result_of(11.0), tmp_path / "ablation.png")
    with Image.open(tmp_path / "ablation.png") as image:
        assert image.width > 1000


# --- the command ---


def test_a_folder_with_other_sizes_is_refused(tmp_path):
    (tmp_path / "settings.json").write_text(
        json.dumps({"sizes": dataclasses.asdict(SMOKE), "precision": "float32"})
    )
    with pytest.raises(TrainingError, match="another value of cases"):
        run_ablation(tmp_path, Sizes(), 1, Console(stderr=True))


def test_smoke_and_cases_exclude_each_other(tmp_path):
    outcome = CliRunner().invoke(
        reproduce_app, ["ablation", str(tmp_path / "w"), "--smoke", "--cases", "5"]
    )
    assert isinstance(outcome.exception, OptionError)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_whole_chain_runs_and_goes_on_where_it_was(tmp_path):
    sizes = dataclasses.replace(SMOKE, stage_tokens=900)
    result = run_ablation(tmp_path, sizes, 2, Console(stderr=True))
    trainable = {arm["name"]: arm["trainable"] for arm in result["arms"]}
    assert [arm["name"] for arm in result["arms"]] == [arm.name for arm in ARMS]
    assert trainable[NONE.name] == 309_248  # 8 * (6 * 1792 + 6 * 4096 + 3328)
    assert trainable["4 experts, no shared expert"] == trainable[FOUR.name] - 6 * 3 * 256 * 224
    assert abs(trainable[WIDE.name] / trainable[FOUR.name] - 1) < 0.01
    table = (tmp_path / "results.md").read_bytes()
    before = (tmp_path / "trials").stat().st_mtime_ns
    again = run_ablation(tmp_path, sizes, 2, Console(stderr=True))
    assert again == result
    assert (tmp_path / "results.md").read_bytes() == table
    assert (tmp_path / "trials").stat().st_mtime_ns == before
    shutil.rmtree(tmp_path / "trials")  # a gigabyte that need not wait for the next runs
