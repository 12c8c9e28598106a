"""The command line: one function per command, one sentence per error.

Exit codes: 0 all went well; 1 a failure that is not the user's input (a broken checkpoint, a full
disk); 2 bad input, also where only one of several paths was bad; 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import typer

from echovlm.cli.app import app
from echovlm.cli.layout import show_error
from echovlm.errors import EchoVLMError, InputError

# What the user wanted, and the extra that brings it, by the packages whose absence stops it.
_EXTRAS = {
    ("the network", "model"): (
        *("torch", "transformers", "safetensors", "tokenizers", "huggingface_hub"),
    ),
    ("the data engine", "data"): (
        *("datasets", "pyarrow", "openpyxl", "pytesseract", "imagehash"),
        *("simhash", "rapidfuzz", "skimage"),
    ),
    ("training", "train"): ("peft", "accelerate", "tensorboard", "matplotlib"),
    ("the evaluator", "evaluate"): (
        *("sacrebleu", "rouge_chinese", "rouge_score", "jieba", "nltk", "sklearn"),
    ),
}

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: words after the program's name.

    Returns:
        The exit code. Whatever went wrong has been said on stderr in one sentence.
    """
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # errors are one sentence
    try:
        outcome = app(list(arguments), prog_name="echovlm", standalone_mode=False)
    except EchoVLMError as error:
        return _fail(str(error), BAD_INPUT if isinstance(error, InputError) else FAILED)
    except typer.TyperException as error:  # a word or option that the command does not know
        said = error.format_message().replace("Value error, ", "")
        return _fail(f"{said} Run 'echovlm --help' to see the usage.", BAD_INPUT)
    except (typer.Abort, KeyboardInterrupt):
        return _fail("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        return FAILED
    except MemoryError:
        return _fail("There is not enough memory for this study and model.", FAILED)
    except Exception as error:
        absent = (error.name or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
        for (wanted, extra), packages in _EXTRAS.items():
            if absent in packages:
                return _fail(
                    f"This command needs {wanted}, but {absent} is not installed; "
                    f"install the extra: pip install 'echovlm[{extra}]'.",
                    FAILED,
                )
        # Anything that reaches this line is a defect, but a user at a terminal gets a sentence.
        if os.environ.get("ECHOVLM_TRACEBACK"):
            raise
        return _fail(
            f"Unexpected {type(error).__name__}: {_first_line(error)}. This is a defect of "
            "echovlm; set ECHOVLM_TRACEBACK=1 to see where, and please report it.",
            FAILED,
        )
    if outcome == INTERRUPTED:  # typer's own answer to Ctrl-C
        return _fail("Interrupted.", INTERRUPTED)
    return outcome if isinstance(outcome, int) else 0


def _fail(sentence: str, code: int) -> int:
    show_error(sentence)
    return code


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else "no details"
