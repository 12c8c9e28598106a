"""The three commands on real images, cine loops and DICOM files, with the tiny network."""

import json

import pytest

from echovlm import cli

REAL = [
    "breast/BUS-BRA/Images/bus_0007-l.png",
    "heart/MyHeart/SDX000000.mp4",
    "dicom/examples_ybr_color.dcm",
    "dicom/examples_rgb_color.dcm",
    "dicom/color-pl.dcm",
    "kidney/KidneyStoneUS/images",
]


@pytest.fixture
def run(capsys, saved):
    def _run(*arguments):
        code = cli.run([*arguments, "--model", str(saved), "--device", "cpu"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


@pytest.mark.parametrize("place", REAL)
def test_the_three_commands_give_well_formed_results(run, shared_dir, place):
    path = str(shared_dir / "ultrasound" / place)
    code, out, err = run("report", path, "--lang", "zh", "--max-new-tokens", "8")
    assert (code, err) == (0, "")
    assert all(words in out for words in ("超声所见", "超声提示", "未经医师审核", "tiny"))
    for name, command in (
        ("diagnosis", ["diagnose", path]),
        ("answer", ["ask", path, "What is shown?", "--max-new-tokens", "8"]),
    ):
        code, out, err = run(*command, "--json")
        assert (code, err) == (0, "")
        (entry,) = json.loads(out)["results"]
        assert (entry[name]["status"], entry[name]["model"]) == ("preliminary", "tiny")


def test_several_real_studies_are_reported_in_one_run(run, shared_dir):
    paths = [str(shared_dir / "ultrasound" / place) for place in REAL[:1] + REAL[2:5]]
    code, out, _ = run("report", *paths, "--max-new-tokens", "8", "--json")
    results = json.loads(out)["results"]
    assert code == 0
    assert [entry["path"] for entry in results] == paths
    frames = {entry["path"].rsplit("/", 1)[1]: entry["study"]["frames"] for entry in results}
    assert frames["examples_ybr_color.dcm"] == 30
    assert frames["bus_0007-l.png"] == 1
