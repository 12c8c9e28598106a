"""What systems replied, kept on disk as it comes, so that a run goes on where it stopped.

One JSON Lines file per system, look and process. A line that a crash cut short is dropped when the
file is opened again; its item is asked once more.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from echovlm.data.writing import told_in_a_sentence, write_whole
from echovlm.errors import DataError
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Reply

_ABOUT = "about.json"


class Book:
    """The replies of one system to items under one look.

    Args:
        folder: where its files lie; made where absent.
        about: what the replies depend on besides the items: version, pictures, seed.
        process: number of this process, which writes a file of its own.

    Raises:
        DataError: when the folder holds replies of something else, or naming a damaged line.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], process: int = 0) -> None:
        with told_in_a_sentence(folder):
            folder.mkdir(parents=True, exist_ok=True)
        _claim(folder / _ABOUT, about)
        self._path = folder / f"replies-{process}.jsonl"
        self._rows: dict[str, tuple[str, Reply | None]] = {}
        for path in sorted(folder.glob("replies-*.jsonl")):
            self._read(path)

    def reply(self, item: Item) -> Reply | None:
        """The stored reply to an item that :meth:`has` one; None where the system passed."""
        return self._rows[item.id][1]

    def has(self, item: Item) -> bool:
        """Whether there is a reply to this very question with these candidates."""
        return item.id in self._rows and self._rows[item.id][0] == item.digest

    def add(self, items: Sequence[Item], replies: Sequence[Reply | None]) -> None:
        """Keep replies.

        Raises:
            OutputError: when they cannot be written; earlier ones are kept.
        """
        lines = []
        for item, reply in zip(items, replies, strict=True):
            self._rows[item.id] = item.digest, reply
            row = {"id": item.id, "digest": item.digest, "reply": _as_json(reply)}
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        with told_in_a_sentence(self._path), open(self._path, "ab") as stream:
            stream.write("".join(lines).encode("utf-8", "backslashreplace"))
            stream.flush()
            os.fsync(stream.fileno())

    def _read(self, path: Path) -> None:
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data) and path == self._path:
            os.truncate(path, whole)
        for number, line in enumerate(data[:whole].split(b"\n")[:-1], start=1):
            try:
                row = json.loads(line)
                self._rows[row["id"]] = row["digest"], _from_json(row["reply"])
            except (ValueError, KeyError, TypeError):
                raise DataError(
                    path, f"is damaged in line {number}", "Remove the file; it is written anew"
                ) from None


def _claim(path: Path, about: Mapping[str, Any]) -> None:
    told = json.loads(json.dumps(about))
    if not path.exists():
        write_whole(path, [json.dumps(told, indent=1, ensure_ascii=False).encode("utf-8")])
        return
    try:
        stored = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise DataError(path, "is damaged", "Remove its folder; it is written anew") from None
    odd = [name for name in told if stored.get(name) != told[name]]
    if odd:
        raise DataError(
            path.parent, f"holds replies with another {odd[0]}", "Give another --out folder"
        )


def folder_name(name: str) -> str:
    """A system's name as a folder's."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "system"


def _as_json(reply: Reply | None) -> Mapping[str, Any] | None:
    if reply is None:
        return None
    if reply.likelihoods:
        return {"likelihoods": reply.likelihoods}
    return {"text": reply.text} | ({"cut": True} if reply.cut else {})


def _from_json(row: Mapping[str, Any] | None) -> Reply | None:
    if row is None:
        return None
    return Reply(row.get("text", ""), tuple(row.get("likelihoods", ())), row.get("cut", False))
