"""Keep the libraries below silent while files are read.

pydicom warns about every irregular header, Pillow about odd metadata, and their words may quote the
header, that is, the patient. Nothing of it reaches the user: what matters comes as a StudyError.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("pydicom", "pylibjpeg", "openjpeg", "jpeg_ls", "PIL", "libav", "imagecodecs")
_lock = threading.Lock()
_lock_stderr = threading.Lock()
_readers = 0
_outside: list = []


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and library logs; may be entered by several threads at once.

    ``warnings.catch_warnings`` alone is not safe across threads: two readers that overlap would
    restore each other's filters. Here the first one in saves and the last one out restores.
    """
    global _readers
    with _lock:
        if _readers == 0:
            _silence()
        _readers += 1
    try:
        yield
    finally:
        with _lock:
            _readers -= 1
            if _readers == 0:
                _restore()


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send what C code prints on standard error to nowhere.

    Only for libtiff, which prints every fault it meets and offers no switch through Pillow. One
    reader at a time, since the file descriptor belongs to the whole process.
    """
    with _lock_stderr:
        try:
            kept = os.dup(2)
        except OSError:  # a process without standard error
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _silence() -> None:
    caught = warnings.catch_warnings()
    caught.__enter__()
    warnings.simplefilter("ignore")
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    _outside.append((caught, levels))


def _restore() -> None:
    caught, levels = _outside.pop()
    caught.__exit__(None, None, None)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
