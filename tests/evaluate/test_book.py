"""Replies on disk: kept as they come, read again, never mixed up."""

import dataclasses
import json

import pytest

from echovlm.errors import DataError
from echovlm.evaluate.book import Book, folder_name
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Reply
from echovlm.prompts import Task
from echovlm.terms import Language

ABOUT = {"name": "mine", "version": "1", "data": "abc"}


def item(name, question="What is seen?"):
    return Item(
        id=name, number=0, study=name, images=("1.png",), patient=name, source="s", anatomy="liver",
        task=Task.QUESTION, language=Language.ENGLISH, question=question, reference="cyst",
    )  # fmt: skip


REPLIES = [
    Reply("囊肿。\n\u2028\ud800", cut=True),
    Reply(likelihoods=(-0.125, -3.5)),
    None,
    Reply(),
    Reply(refused=True),
]
ITEMS = [item(name) for name in "abcde"]


def test_replies_are_the_same_after_reading_them_again(tmp_path):
    book = Book(tmp_path / "r", ABOUT)
    book.add(ITEMS, REPLIES)
    again = Book(tmp_path / "r", ABOUT)
    assert [again.reply(one) for one in ITEMS] == REPLIES
    assert all(again.has(one) for one in ITEMS)
    assert not again.has(item("f"))


def test_another_question_under_an_old_id_is_asked_again(tmp_path):
    book = Book(tmp_path, ABOUT)
    book.add(ITEMS[:1], REPLIES[:1])
    assert not book.has(dataclasses.replace(ITEMS[0], question="Is it a cyst?"))


def test_a_line_cut_short_by_a_crash_is_dropped(tmp_path):
    Book(tmp_path, ABOUT).add(ITEMS[:2], REPLIES[:2])
    path = tmp_path / "replies-0.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    book = Book(tmp_path, ABOUT)
    assert [book.has(one) for one in ITEMS[:2]] == [True, False]
    book.add(ITEMS[1:2], REPLIES[1:2])
    assert Book(tmp_path, ABOUT).reply(ITEMS[1]) == REPLIES[1]


def test_a_reply_belongs_to_what_was_shown_and_both_are_kept(tmp_path):
    """Read in any order: the later reply lies in the file that is read first."""

    def book(donor, process):
        return Book(tmp_path, ABOUT, process, shown=lambda item: donor)

    one, other = Reply("of p1"), Reply("of p2")
    book("p1", 1).add(ITEMS[:1], [one])
    assert not book("p2", 0).has(ITEMS[0])
    assert not book("", 0).has(ITEMS[0])
    book("p2", 0).add(ITEMS[:1], [other])
    assert [book(donor, 0).reply(ITEMS[0]) for donor in ("p1", "p2")] == [one, other]


@pytest.mark.parametrize("reply", [{"text": ["a"]}, {"likelihoods": ["a"]}, {"likelihoods": 1}])
def test_a_reply_that_is_none_is_told_as_damage(tmp_path, reply):
    row = {"id": "a", "digest": ITEMS[0].digest, "reply": reply}
    (tmp_path / "replies-0.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"replies-0.jsonl: is damaged in line 1"):
        Book(tmp_path, ABOUT)


def test_a_damaged_line_is_named(tmp_path):
    Book(tmp_path, ABOUT).add(ITEMS[:2], REPLIES[:2])
    path = tmp_path / "replies-0.jsonl"
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(DataError, match=r"replies-0.jsonl: is damaged in line 1"):
        Book(tmp_path, ABOUT)


def test_every_process_writes_a_file_of_its_own_and_reads_all(tmp_path):
    first, second = Book(tmp_path, ABOUT, 0), Book(tmp_path, ABOUT, 1)
    first.add(ITEMS[:1], REPLIES[:1])
    second.add(ITEMS[1:2], REPLIES[1:2])
    whole = Book(tmp_path, ABOUT)
    assert [whole.reply(one) for one in ITEMS[:2]] == REPLIES[:2]


@pytest.mark.parametrize("name", ["name", "version", "data"])
def test_replies_of_something_else_are_refused(tmp_path, name):
    Book(tmp_path, ABOUT)
    with pytest.raises(DataError, match=f"holds replies with another {name}"):
        Book(tmp_path, ABOUT | {name: "other"})


def test_names_become_names_of_folders():
    assert folder_name("nano") == "nano"
    assert folder_name("系统-1.5") == "系统-1.5"
    assert folder_name("owner/model name").startswith("owner-model-name-")


def test_systems_of_different_names_share_no_folder():
    names = ["a/b", "a-b", "a b", "!!", "??", "../..", "system", ".a", "a", "x" * 300, "x" * 301]
    folders = [folder_name(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(len(folder) < 80 and folder.strip("-.") == folder for folder in folders)


def test_a_reply_that_no_process_wrote_is_told(tmp_path):
    with pytest.raises(DataError, match=r"lacks a reply to 'a'\. Run the same command again"):
        Book(tmp_path, ABOUT).reply(ITEMS[0])
