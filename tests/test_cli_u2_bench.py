"""The command ``echovlm u2-bench``."""

from __future__ import annotations

import json

import pytest
from u2_bench_folder import ANSWERS, SCORES, write_benchmark

from echovlm import cli


@pytest.fixture
def folder(tmp_path):
    return write_benchmark(tmp_path / "u2-bench")


@pytest.fixture
def run(capsys, folder, tmp_path, monkeypatch):
    """Run the command on the benchmark; exit code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "200")

    def _run(*options, where=folder):
        out = str(tmp_path / "out")
        code = cli.run(["u2-bench", str(where), "--out", out, "--resamples", "100", *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def predictions(path, answers):
    rows = [json.dumps({"id": name, "text": text}) for name, text in answers.items()]
    path.write_text("\n".join(rows), encoding="utf-8")
    return str(path)


def test_predictions_are_scored_and_told(run, tmp_path):
    code, out, _ = run("--predictions", predictions(tmp_path / "other.jsonl", ANSWERS))
    assert code == 0
    assert "0.7147 (" in out
    assert "CC BY-NC-ND 4.0" in out
    assert "results.json" in out
    result = json.loads((tmp_path / "out/results.json").read_text("utf-8"))
    row = next(row for row in result["rows"] if row["metric"] == "U2-score")
    assert row["systems"]["other"]["value"] == pytest.approx(SCORES["all tasks", "U2-score"])


def test_the_shipped_checkpoint_answers_every_question(run, tmp_path):
    code, out, _ = run("--model", "tiny=nano", "--device", "cpu", "--max-new-tokens", "4")
    assert code == 0
    assert "tiny" in out
    lines = (tmp_path / "out/replies/tiny/plain/replies-0.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["id"] for line in lines} == set(ANSWERS)


def test_tasks_and_the_number_of_questions_can_be_chosen(run, tmp_path):
    path = predictions(tmp_path / "other.jsonl", ANSWERS)
    code, out, _ = run("--predictions", path, "--task", "disease_diagnosis", "--most", "1")
    assert code == 0
    assert "There is no U2-score" in out
    about = json.loads((tmp_path / "out/results.json").read_text("utf-8"))["about"]
    assert (about["tasks"], about["questions"]) == (["disease_diagnosis"], 2)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "There is no system to evaluate"),
        (["--predictions", "ONE", "--predictions", "ONE"], "Two systems are called 'other'"),
        (["--predictions", "ODD"], "odd.jsonl: line 1 names the unknown id 'x'"),
        (["--predictions", "no.jsonl"], "no.jsonl: cannot be read"),
        (["--task", "nose"], "Unknown task 'nose' of U2-BENCH; choose one of disease_diagnosis"),
        (["--endpoint", "x"], "--endpoint is MODEL@URL"),
        (["--endpoint", "m@http://example.org/v1"], "say --send-pictures"),
        (["--most", "-1"], "--most"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, tmp_path, options, sentence):
    files = {
        "ONE": predictions(tmp_path / "other.jsonl", ANSWERS),
        "ODD": predictions(tmp_path / "odd.jsonl", {"x": "y"}),
    }
    code, out, err = run(*(files.get(word, word) for word in options))
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_folder_that_is_not_there_is_told(run, tmp_path):
    code, _, err = run("--model", "nano", where=tmp_path / "none")
    assert code == 2
    assert "none: is no folder" in err
