"""Folders, odd files, silence, and what the study says of them."""

from __future__ import annotations

import errno
import logging
import os
import random
import socket
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from dicom_files import instance, speckle, write
from PIL import Image

from echovlm.errors import StudyError
from echovlm.imaging import Limits, read
from echovlm.imaging.kinds import Kind, kind_of, unreadable
from echovlm.imaging.quiet import quiet


def still(path: Path, seed: int = 0) -> Path:
    Image.fromarray(speckle(seed=seed)).save(path, "PNG")
    return path


def test_a_folder_is_read_in_natural_order_with_everything_below_it(tmp_path: Path) -> None:
    for seed, name in enumerate(["image 2.png", "image 10.png", "image 10b/1.png", "Image 3.png"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        still(tmp_path / name, seed)
    write(instance(speckle(seed=9)), tmp_path / "image 11")
    study = read(tmp_path)
    expected = [0, 3, 1, 2, 9]
    for clip, seed in zip(study.clips, expected, strict=True):
        assert np.array_equal(clip.frames[0], speckle(seed=seed))
    assert [clip.name for clip in study.clips] == [f"image {n}" for n in range(1, 6)]
    assert study.name == "study"


def test_one_broken_file_is_left_out_and_named(tmp_path: Path) -> None:
    still(tmp_path / "good.png")
    (tmp_path / "note.png").write_text("this is text")
    (tmp_path / "empty.dcm").touch()
    study = read(tmp_path)
    assert len(study.clips) == 1
    left_out = {item.path: item.reason for item in study.left_out}
    assert left_out.keys() == {"note.png", "empty.dcm"}
    assert "not an image, cine loop or DICOM file" in left_out["note.png"]
    assert left_out["empty.dcm"] == "is empty. Export the file again."


def test_a_folder_of_broken_files_is_an_error_that_names_the_first(tmp_path: Path) -> None:
    for index in range(5):
        (tmp_path / f"{index}.png").write_text("text")
    with pytest.raises(StudyError, match=r"no readable file \(0.png .*; 2.png .*; and 2 more\)"):
        read(tmp_path)


def test_hidden_and_system_files_are_passed_over(tmp_path: Path) -> None:
    still(tmp_path / "a.png")
    for name in (".DS_Store", "._a.png", "Thumbs.db", "DICOMDIR", "__MACOSX/x.png", ".git/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    study = read(tmp_path)
    assert (len(study.clips), study.left_out) == (1, ())


def test_what_is_no_readable_path_gives_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    text = tmp_path / "text.png"
    text.write_text("not a picture")
    cases = {
        tmp_path / "none": "does not exist",
        tmp_path / "empty": "is a folder without files",
        pipe: "is not a regular file",
        Path(os.devnull): "is not a regular file",
        loop: "cannot be opened",
        text: "is not an image",
        text / "below": "cannot be opened",
    }
    for path, problem in cases.items():
        with pytest.raises(StudyError, match=problem) as caught:
            read(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(StudyError, match="is not a path"):
        read("a\0b")


def test_a_socket_in_a_folder_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # socket paths are short
    still(tmp_path / "a.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        assert [item.path for item in read(tmp_path).left_out] == ["s"]


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = still(tmp_path / "a.png")
    refusal = unreadable(path, PermissionError(errno.EACCES, "Permission denied"))
    assert refusal.problem == "may not be read"
    if os.geteuid() != 0:  # root may read everything
        path.chmod(0)
        with pytest.raises(StudyError, match="may not be read"):
            read(path)


def test_linked_files_are_read_and_linked_folders_not_entered(tmp_path: Path) -> None:
    still(tmp_path / "real.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    assert len(read(tmp_path).clips) == 2


def test_a_folder_of_too_many_files_is_refused_before_any_is_read(tmp_path: Path) -> None:
    for index in range(12):
        (tmp_path / f"{index}").touch()
    with pytest.raises(StudyError, match="holds more than 10 files"):
        read(tmp_path, Limits(files=10))


def test_files_beyond_the_memory_of_a_study_are_left_out_by_name(tmp_path: Path) -> None:
    for index in range(4):
        still(tmp_path / f"{index}.png")
    study = read(tmp_path, Limits(study_bytes=2 * 64 * 80 * 3))
    assert len(study.clips) == 2
    assert [item.path for item in study.left_out] == ["2.png", "3.png"]
    assert "no longer fits" in study.left_out[0].reason


def test_warnings_and_logs_of_libraries_stay_inside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = instance(speckle())
    odd.PixelData += b"\0" * 40  # pydicom warns about padding
    path = write(odd, tmp_path / "a.dcm")
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        assert read(path).clips
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_silence_ends_with_the_last_reader_of_several_threads() -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow_reader() -> None:
        with quiet():
            inside.set()
            leave.wait(10)

    before = list(warnings.filters)
    level = logging.getLogger("pydicom").level
    thread = threading.Thread(target=slow_reader)
    thread.start()
    assert inside.wait(10)
    with quiet():
        pass
    assert logging.getLogger("pydicom").level > logging.CRITICAL
    leave.set()
    thread.join()
    assert warnings.filters == before
    assert logging.getLogger("pydicom").level == level


def test_kinds_are_told_from_the_first_bytes() -> None:
    assert kind_of(b"\0" * 128 + b"DICM" + b"\0" * 100) is Kind.DICOM
    assert kind_of(b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100") is Kind.DICOM
    assert kind_of(b"RIFF\0\0\0\0AVI LIST") is Kind.AVI
    assert kind_of(b"RIFF\0\0\0\0WAVEfmt ") is None
    assert kind_of(b"\0\0\0\x18ftypmp42") is Kind.MP4
    assert kind_of(b"\0\0\0\x18ftypheic") is None
    assert kind_of(b"%PDF-1.7") is None
    assert kind_of(b"") is None


def test_real_images_of_every_set_are_read(shared_dir: Path) -> None:
    folder = shared_dir / "ultrasound"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared/ultrasound, which is absent")
    by_set: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".png", ".jpg", ".mp4"):
            by_set.setdefault(path.parent, []).append(path)
    assert len(by_set) >= 8
    chooser = random.Random(0)
    for paths in by_set.values():
        for path in chooser.sample(paths, min(2 if paths[0].suffix != ".mp4" else 1, len(paths))):
            clip = read(path).clips[0]
            assert clip.is_cine == (path.suffix == ".mp4")
            assert clip.frames.max() > 0
