"""The commands that turn one checkpoint folder into another."""

import shutil

import pytest
from safetensors.torch import load_file

from echovlm import cli
from echovlm.engine import Engine


def test_convert_there_and_back_is_bit_equal(saved, tmp_path, capsys):
    released, back = tmp_path / "released", tmp_path / "back"
    assert cli.run(["convert", str(saved), str(released), "--layout", "released"]) == 0
    assert cli.run(["convert", str(released), str(back), "--layout", "echovlm"]) == 0
    assert "layout" in capsys.readouterr().out
    before, after = (load_file(folder / "model.safetensors") for folder in (saved, back))
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    assert Engine.load(back).version is not None


@pytest.mark.parametrize("initialisation", ["published", "function-preserving"])
def test_upcycle_makes_a_loadable_checkpoint(shared_dir, tmp_path, capsys, initialisation):
    dense, target = shared_dir / "oracle" / "dense_qwen2vl", tmp_path / "upcycled"
    assert cli.run(["upcycle", str(dense), str(target), "--init", initialisation]) == 0
    assert (target / "config.json").is_file()


def test_a_dense_checkpoint_is_refused_by_convert(shared_dir, tmp_path, capsys):
    dense = shared_dir / "oracle" / "dense_qwen2vl"
    assert cli.run(["convert", str(dense), str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "upcycle" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_existing_target_is_kept(saved, tmp_path, capsys):
    target = shutil.copytree(saved, tmp_path / "mine")
    assert cli.run(["convert", str(saved), str(target)]) != 0
    assert (target / "model.safetensors").read_bytes() == (saved / "model.safetensors").read_bytes()
