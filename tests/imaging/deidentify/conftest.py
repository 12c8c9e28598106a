"""The DICOM builders of the imaging tests, and what needs a text reader or a Chinese font."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from echovlm.imaging.deidentify import Policy, ocr_available

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CHINESE_FONT = Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc")


@pytest.fixture
def policy() -> Policy:
    """A policy with a salt of the tests."""
    return Policy(salt=b"salt of the tests, no secret")


@pytest.fixture(scope="session")
def reader() -> None:
    """Skip where text in pixels cannot be read."""
    if reason := ocr_available():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def chinese_font() -> Path:
    """A font with Chinese glyphs; skips where absent."""
    if not CHINESE_FONT.is_file():
        pytest.skip("needs the font WenQuanYi Zen Hei (Debian: fonts-wqy-zenhei)")
    return CHINESE_FONT
