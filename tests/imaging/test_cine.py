"""Cine loops in video files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from dicom_files import speckle

from echovlm.errors import StudyError
from echovlm.imaging import Limits, read


def write_cine(
    path: Path,
    frames: list[np.ndarray],
    codec: str = "libx264",
    pixel_format: str = "yuv444p",
    rate_hz: int = 20,
    **options: object,
) -> Path:
    """Code frames with high quality; options go to the muxer."""
    with av.open(path, "w", options=options) as sink:
        video = sink.add_stream(codec, rate=rate_hz)
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = pixel_format
        video.options = {"crf": "4", "preset": "ultrafast"} if codec == "libx264" else {"q": "2"}
        for frame in frames:
            sink.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        sink.mux(video.encode())
    return path


def levels(count: int) -> list[np.ndarray]:
    """Plain grey frames, each told apart by its level."""
    return [np.full((64, 80, 3), 10 + 8 * index, np.uint8) for index in range(count)]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mp4", "libx264", "yuv444p"),
        ("a.mov", "libx264", "yuv444p"),
        ("a.avi", "mjpeg", "yuvj444p"),
        ("a.avi", "rawvideo", "bgr24"),
        ("a.avi", "mpeg4", "yuv420p"),
    ],
)
def test_frames_come_in_order_with_their_colours_and_time(
    tmp_path: Path, name: str, codec: str, pixel_format: str
) -> None:
    clip = read(write_cine(tmp_path / name, levels(12), codec, pixel_format)).clips[0]
    assert clip.frames.shape == (12, 64, 80, 3)
    assert np.abs(clip.frames[:, 30, 30, 0].astype(int) - (10 + 8 * np.arange(12))).max() <= 4
    assert clip.frame_time_ms == pytest.approx(50)
    assert clip.name == "cine loop 1"
    assert not clip.is_calibrated


def test_saturated_colours_survive(tmp_path: Path) -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, :32], picture[:, 32:64], picture[:, 64:] = (255, 0, 0), (0, 0, 255), (255, 200, 0)
    frames = read(write_cine(tmp_path / "a.mp4", [picture] * 3)).clips[0].frames
    for column in (16, 48, 80):
        assert np.abs(frames[1, 32, column].astype(int) - picture[32, column]).max() <= 6


def test_a_long_recording_costs_only_the_frames_that_are_kept(tmp_path: Path) -> None:
    path = write_cine(tmp_path / "a.mp4", levels(30))
    clip = read(path, Limits(clip_bytes=10 * 64 * 80 * 3)).clips[0]
    assert clip.frames.shape[0] == 10
    assert np.abs(clip.frames[:, 30, 30, 0].astype(int) - (10 + 24 * np.arange(10))).max() <= 3
    assert clip.frame_time_ms == pytest.approx(150)
    assert clip.note == "one frame in 3 of 30 was read to bound memory"
    with pytest.raises(StudyError, match="30 frames, more than the 20"):
        read(path, Limits(cine_frames=20))


def test_the_turn_of_a_hand_held_recording_is_undone(tmp_path: Path) -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:16, :16] = 255
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as sink:
        video = sink.add_stream("libx264", rate=20)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        video.set_display_rotation(90)
        for _ in range(3):
            sink.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        sink.mux(video.encode())
    frame = read(path).clips[0].frames[0]
    assert frame.shape == (96, 64, 3)
    assert frame[-5, 5].min() > 200  # a quarter turn counter-clockwise: top left goes bottom left


def test_one_frame_is_a_still(tmp_path: Path) -> None:
    clip = read(write_cine(tmp_path / "a.mp4", levels(1))).clips[0]
    assert not clip.is_cine
    assert clip.frame_time_ms is None


@pytest.mark.parametrize("name", ["front.mp4", "back.mp4", "a.avi"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.7])
def test_a_truncated_cine_is_refused_in_silence(
    tmp_path: Path, name: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    options = {"movflags": "faststart"} if name.startswith("front") else {}
    codec = "mjpeg" if name.endswith("avi") else "libx264"
    pixel_format = "yuvj444p" if name.endswith("avi") else "yuv444p"
    frames = [speckle(seed=index) for index in range(20)]
    path = write_cine(tmp_path / name, frames, codec, pixel_format, **options)
    capfd.readouterr()
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(StudyError, match=r"truncated or damaged|not an image"):
        read(path)
    assert capfd.readouterr() == ("", "")


def test_sound_without_a_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as sink:
        sound = sink.add_stream("aac", rate=44100)
        frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate = 44100
        sink.mux(sound.encode(frame))
        sink.mux(sound.encode())
    with pytest.raises(StudyError, match="no moving picture"):
        read(path)


def test_a_playlist_cannot_make_the_reader_open_other_files(tmp_path: Path) -> None:
    real = write_cine(tmp_path / "real.mp4", levels(3))
    trap = tmp_path / "trap.mp4"
    trap.write_text(f"ffconcat version 1.0\nfile '{real}'\n")
    with pytest.raises(StudyError, match="not an image, cine loop or DICOM"):
        read(trap)
    trap.write_bytes(b"\0\0\0\x18ftypisom" + trap.read_bytes())
    with pytest.raises(StudyError, match="damaged"):
        read(trap)
