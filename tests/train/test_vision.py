"""Vision pre-training learns what records state, repeats itself, and goes on where it stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from echovlm.data.importing import import_source
from echovlm.data.record import Picture, Record
from echovlm.data.sample import Split
from echovlm.data.sources.simulated import Simulated
from echovlm.data.store import StoredSet
from echovlm.errors import DataError
from echovlm.facts import Fact, Origin
from echovlm.train.vision import (
    FactTargets,
    VisionCollator,
    VisionPicture,
    VisionPretraining,
    VisionSamples,
    vision_pictures,
)
from echovlm.train.vision_stage import WEIGHTS, VisionRecipe, pretrain_vision


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("vision") / "cases"
    import_source(Simulated(cases=24, seed=5), folder)
    return folder


@pytest.fixture(scope="module")
def splits(imported):
    keys = sorted({record.patient_key for record in StoredSet(imported).records()})
    return {key: Split.TEST if n % 4 == 0 else Split.TRAIN for n, key in enumerate(keys)}


def bright_and_dark(folder: Path, count: int = 24) -> list[VisionPicture]:
    """Pictures whose brightness is the fact, with a mask on one half."""
    made = []
    for number in range(count):
        pixels = np.full((56, 84), 40 if number % 2 else 200, dtype=np.uint8)
        mask = np.zeros((56, 84), dtype=np.uint8)
        mask[:, :28] = 255
        pixels[:, :28] //= 2
        Image.fromarray(pixels).save(folder / f"{number}.png")
        Image.fromarray(mask).save(folder / f"{number}.mask.png")
        picture = Picture(
            path=f"{number}.png",
            sha256="0",
            perceptual_hash="0",
            width_px=84,
            height_px=56,
            mask=f"{number}.mask.png",
        )
        facts = {"anatomy": ("liver", "breast")[number % 2]}
        made.append(VisionPicture(folder, picture, "made", facts, 1))
    return made


def test_only_pictures_of_the_split_are_taken(imported, splits):
    train = vision_pictures([imported], splits, Split.TRAIN)
    test = vision_pictures([imported], splits, Split.TEST)
    records = list(StoredSet(imported).records())
    assert len(train) + len(test) == sum(len(record.pictures) for record in records)
    held = {p.path for r in records if splits[r.patient_key] == "test" for p in r.pictures}
    assert not held & {picture.picture.path for picture in train}


def test_facts_of_other_pictures_and_of_places_are_left_out(tmp_path):
    from echovlm.train.vision import _facts

    def fact(name, value, image=None, lesion=None):
        return Fact(
            name=name, value=value, image=image, lesion=lesion, origin=Origin.LABEL, source="s"
        )

    picture = Picture(path="a", sha256="0", perceptual_hash="0", width_px=1, height_px=1)
    record = Record(
        id="a/1", source="a", licence="x", patient_key="a/1", pictures=(picture, picture),
        facts=(
            fact("shape", "oval", image=0, lesion=1), fact("shape", "round", image=1, lesion=1),
            fact("margin", "indistinct", lesion=2), fact("laterality", "left"),
            fact("size_long_mm", 12.5),
        ),
    )  # fmt: skip
    assert _facts(record, 1) == {"shape": "round"}


def test_it_learns_a_fact_and_a_mask(model, processor, tmp_path):
    pictures = bright_and_dark(tmp_path)
    targets = FactTargets.of(pictures)
    assert dict(targets.values) == {"anatomy": ("breast", "liver")}
    samples = VisionSamples(pictures, targets, 16, seed=0)
    torch.manual_seed(0)
    network = VisionPretraining(model.model.visual, 32, targets)
    batch = VisionCollator(processor.image_processor)([samples[n] for n in range(16)])
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        out = network(**batch)
        losses.append(float(out["loss"].detach()))
        optimizer.zero_grad()
        out["loss"].backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]
    assert int(out["right"][0]) == int(out["asked"][0]) == 16
    covered = torch.sigmoid(
        network.covered(
            network.visual(batch["pixel_values"], grid_thw=batch["image_grid_thw"]).pooler_output
        )
    ).squeeze(-1)
    inside, outside = covered[batch["coverage"] > 0.9], covered[batch["coverage"] < 0.1]
    assert inside.mean() > 0.3 + outside.mean()


def test_a_finished_stage_is_read_back_and_an_interrupted_one_goes_on(
    model, processor, imported, splits, tmp_path
):
    pictures = vision_pictures([imported], splits, Split.TRAIN)
    targets = FactTargets.of(pictures)
    recipe = VisionRecipe(steps=2, batch=2, visual_tokens=9)
    samples = VisionSamples(pictures, targets, 4, recipe.seed)
    pretrain_vision(model.model.visual, samples, processor.image_processor, recipe, tmp_path / "v")
    trained = {name: t.clone() for name, t in model.model.visual.state_dict().items()}
    assert (tmp_path / "v" / WEIGHTS).exists()
    with torch.no_grad():
        for parameter in model.model.visual.parameters():
            parameter.zero_()
    longer = dataclasses.replace(recipe, steps=999)
    pretrain_vision(model.model.visual, samples, processor.image_processor, longer, tmp_path / "v")
    assert all(torch.equal(t, trained[n]) for n, t in model.model.visual.state_dict().items())


def test_a_damaged_picture_is_named(tmp_path):
    pictures = bright_and_dark(tmp_path, count=16)
    (tmp_path / "3.png").write_bytes(b"no picture")
    samples = VisionSamples(pictures[3:4], FactTargets.of(pictures), 1, seed=0)
    with pytest.raises(DataError, match=r"3\.png: is damaged"):
        samples[0]
