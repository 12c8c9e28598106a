"""The command that reads reports and tells what to look at again."""

import json

import pytest

from echovlm import cli

_GOOD = (
    "超声所见：左侧乳腺外上象限2点方向可见一个低回声实性结节，大小约14mm×9mm，呈椭圆形，边缘光整。\n"
    "超声提示：左侧乳腺结节，考虑纤维腺瘤，BI-RADS 3类。\n"
)
_BAD = _GOOD.replace("超声提示：左侧", "超声提示：右侧").replace("14mm×9mm", "14×9")


def _file(tmp_path, text, encoding="utf-8", name="report.txt"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return str(path)


def test_a_clean_report_shows_its_facts_and_exits_with_0(tmp_path, capsys):
    assert cli.run(["lint", _file(tmp_path, _GOOD)]) == 0
    shown = capsys.readouterr().out
    for words in (
        "upper outer quadrant",
        "14 mm",
        "birads 3",
        "fibroadenoma",
        "Nothing to look at",
    ):
        assert words in shown


def test_a_doubtful_report_says_what_is_wrong_and_exits_with_1(tmp_path, capsys):
    assert cli.run(["lint", _file(tmp_path, _BAD)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "contradiction within the text: The text says right, and also left." in shown
    assert "missing unit: 14 has no unit." in shown


def test_json_holds_facts_remarks_and_places(tmp_path, capsys):
    path = _file(tmp_path, _BAD)
    assert cli.run(["lint", path, "--json", "--lang", "zh"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert (result["path"], result["encoding"], result["language"]) == (path, "utf-8", "zh")
    sides = {fact["value"] for fact in result["facts"] if fact["kind"] == "side"}
    assert sides == {"left", "right"}
    start, end = next(r for r in result["remarks"] if r["kind"] == "missing unit")["spans"][0]
    assert _BAD[start:end] == "14×9"


def test_a_reference_adds_what_differs_from_it(tmp_path, capsys):
    true = _file(tmp_path, _GOOD, name="true.txt")
    other = _file(tmp_path, _GOOD.replace("左侧", "右侧"))
    assert cli.run(["lint", other]) == 0
    assert cli.run(["lint", other, "--reference", true]) == 1
    assert "laterality: The text says right" in capsys.readouterr().out


def test_several_reports_are_read_and_the_worst_counts(tmp_path, capsys):
    good, bad = _file(tmp_path, _GOOD, name="a.txt"), _file(tmp_path, _BAD, name="b.txt")
    assert cli.run(["lint", good, bad, "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["results"]) == 2
    assert cli.run(["lint", bad, str(tmp_path / "none.txt")]) == 2


def test_gb18030_is_read_and_said(tmp_path, capsys):
    assert cli.run(["lint", _file(tmp_path, _GOOD, "gb18030")]) == 0
    captured = capsys.readouterr()
    assert "read as GB18030" in captured.err
    assert "左侧乳腺" in captured.out


def test_a_byte_order_mark_is_no_part_of_the_report(tmp_path, capsys):
    assert cli.run(["lint", _file(tmp_path, _GOOD, "utf-8-sig"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["facts"][0]["span"][0] < 20


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "text file"),
        ("结节".encode("utf-16"), "is UTF-16"),
        (b"\xff\xff\xff\xff", "neither UTF-8 nor GB18030"),
        (("结" * 100_001).encode(), "100,001 characters"),
    ],
)  # fmt: skip
def test_bad_files_get_one_sentence(tmp_path, capsys, raw, problem):
    path = tmp_path / "report.txt"
    path.write_bytes(raw)
    assert cli.run(["lint", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert problem in captured.err
    assert len(captured.err.strip().splitlines()) == 1


@pytest.mark.parametrize("path", ["absent.txt", "."])
def test_a_path_that_is_no_file_gets_one_sentence(tmp_path, monkeypatch, capsys, path):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["lint", path]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_100000_characters_are_read(tmp_path, capsys):
    text = ("左乳见一结节。" * 14_286)[:100_000]
    assert cli.run(["lint", _file(tmp_path, text), "--json"]) == 0


def test_terminal_codes_of_a_report_are_refused(tmp_path, capsys):
    assert cli.run(["lint", _file(tmp_path, "\x1b[2J左乳见一结节。")]) == 2
    assert "\x1b" not in capsys.readouterr().out
