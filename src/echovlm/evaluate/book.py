"""What systems replied, kept on disk as it comes, so that a run goes on where it stopped.

One JSON Lines file per system, look and process. A reply belongs to the digest of what was asked:
the question, its candidates and what a look shows instead of the item's own pictures. A line that
a crash cut short is dropped when the file is opened again; its item is asked once more.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from echovlm.data.writing import told_in_a_sentence, write_whole
from echovlm.errors import DataError
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Reply

_ABOUT = "about.json"
_LONGEST_NAME = 60  # characters; file systems take 255 bytes

Shown = Callable[[Item], str]
"""What a look shows in place of an item's own pictures, "" where the look alone says it."""


class Book:
    """The replies of one system to items under one look.

    Args:
        folder: where its files lie; made where absent.
        about: what all replies depend on: the system's name and version, the data.
        process: number of this process, which writes a file of its own.
        shown: what a reply depends on besides its item; another one is another question.

    Raises:
        DataError: when the folder holds replies of something else, or naming a damaged line.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, Any],
        process: int = 0,
        shown: Shown = lambda item: "",
    ) -> None:
        with told_in_a_sentence(folder):
            folder.mkdir(parents=True, exist_ok=True)
        _claim(folder / _ABOUT, about)
        self._path = folder / f"replies-{process}.jsonl"
        self._shown = shown
        self._rows: dict[tuple[str, str], Reply | None] = {}
        for path in sorted(folder.glob("replies-*.jsonl")):
            self._read(path)

    def reply(self, item: Item) -> Reply | None:
        """The stored reply to an item; None where the system passed.

        Raises:
            DataError: when there is none, since another process ended before it had asked.
        """
        if not self.has(item):
            raise DataError(
                self._path.parent, f"lacks a reply to '{item.id}'", "Run the same command again"
            )
        return self._rows[self._key(item)]

    def has(self, item: Item) -> bool:
        """Whether there is a reply to this very question with these candidates and pictures."""
        return self._key(item) in self._rows

    def add(self, items: Sequence[Item], replies: Sequence[Reply | None]) -> None:
        """Keep replies.

        Raises:
            OutputError: when they cannot be written; earlier ones are kept.
        """
        lines = []
        for item, reply in zip(items, replies, strict=True):
            name, digest = self._key(item)
            self._rows[name, digest] = reply
            row = {"id": name, "digest": digest, "reply": _as_json(reply)}
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        with told_in_a_sentence(self._path), open(self._path, "ab") as stream:
            stream.write("".join(lines).encode("utf-8", "backslashreplace"))
            stream.flush()
            os.fsync(stream.fileno())

    def _key(self, item: Item) -> tuple[str, str]:
        shown = self._shown(item)
        return item.id, _hashed(f"{item.digest}\0{shown}")[:16] if shown else item.digest

    def _read(self, path: Path) -> None:
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data) and path == self._path:
            os.truncate(path, whole)
        for number, line in enumerate(data[:whole].split(b"\n")[:-1], start=1):
            try:
                row = json.loads(line)
                self._rows[row["id"], row["digest"]] = _from_json(row["reply"])
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
    """A system's name as a folder's; one that cannot be a folder's gets a digest of its own."""
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_LONGEST_NAME]
    return safe if safe == name else f"{safe or 'system'}-{_hashed(name)[:8]}"


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _as_json(reply: Reply | None) -> Mapping[str, Any] | None:
    if reply is None:
        return None
    if reply.likelihoods:
        return {"likelihoods": reply.likelihoods}
    marks = {"cut": reply.cut, "refused": reply.refused}
    return {"text": reply.text} | {mark: True for mark, is_set in marks.items() if is_set}


def _from_json(row: Mapping[str, Any] | None) -> Reply | None:
    if row is None:
        return None
    text = row.get("text", "")
    if not isinstance(text, str):
        raise TypeError("a text that is no string")
    likelihoods = tuple(float(value) for value in row.get("likelihoods", ()))
    return Reply(text, likelihoods, row.get("cut", False), row.get("refused", False))
