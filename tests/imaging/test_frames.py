"""Key frames and the pictures that the network sees."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_files import region, speckle, with_regions
from hypothesis import given
from hypothesis import strategies as st

from echovlm.imaging import choose_images, key_frames, study_images
from echovlm.imaging.limits import evenly_spaced
from echovlm.imaging.regions import regions_of
from echovlm.study import Clip, Study


def loop(count: int, blurred: tuple[int, ...] = ()) -> Clip:
    """A loop of different frames, all sharp but those named."""
    frames = []
    for index in range(count):
        frame = speckle(32, 32, seed=index) if index not in blurred else np.full((32, 32, 3), index)
        frames.append(frame.astype(np.uint8))
    return Clip(np.stack(frames))


@given(st.integers(1, 40), st.integers(1, 12))
def test_key_frames_are_distinct_increasing_and_spread(total: int, count: int) -> None:
    frames = np.zeros((total, 4, 4, 3), np.uint8)
    frames[:, 0, 0, 0] = np.arange(total)
    chosen = key_frames(Clip(frames), count)
    assert len(chosen) == min(total, count)
    assert list(chosen) == sorted(set(chosen))
    if total > count:  # one in each share
        assert [int((index + 0.5) * count / total) for index in chosen] == list(range(count))


def test_key_frames_are_the_same_every_time_and_avoid_blur() -> None:
    clip = loop(32, blurred=(2, 6, 10, 14, 18, 22, 26, 30))  # the middles of eight shares
    chosen = key_frames(clip, 8)
    assert chosen == key_frames(clip, 8)
    assert not set(chosen) & {2, 6, 10, 14, 18, 22, 26, 30}


def test_a_frozen_loop_gives_each_picture_once() -> None:
    frames = np.repeat(loop(2).frames, 20, axis=0)
    assert len(key_frames(Clip(frames), 8)) == 2
    assert len(key_frames(Clip(frames[:20]), 8)) == 1


def test_alike_frames_give_the_middle_of_their_share() -> None:
    frames = np.zeros((24, 8, 8, 3), np.uint8)
    frames[:, 0, 0] = np.arange(24)[:, None]  # a corner, which sharpness does not look at
    assert key_frames(Clip(frames), 3) == (3, 11, 19)


def test_a_still_has_one_key_frame_and_no_count_below_one() -> None:
    assert key_frames(loop(1), 8) == (0,)
    with pytest.raises(ValueError, match="at least 1"):
        key_frames(loop(3), 0)
    with pytest.raises(ValueError, match="at least 1"):
        study_images(Study((loop(1),)), 0)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 20))
def test_images_are_bounded_and_every_clip_comes_first_once(
    counts: list[int], max_images: int
) -> None:
    clips = []
    for number, count in enumerate(counts):
        frames = np.full((count, 4, 4, 3), number, np.uint8)
        frames[:, 0, 0, 0] = np.arange(count)
        clips.append(Clip(frames))
    images = choose_images(Study(tuple(clips)), max_images)
    assert 1 <= len(images) <= max_images
    order = [(image.clip_index, image.frame_index) for image in images]
    assert order == sorted(set(order))
    assert len({index for index, _ in order}) == min(len(counts), max_images)
    most = min(max_images, sum(min(count, 8) for count in counts))
    assert len(images) == most


def test_a_cine_gives_the_eight_frames_of_the_published_system() -> None:
    assert len(study_images(Study((loop(60),)))) == 8
    assert len(study_images(Study((loop(60), loop(1))), 16)) == 9
    assert len(study_images(Study((loop(60), loop(60), loop(60))), 16)) == 16


def test_study_images_are_whole_frames_without_a_copy() -> None:
    clip = loop(1)
    (pixels,) = study_images(Study((clip,)))
    assert pixels.shape == (32, 32, 3)
    assert np.shares_memory(pixels, clip.frames)


def calibrated(exceeds: bool = False) -> Clip:
    item = region(RegionLocationMinX0=10, RegionLocationMinY0=20)
    if exceeds:
        item.RegionLocationMaxX1 = 300
    regions = regions_of(with_regions(item), 64, 80)
    return Clip(
        np.zeros((1, 64, 80, 3), np.uint8),
        regions=regions,
        pixel_spacing_mm=regions[0].pixel_spacing_mm,
    )


def test_cropping_keeps_the_way_back_to_the_frame_and_to_mm() -> None:
    (image,) = choose_images(Study((calibrated(),)), crop=True)
    assert image.box == (10, 20, 80, 64)
    assert image.pixels.shape == (44, 70, 3)
    # Shown to the network at 392 x 392: its centre is the centre of the box.
    assert image.to_frame(196, 196, (392, 392)) == pytest.approx((45, 42))
    left = image.to_frame(0, 0, (392, 392))
    right = image.to_frame(392, 0, (392, 392))
    assert image.pixel_spacing_mm is not None
    assert (right[0] - left[0]) * image.pixel_spacing_mm[1] == pytest.approx(70 * 0.2)


def test_an_untrusted_box_is_not_cropped_to() -> None:
    (image,) = choose_images(Study((calibrated(exceeds=True),)), crop=True)
    assert image.box == (0, 0, 80, 64)
    assert image.pixel_spacing_mm is None


@given(st.integers(1, 500), st.integers(1, 50))
def test_evenly_spaced_indices_are_inside_and_distinct(total: int, count: int) -> None:
    indices = evenly_spaced(total, count)
    assert len(set(indices.tolist())) == min(total, count)
    assert indices.min() >= 0
    assert indices.max() < total
