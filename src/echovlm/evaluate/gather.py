"""Asking: every system, every item, once, with what is answered kept as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from echovlm.errors import DataError
from echovlm.evaluate.book import Book
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Asked, Reply, Streaming, System

See = Callable[[Item], Sequence[np.ndarray]]
"""The pictures of an item under some look, ``(H, W, 3)`` uint8 RGB; none without pictures."""

_WINDOW = 64  # items whose pictures are held at once
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
        see: gives their pictures; items of one :attr:`~echovlm.evaluate.items.Item.view` have the
            same.
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
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not waiting) as progress:
        bar = progress.add_task(f"{title:<{_CONSOLE_WIDTH}}", total=len(waiting))
        for window in _windows(waiting, see):
            for asked, replies in _replied(system, window):
                book.add([one.item for one in asked], replies)
                progress.advance(bar, len(asked))


def _windows(items: Sequence[Item], see: See) -> Iterator[list[Asked]]:
    """A few studies' items at a time, those of one task together, so that batches end together.

    What is shown is made once per view, in the order of the items.
    """
    for start in range(0, len(items), _WINDOW):
        shown: dict[tuple[str, ...], Sequence[np.ndarray]] = {}
        window = []
        for item in items[start : start + _WINDOW]:
            if item.view not in shown:
                shown[item.view] = see(item)
            window.append(Asked(item, shown[item.view]))
        yield sorted(window, key=lambda one: (one.item.task, one.item.language))


def _replied(
    system: System, window: Sequence[Asked]
) -> Iterator[tuple[Sequence[Asked], Sequence[Reply | None]]]:
    """What a system replies to a window: one by one where it streams, else all together."""
    count = 0
    if isinstance(system, Streaming):
        for place, reply in system.stream(window):
            count += 1
            yield [window[place]], [reply]
    else:
        replies = system.replies(window)
        count = len(replies)
        if count == len(window):
            yield window, replies
    if count != len(window):
        raise DataError(
            system.name, "did not reply to every item", "Give one reply per item, in order"
        )


def is_kept(system: System) -> bool:
    """Whether the replies of a system are worth a :class:`~echovlm.evaluate.book.Book`."""
    return bool(getattr(system, "kept", True))


def replies_of(system: System, items: Sequence[Item], see: See) -> list[Reply | None]:
    """What a system replies to all items that costs next to nothing to ask.

    Args:
        system: who is asked, all at once.
        items: what is asked.
        see: gives their pictures; it is called only where the system looks at them.
    """
    return system.replies([Asked(item, _Unseen(item, see)) for item in items])


class _Unseen(Sequence[np.ndarray]):
    """Pictures that are read when they are looked at, each time anew."""

    def __init__(self, item: Item, see: See) -> None:
        self._item, self._see = item, see

    def __len__(self) -> int:
        return len(self._see(self._item))

    @overload
    def __getitem__(self, place: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[np.ndarray]: ...

    def __getitem__(self, place: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        return self._see(self._item)[place]
