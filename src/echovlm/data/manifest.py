"""The manifest: what a stored set is and the digest of every file in it; written last.

A folder without a manifest is unfinished and no reader takes it for a set. The manifest holds no
time and no path of this machine, so that equal inputs, settings and versions give equal bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from echovlm.data.writing import write_whole
from echovlm.errors import DataError

MANIFEST = "manifest.json"
FORMAT_VERSION = 1


class Manifest(BaseModel):
    """What a set is.

    Attributes:
        format_version: version of the layout.
        kind: "records" for an imported set, "samples" for a built one.
        store: how samples and pictures are kept.
        sources: name, licence, citation and settings of every source.
        seed: seed of every random choice, None where nothing was drawn.
        echovlm_version: version of the package that wrote the set.
        counts: records, pictures, samples and what was left out.
        files: digest of every table, by relative path; ``files.sha256`` among them holds those of
            the pictures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    kind: Literal["records", "samples"]
    store: Literal["jsonl", "parquet"] = "jsonl"
    sources: tuple[dict[str, Any], ...]
    seed: int | None = None
    echovlm_version: str
    counts: dict[str, int] = Field(default_factory=dict)
    files: dict[str, str]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a finished set."""
    text = json.dumps(
        manifest.model_dump(mode="json"), ensure_ascii=False, indent=2, sort_keys=True
    )
    write_whole(folder / MANIFEST, [text.encode("utf-8"), b"\n"])


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a set.

    Raises:
        DataError: when the folder is no finished set, or one of another version.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise DataError(folder, "does not exist or is no folder", "Name a stored set")
    if not path.is_file():
        unfinished = (folder / ".work").is_dir()
        raise DataError(
            folder,
            "is an unfinished set" if unfinished else "is no stored set (it has no manifest.json)",
            "Run the command that writes it again"
            if unfinished
            else "Make one with 'echovlm data import' or 'echovlm data build'",
        )
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        raise DataError(
            path, "is damaged or not a manifest of a set", "Write the set again"
        ) from None
    if manifest.format_version != FORMAT_VERSION:
        raise DataError(
            path,
            f"has format version {manifest.format_version}; this echovlm reads {FORMAT_VERSION}",
            "Use the echovlm that wrote it, or write the set again",
        )
    return manifest
