"""The whole recipe of nano, a few steps long."""

from __future__ import annotations

import json

from echovlm.engine import Engine
from echovlm.simulate.cases import make_case
from echovlm.train import nano


def test_the_recipe_runs_from_nothing_to_a_checkpoint_that_answers(tmp_path):
    out = tmp_path / "checkpoint"
    nano.main(tmp_path / "work", out, smoke=True)
    engine = Engine.load(out)
    report = engine.report(make_case(1, "breast-cyst", views=1).study, max_new_tokens=4)
    assert report.status == "preliminary"
    assert "simulated pictures only" in report.warnings[0]
    assert json.loads((out / "recipe.json").read_text())["steps"] == 2
    assert not list(tmp_path.glob(".*.new"))

    weights = (out / "model.safetensors").read_bytes()
    nano.main(tmp_path / "work", out, smoke=True)  # every stage is done: nothing is trained again
    assert (out / "model.safetensors").read_bytes() == weights
