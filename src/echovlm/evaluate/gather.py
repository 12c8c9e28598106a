"""Asking: every system, every item, once, with what is answered kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echovlm.errors import DataError
from echovlm.evaluate.book import Book
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Asked, System

See = Callable[[Item], Sequence[np.ndarray]]
"""The pictures of an item under some look, ``(H, W, 3)`` uint8 RGB; none without pictures."""

_WINDOW = 64  # items handed to a system at once
_CONSOLE_WIDTH = 28


def gather(
    system: System,
    items: Sequence[Item],
    see: See,
    book: Book,
    title: str,
    console: Console,
    share: tuple[int, int] = (0, 1),
) -> None:
    """Ask a system what it has not replied to yet.

    Args:
        system: who is asked.
        items: what is asked, the items of one study together.
        see: gives their pictures.
        book: holds what was replied before, and gets what is replied now.
        title: what the progress bar says.
        console: where it is drawn.
        share: number of this process and of all processes; each asks its own studies.

    Raises:
        DataError: when a system gives another number of replies than it was asked items.
    """
    process, processes = share
    studies = {study: n for n, study in enumerate(dict.fromkeys(item.study for item in items))}
    waiting = [
        item for item in items if studies[item.study] % processes == process and not book.has(item)
    ]
    columns = (
        TextColumn(f"{title:<{_CONSOLE_WIDTH}}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not waiting) as progress:
        bar = progress.add_task(title, total=len(waiting))
        for window in _windows(waiting):
            replies = system.replies([Asked(item, see(item)) for item in window])
            if len(replies) != len(window):
                raise DataError(
                    system.name, "did not reply to every item", "Give one reply per item, in order"
                )
            book.add(window, replies)
            progress.advance(bar, len(window))


def _windows(items: Sequence[Item]) -> Iterator[list[Item]]:
    """A few studies' items at a time, those of one task together, so that batches end together."""
    for start in range(0, len(items), _WINDOW):
        yield sorted(items[start : start + _WINDOW], key=lambda item: (item.task, item.language))
