"""The command line over a scripted engine: layout, JSON, errors and exit codes."""

import json

import numpy as np
import pytest
from PIL import Image

import echovlm.engine
from echovlm import cli, prompts
from echovlm.engine import ScriptedEngine
from echovlm.errors import CheckpointError
from echovlm.prompts import Task


@pytest.fixture
def engine(monkeypatch):
    """The engine every command gets; tests change its script."""
    scripted = ScriptedEngine(preferred=("thyroid", "甲状腺", "thyroid colloid cyst"))
    monkeypatch.setattr(echovlm.engine.Engine, "load", lambda *arguments: scripted)
    return scripted


@pytest.fixture
def still(tmp_path):
    return write_still(tmp_path / "still.png")


def write_still(file, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 80), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return str(file)


@pytest.fixture
def run(capsys, engine):
    """Run a command; exit code, stdout, stderr."""

    def _run(*arguments):
        code = cli.run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def test_a_report_shows_findings_impression_status_and_model(run, still):
    code, out, err = run("report", still)
    assert (code, err) == (0, "")
    for words in ("Findings", "Normal echotexture.", "Impression", "PRELIMINARY", "scripted 1"):
        assert words in out


def test_a_chinese_report_is_chinese_throughout(run, still):
    _, out, _ = run("report", still, "--lang", "zh")
    for words in ("超声报告", "超声所见", "回声均匀。", "超声提示", "未经医师审核"):
        assert words in out


def test_report_json_is_one_document_of_the_documented_form(run, still):
    code, out, err = run("report", still, "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["schema_version"] == "1.0"
    (entry,) = document["results"]
    assert set(entry) == {"path", "error", "study", "report"}
    assert entry["study"] == {"clips": 1, "frames": 1, "calibrated": False, "left_out": []}
    assert entry["report"] == {
        "language": "en",
        "status": "preliminary",
        "model": "scripted",
        "model_version": "1",
        "warnings": [],
        "anatomy": None,
        "findings": "Normal echotexture.",
        "impression": "No abnormality.",
        "recommendation": "",
        "measurements": [],
        "finish_reason": "stop",
    }


def test_diagnosis_json_ranks_candidates_that_sum_to_one(run, still):
    _, out, _ = run("diagnose", still, "--json")
    diagnosis = json.loads(out)["results"][0]["diagnosis"]
    assert diagnosis["anatomy"] == "thyroid"
    assert diagnosis["candidates"][0]["key"] == "thyroid-colloid-cyst"
    assert sum(c["probability"] for c in diagnosis["candidates"]) == pytest.approx(1)
    assert len(diagnosis["anatomy_candidates"]) == 7


def test_a_stated_anatomy_is_not_inferred(run, still):
    _, out, _ = run("diagnose", still, "--anatomy", "kidney", "--json")
    diagnosis = json.loads(out)["results"][0]["diagnosis"]
    assert diagnosis["anatomy_candidates"] == []
    assert {c["key"] for c in diagnosis["candidates"]} == {
        label.key for label in prompts.labels("kidney")
    }


def test_labels_may_be_keys_or_words(run, still):
    _, out, _ = run("diagnose", still, "--labels", "liver-cyst, something else", "--lang", "zh")
    assert "肝囊肿" in out
    assert "something else" in out
    assert "未经校准" in out


def test_a_streamed_answer_is_printed_whole_with_its_status(run, engine, still):
    engine.answers["Is it solid?"] = "No, it is anechoic. It is oval."
    code, out, _ = run("ask", still, "Is it solid?")
    assert code == 0
    assert "No, it is anechoic. It is oval." in out
    assert "PRELIMINARY" in out


def test_one_question_goes_to_several_studies(run, engine, tmp_path):
    paths = [write_still(tmp_path / f"{n}.png", n) for n in range(6)]
    _, out, _ = run("ask", *paths, "Is it solid?", "--json")
    results = json.loads(out)["results"]
    assert [entry["path"] for entry in results] == paths
    assert {entry["answer"]["question"] for entry in results} == {"Is it solid?"}


def test_a_bad_path_is_told_and_the_rest_is_reported(run, still, tmp_path):
    missing = str(tmp_path / "missing.png")
    code, out, err = run("report", missing, still, "--json")
    failed, done = json.loads(out)["results"]
    assert code == 2
    assert set(failed) == {"path", "error"}
    assert done["report"]["findings"] == "Normal echotexture."
    assert err == f"Error: {failed['error']}\n"
    assert err.count("\n") == 1


def test_a_folder_with_a_broken_file_reports_the_rest_and_names_it(run, tmp_path):
    write_still(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no picture")
    code, out, _ = run("report", str(tmp_path), "--json")
    (entry,) = json.loads(out)["results"]
    assert code == 0
    assert [file["path"] for file in entry["study"]["left_out"]] == ["bad.png"]
    assert "bad.png" in entry["report"]["warnings"][0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ask", "STILL", "why " * 25_000], "has 100000 characters; at most 4000"),
        (["ask", "STILL", " "], "question is empty"),
        (["report", "STILL", "--lang", "fr"], "'--lang': 'fr' is not one of 'zh', 'en'"),
        (["diagnose", "STILL", "--anatomy", "nose"], "'nose'"),
        (["diagnose", "STILL", "--labels", "one"], "2 to 200 different labels"),
        (["report", "STILL", "--max-new-tokens", "0"], "at least 1"),
        (["report"], "Missing argument"),
        (["report", ""], "is an empty path"),
        (["report", "no\nsuch\x1b[31m file"], "no such[31m file: does not exist"),
        (["reprot", "STILL"], "No such command"),
        (["report", "STILL", "--fast"], "--fast"),
        (["simulate", "out", "--label", "nose"], "not a known diagnosis label"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, still, arguments, words):
    code, out, err = run(*(still if word == "STILL" else word for word in arguments))
    assert code == 2
    assert out == ""
    assert words in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_a_broken_checkpoint_is_exit_code_1(run, still, monkeypatch):
    def fail(*arguments):
        raise CheckpointError("/nowhere is no checkpoint folder.")

    monkeypatch.setattr(echovlm.engine.Engine, "load", fail)
    assert run("report", still) == (1, "", "Error: /nowhere is no checkpoint folder.\n")


def test_ctrl_c_is_exit_code_130(run, engine, still, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "report_many", interrupt)
    code, _, err = run("report", still)
    assert (code, err.strip()) == (130, "Error: Interrupted.")


def test_a_defect_is_a_sentence_too(run, engine, still, monkeypatch):
    def break_down(*arguments):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(engine, "report_many", break_down)
    code, _, err = run("report", still)
    assert code == 1
    assert "Unexpected ZeroDivisionError: division by zero." in err
    assert "Traceback" not in err


def test_control_characters_of_a_text_never_reach_the_terminal(run, engine, still):
    engine.answers[prompts.question(Task.REPORT, "en")] = (
        "Findings: \x1b[2J\x1b]0;owned\x07 cyst.\nImpression: [red]Cyst[/red]."
    )
    _, out, _ = run("report", still)
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[red]Cyst[/red]." in out


def test_an_uncalibrated_study_prints_no_measurement(run, engine, still):
    engine.answers[prompts.question(Task.REPORT, "en")] = (
        "Findings: A 12 x 8 mm cyst.\nImpression: Cyst."
    )
    _, out, _ = run("report", still)
    assert "12" not in out
    assert "A [not measured] cyst." in out
    assert "no trusted calibration" in out


def test_without_a_command_the_help_is_shown(run):
    code, out, _ = run()
    assert code == 0
    assert "report" in out


def test_the_version_is_printed(run):
    assert run("--version") == (0, f"echovlm {echovlm.__version__}\n", "")
