"""The command line as a user starts it: processes, signals, encodings, help pages."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = [
    *("", "report", "diagnose", "ask", "simulate", "simulate-archive", "convert", "upcycle"),
    "lint",
    *("data", "data import", "data sources", "data simulate", "data build", "data check"),
    *("data stats", "data export", "rads", "rads tirads", "rads c-tirads", "rads birads"),
    *("rads orads", "rads carotid", "rads fatty-liver", "rads hydronephrosis", "rads heart"),
    *("train", "train alignment", "train instruction-tuning", "train lora-only", "train full"),
    *("train preference", "train inspect", "train estimate"),
    *("reproduce", "reproduce ablation", "reproduce nano", "evaluate", "compare"),
    "u2-bench",
]


def echovlm(*arguments, **settings):
    environment = os.environ | {"COLUMNS": "80", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "echovlm", *arguments],
        capture_output=True,
        env=environment | settings.pop("env", {}),
        timeout=120,
        check=False,
        **settings,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_page_is_the_golden_one(command, capsys, monkeypatch):
    from echovlm import cli

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    assert cli.run([*command.split(), "--help"]) == 0
    golden = GOLDEN / f"{'-'.join(['help', *command.split()])}.txt"
    assert capsys.readouterr().out == golden.read_text(encoding="utf-8")


def test_importing_the_package_or_its_help_loads_no_network_stack():
    code = (
        "import sys, echovlm, echovlm.cli, echovlm.report, echovlm.prompts; echovlm.read;"
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("package", "extra", "command"),
    [
        ("torch", "model", ["report", "examples/breast"]),
        ("transformers", "model", ["report", "examples/breast"]),
        ("rapidfuzz", "data", ["data", "check", "examples"]),
    ],
)
def test_without_an_extra_the_sentence_says_what_to_install(package, extra, command):
    code = (
        f"import sys; sys.modules[{package!r}] = None; from echovlm.cli import run;"
        f"sys.exit(run({command!r}))"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == 1
    assert f"{package} is not installed" in done.stderr
    assert f"pip install 'echovlm[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_public_names_exist():
    import echovlm

    for name in echovlm.__all__:
        assert getattr(echovlm, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = echovlm.nothing


def test_a_missing_path_is_one_sentence_from_a_real_process(tmp_path):
    done = echovlm("report", str(tmp_path / "缺失.png"), env={"LC_ALL": "C", "PYTHONUTF8": "0"})
    assert done.returncode == 2
    assert done.stdout == b""
    text = done.stderr.decode("utf-8")
    assert text.startswith("Error: ")
    assert text.count("\n") == 1


def test_an_unknown_checkpoint_is_one_sentence_from_a_real_process(tmp_path, still):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    done = echovlm("report", still, "--model", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"'bert', which is not known here" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_ctrl_c_ends_a_real_process_with_130(still):
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, time, echovlm.imaging as imaging\n"
            "from echovlm.cli import main\n"
            # A suite started in the background ignores the signal, and its children inherit that.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "def wait(path):\n    print('reading', flush=True)\n    time.sleep(60)\n"
            "imaging.read = wait\n"
            "import sys\nsys.argv = ['echovlm', 'report', 'x.png']\nmain()",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"reading\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in errors


@pytest.fixture
def still(tmp_path):
    import numpy as np
    from PIL import Image

    file = tmp_path / "still.png"
    Image.fromarray(np.zeros((64, 64), dtype=np.uint8)).save(file)
    return str(file)
