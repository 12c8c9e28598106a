"""Duplicates: the same picture is found under any setting, unrelated ones are left alone."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scripted import speckle

from echovlm.data.quality.duplicates import NEAR_BITS, Pictures, near_pairs, perceptual_hash
from echovlm.data.record import Picture, Record

D1, D2, D3 = (digit * 64 for digit in "123")


def away(first: np.ndarray, second: np.ndarray) -> int:
    bits = [
        np.unpackbits(np.frombuffer(bytes.fromhex(perceptual_hash(pixels)), np.uint8))
        for pixels in (first, second)
    ]
    return int((bits[0] != bits[1]).sum())


def test_gain_compression_and_size_leave_a_picture_near():
    picture = speckle(1, 256, 300)
    image = Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=70)
    variants = {
        "gain": np.clip(picture * 1.15, 0, 255).astype(np.uint8),
        "jpeg": np.asarray(Image.open(stream)),
        "size": np.asarray(image.resize((200, 170))),
    }
    assert all(away(picture, variant) <= NEAR_BITS for variant in variants.values())
    assert away(picture, speckle(2, 256, 300)) > 2 * NEAR_BITS


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_drawn_pairs_find_what_comparing_all_finds(seed):
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (300, 256), dtype=np.uint8)
    for number in range(50):  # near ones, 0 to 30 bits away
        flips = rng.choice(256, rng.integers(0, 31), replace=False)
        bits[250 + number] = bits[number]
        bits[250 + number, flips] ^= 1
    hashes = np.packbits(bits, axis=1).tobytes()
    every = near_pairs(hashes)
    assert {(first, first + 250) for first in range(50)} <= {pair[:2] for pair in every}
    found = near_pairs(hashes, compare_all=10)
    assert set(found) <= set(every)
    assert len(found) >= 0.95 * len(every)


def record(name: str, patient: str, *pictures: tuple[str, str]) -> Record:
    return Record(
        id=name,
        source="s",
        licence="l",
        patient_key=patient,
        pictures=tuple(
            Picture(path="p", sha256=digest, perceptual_hash=hashed, width_px=1, height_px=1)
            for digest, hashed in pictures
        ),
    )


def hashes(count: int) -> list[str]:
    rng = np.random.default_rng(4)
    return [rng.bytes(32).hex() for _ in range(count)]


def test_a_record_all_of_whose_pictures_came_before_is_left_out():
    one, two, three = hashes(3)
    seen = Pictures()
    assert seen.add(record("s/1", "a", (D1, one), (D2, two))) == ""
    assert seen.add(record("s/2", "a", (D1, one))) == "its pictures are those of s/1"
    assert seen.add(record("s/3", "b", (D2, two), (D3, three))) == ""
    assert seen.patient_groups() == [{"a", "b"}, {"a", "b"}]


def test_patients_with_a_nearly_equal_picture_are_one_group():
    (one,) = hashes(1)
    near = bytes([bytes.fromhex(one)[0] ^ 7, *bytes.fromhex(one)[1:]]).hex()
    seen = Pictures()
    seen.add(record("s/1", "a", (D1, one)))
    seen.add(record("s/2", "b", (D2, near)))
    seen.add(record("s/3", "c", (D3, hashes(2)[1])))
    assert seen.patient_groups() == [{"a", "b"}]


def test_real_pictures_of_one_plane_are_found_and_no_others(shared_dir):
    folder = shared_dir / "ultrasound" / "liver" / "AUL"
    paths = sorted(folder.glob("*/image/*.jpg"))
    hashes = [perceptual_hash(np.asarray(Image.open(path).convert("L"))) for path in paths]
    found = near_pairs(bytes.fromhex("".join(hashes)))
    # Looked at by eye: each pair shows one patient in one plane; the set states no patients.
    names = {tuple(sorted((paths[a].stem, paths[b].stem))) for a, b, _ in found}
    assert names == {("108", "150"), ("139", "221")}
