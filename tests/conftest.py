"""Fixtures shared by every test."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["tiny"]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of recorded outputs and real images beside the repository; skips where absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared beside the repository, which is absent")
    return folder
