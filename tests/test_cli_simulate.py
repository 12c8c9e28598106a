"""The command that draws a study whose truth is known."""

import json

import pytest

from echovlm import cli, imaging
from echovlm.terms import Language


def test_a_simulated_study_is_written_with_its_truth_beside_it(tmp_path, capsys):
    out = tmp_path / "deep" / "study"
    arguments = ["simulate", str(out), "--label", "thyroid-colloid-cyst", "--views", "2"]
    assert cli.run([*arguments, "--seed", "7"]) == 0
    assert "Wrote 2 image(s)" in capsys.readouterr().out
    truth = json.loads((tmp_path / "deep" / "study.json").read_text(encoding="utf-8"))
    assert (truth["seed"], truth["anatomy"]) == (7, "thyroid")
    assert truth["label"] == "thyroid-colloid-cyst"
    for language in Language:
        assert set(truth[language]) == {"findings", "impression", "diagnosis", "questions"}
    study = imaging.read(out)
    assert (len(study.clips), study.left_out) == (2, ())
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["study", "study.json"]


def test_an_anatomy_draws_one_of_its_labels(tmp_path, capsys):
    assert cli.run(["simulate", str(tmp_path / "a"), "--anatomy", "kidney", "--seed", "2"]) == 0
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["anatomy"] == "kidney"


def test_the_same_seed_writes_the_same_files(tmp_path, capsys):
    for name in ("a", "b"):
        cli.run(["simulate", str(tmp_path / name), "--label", "liver-cyst", "--views", "1"])
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    first, second = (tmp_path / name / "view-1.png" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_nothing_that_exists_is_overwritten(tmp_path, capsys):
    (tmp_path / "a.json").write_text("mine")
    assert cli.run(["simulate", str(tmp_path / "a")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "a.json").read_text() == "mine"
    assert not (tmp_path / "a").exists()


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.run(["simulate", str(tmp_path / "file" / "a"), "--label", "liver-cyst"]) == 1
    assert "could not be written" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--views", "4"], ["--seed", "-1"], ["--anatomy", "nose"]])
def test_options_out_of_range_are_sentences(arguments, tmp_path, capsys):
    assert cli.run(["simulate", str(tmp_path / "a"), *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
