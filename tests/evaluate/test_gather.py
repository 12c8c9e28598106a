"""Asking: what is kept when something fails, how often pictures are made, who is asked anew."""

import io

import numpy as np
import pytest
from rich.console import Console

from echovlm.errors import DataError, EchoVLMError
from echovlm.evaluate.book import Book
from echovlm.evaluate.gather import gather, is_kept, replies_of
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import GreyStatistics, MostFrequent, Reply
from echovlm.prompts import Task
from echovlm.terms import Language

ABOUT = {"name": "mine", "version": "1", "data": "abc"}


def item(study, task=Task.REPORT, candidates=()):
    return Item(
        id=f"{study}-{task}", number=study, study=f"s{study}", images=("1.png",),
        patient=f"p{study}", source="s", anatomy="liver", task=task, language=Language.ENGLISH,
        question="What is seen?", reference="cyst", candidates=candidates,
    )  # fmt: skip


TASKS = (Task.REPORT, Task.QUESTION, Task.FINDINGS, Task.JUDGE)
ITEMS = [item(study, task) for study in range(40) for task in TASKS]


class Scripted:
    """Says the study's name, and remembers what it was asked."""

    name, version, temperature, sees = "scripted", "1", 1.0, True

    def __init__(self):
        self.asked = []

    def replies(self, asked):
        self.asked.append([one.item for one in asked])
        return [Reply(f"{one.item.study}: {one.pictures[0].max()}") for one in asked]


class Stops(Scripted):
    """Gives replies from the last to the first, and fails at one study."""

    def stream(self, asked):
        for place, one in reversed(list(enumerate(asked))):
            if one.item.study == "s3":
                raise EchoVLMError("The server is gone.")
            yield place, Reply(one.item.study)


def see(one):
    return [np.full((4, 4, 3), one.number, np.uint8)]


def ask(system, book, items=ITEMS, see=see, title="t", share=(0, 1)):
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    gather(system, items, see, book, title, console, share)
    return console.file.getvalue()


def test_every_reply_is_that_to_its_item(tmp_path):
    system, book = Scripted(), Book(tmp_path, ABOUT)
    ask(system, book)
    assert [book.reply(one).text for one in ITEMS] == [f"{i.study}: {i.number}" for i in ITEMS]
    assert len(ITEMS) == sum(map(len, system.asked))
    ask(system, Book(tmp_path, ABOUT))
    assert len(ITEMS) == sum(map(len, system.asked))  # nothing is asked twice


def test_what_is_shown_is_made_once_for_all_tasks_of_a_window(tmp_path):
    seen = []

    def remembered(one):
        seen.append(one.study)
        return see(one)

    system = Scripted()
    ask(system, Book(tmp_path, ABOUT), see=remembered)
    assert seen == [f"s{study}" for study in range(40)]
    for window in system.asked:  # those of one task together
        assert [one.task for one in window] == sorted(one.task for one in window)


def test_what_came_before_a_failure_is_kept(tmp_path):
    few = [item(study) for study in range(10)]
    book = Book(tmp_path, ABOUT)
    with pytest.raises(EchoVLMError, match="The server is gone"):
        ask(Stops(), book, few)
    assert [Book(tmp_path, ABOUT).has(one) for one in few] == [False] * 4 + [True] * 6


def test_a_system_that_skips_items_is_told(tmp_path):
    class Skips(Scripted):
        def replies(self, asked):
            return super().replies(asked)[1:]

    class SkipsStreaming(Scripted):
        def stream(self, asked):
            yield 0, Reply("x")

    for number, system in enumerate((Skips(), SkipsStreaming())):
        with pytest.raises(DataError, match="scripted: did not reply to every item"):
            ask(system, Book(tmp_path / str(number), ABOUT))


@pytest.mark.parametrize("name", ["a{b}", "{0}", "[/x]", "[red]a", "100 %s"])
def test_any_name_is_shown_as_it_is(tmp_path, name):
    assert name in ask(Scripted(), Book(tmp_path, ABOUT), title=name)


def test_each_process_asks_its_own_studies(tmp_path):
    one, other = Scripted(), Scripted()
    for process, system in enumerate((one, other)):
        ask(system, Book(tmp_path, ABOUT, process), share=(process, 2))
    studies = [{i.study for window in each.asked for i in window} for each in (one, other)]
    assert len(studies[0]) == len(studies[1]) == 20
    assert not studies[0] & studies[1]


def test_only_systems_that_cost_something_are_kept():
    assert is_kept(Scripted())
    assert not is_kept(MostFrequent([]))
    assert not is_kept(GreyStatistics([]))


def test_pictures_of_baselines_are_read_only_where_they_are_looked_at():
    seen = []

    def remembered(one):
        seen.append(one.study)
        return see(one)

    usual = MostFrequent(ITEMS)
    assert [one.text for one in replies_of(usual, ITEMS, remembered)] == ["cyst"] * len(ITEMS)
    assert seen == []
    system = Scripted()
    (reply,) = replies_of(system, ITEMS[:1], remembered)
    assert reply.text == "s0: 0"
    assert set(seen) == {"s0"}
