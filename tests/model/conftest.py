"""The small random network in memory and on disk in both layouts."""

from __future__ import annotations

from pathlib import Path

import pytest
from smallnet import small_network

from echovlm.model import EchoVLMForConditionalGeneration
from echovlm.model.checkpoints import convert


@pytest.fixture(scope="session")
def network() -> EchoVLMForConditionalGeneration:
    return small_network()


@pytest.fixture
def saved(network: EchoVLMForConditionalGeneration, tmp_path: Path) -> Path:
    """The small network in EchoVLM's own layout."""
    network.save_pretrained(tmp_path / "echovlm")
    return tmp_path / "echovlm"


@pytest.fixture
def released(saved: Path, tmp_path: Path) -> Path:
    """The small network in the released layout."""
    return convert(saved, tmp_path / "released", "released")
