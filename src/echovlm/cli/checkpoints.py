"""The commands that turn one checkpoint folder into another."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from echovlm.cli.layout import busy


class Layout(StrEnum):
    """Layout of a checkpoint folder."""

    ECHOVLM = "echovlm"
    RELEASED = "released"


class Initialisation(StrEnum):
    """Start of the expert path of an upcycled network."""

    PUBLISHED = "published"
    FUNCTION_PRESERVING = "function-preserving"


Source = Annotated[Path, typer.Argument(help="Checkpoint folder to read.")]
Target = Annotated[Path, typer.Argument(help="Folder to write; it must not exist yet.")]


def convert(
    source: Source,
    target: Target,
    layout: Annotated[Layout, typer.Option("--layout", help="Layout to write.")] = Layout.ECHOVLM,
) -> None:
    """Write an EchoVLM checkpoint in another layout, bit-equal."""
    from echovlm.model.checkpoints import convert as convert_checkpoint

    with busy("Writing the checkpoint"):
        convert_checkpoint(source, target, layout.value)
    print(f"Wrote {target} in the {layout.value} layout.")


def upcycle(
    source: Source,
    target: Target,
    init: Annotated[
        Initialisation, typer.Option("--init", help="How the expert path starts.")
    ] = Initialisation.FUNCTION_PRESERVING,
) -> None:
    """Make an EchoVLM checkpoint out of a dense Qwen2-VL checkpoint."""
    from echovlm.model.upcycle import upcycle as upcycle_checkpoint

    with busy("Writing the checkpoint"):
        upcycle_checkpoint(source, target, init.value)
    print(f"Wrote {target}, initialised as {init.value}.")
