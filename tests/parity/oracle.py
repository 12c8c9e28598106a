"""Recorded outputs of the published network: where they are, and how ours runs the same case."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file

from echovlm.model import EchoVLMForConditionalGeneration
from echovlm.model.config import is_released

ORACLE = Path(
    os.environ.get("ECHOVLM_ORACLE", Path(__file__).resolve().parents[3] / "shared" / "oracle")
)
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Case:
    """One recorded input with everything the published network made of it."""

    folder: Path
    name: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.folder.name}-{self.name}-{self.dtype}"

    @cached_property
    def recorded(self) -> dict[str, torch.Tensor]:
        return load_file(self.folder / f"{self.name}.{self.dtype}.safetensors")

    @property
    def fp32(self) -> Case:
        return self if self.dtype == "fp32" else Case(self.folder, self.name, "fp32")

    @cached_property
    def inputs(self) -> dict[str, torch.Tensor]:
        stored = self.fp32.recorded.items()
        return {key.removeprefix("in."): value for key, value in stored if key.startswith("in.")}

    @property
    def prompt(self) -> dict[str, torch.Tensor]:
        return {key: value for key, value in self.inputs.items() if key != "labels"}

    @property
    def attended(self) -> torch.Tensor:
        ids = self.inputs["input_ids"]
        return self.inputs.get("attention_mask", torch.ones_like(ids)).bool()

    @property
    def has_pictures(self) -> bool:
        return any(key.endswith("grid_thw") for key in self.inputs)

    def out(self, name: str) -> torch.Tensor:
        return self.recorded[f"out.{name}"]

    def layers(self, name: str) -> list[torch.Tensor]:
        """Everything recorded as ``out.name.0``, ``out.name.1``..."""
        count = sum(key.startswith(f"out.{name}.") for key in self.recorded)
        return [self.out(f"{name}.{index}") for index in range(count)]

    @property
    def gradients(self) -> dict[str, torch.Tensor]:
        stored = self.recorded.items()
        return {
            key.removeprefix("grad."): value for key, value in stored if key.startswith("grad.")
        }


def cases() -> list[Case]:
    """Every case of every variant of the EchoVLM network under the oracle folder."""
    found = []
    for config in sorted(ORACLE.glob("*/config.json")):
        if is_released(json.loads(config.read_text())):
            for file in sorted(config.parent.glob("*.*.safetensors")):
                name, dtype, _ = file.name.rsplit(".", 2)
                if dtype in DTYPES:
                    found.append(Case(config.parent, name, dtype))
    return found


@lru_cache(maxsize=8)
def network(folder: Path, dtype: str) -> EchoVLMForConditionalGeneration:
    """The network of a variant, loaded from the released layout."""
    return EchoVLMForConditionalGeneration.from_pretrained(folder, dtype=DTYPES[dtype])
