"""Files that are written whole or not at all, and survive a power cut once they are named.

    write a hidden neighbour -> flush it to the disk -> rename -> flush the folder's entry

A rename within a file system is atomic (POSIX rename), so a reader sees the old file or the new
one.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from echovlm.errors import OutputError

_BLOCK_BYTES = 1 << 20


@contextmanager
def told_in_a_sentence(path: Path) -> Iterator[None]:
    """Turn what the system says of a failed write into one sentence.

    Raises:
        OutputError: for a full disk, a missing permission and their like.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"{path} could not be written: the disk is full; make room and run the same "
                "command again, what is finished is kept."
            ) from error
        raise OutputError(f"{path} could not be written: {error.strerror or error}.") from error


def write_whole(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a file whole or not at all.

    Args:
        path: file to write; its folder must exist. An old file is replaced.
        pieces: contents, in order.

    Returns:
        SHA-256 of the contents, hexadecimal.

    Raises:
        OutputError: when it could not be written; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    digest = hashlib.sha256()
    with told_in_a_sentence(path):
        try:
            with open(temporary, "wb") as stream:
                for piece in pieces:
                    stream.write(piece)
                    digest.update(piece)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
            flush_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    return digest.hexdigest()


def flush_tree(folder: Path) -> None:
    """Flush every file below a folder to the disk, then the folders themselves."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            _flush(Path(place) / name)
        flush_folder(Path(place))


def flush_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it outlives a power cut."""
    _flush(folder)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def blocks(path: Path) -> Iterator[bytes]:
    """The contents of a file in pieces of one MiB."""
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            yield block


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    for block in blocks(path):
        digest.update(block)
    return digest.hexdigest()
