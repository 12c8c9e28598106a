"""DICOM instances: colours, headers, timing, and what is refused."""

from __future__ import annotations

import csv
import importlib.util
import io
from pathlib import Path

import av
import numpy as np
import pytest
from dicom_files import instance, region, speckle, with_regions, write, write_encapsulated
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from echovlm.errors import StudyError
from echovlm.imaging import Limits, read
from echovlm.study import Mode
from echovlm.terms import Anatomy


def frames_of(path: Path) -> np.ndarray:
    return read(path).clips[0].frames


@pytest.fixture(scope="session")
def dicom_dir(shared_dir: Path) -> Path:
    folder = shared_dir / "ultrasound" / "dicom"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared/ultrasound/dicom, which is absent")
    return folder


# Real files ---------------------------------------------------------------------------------------


def test_every_real_file_gives_the_size_and_spacing_of_the_manifest(dicom_dir: Path) -> None:
    with open(dicom_dir / "manifest.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 19
    for row in rows:
        if row["transfer_syntax"].endswith(".4.111") and not importlib.util.find_spec(
            "imagecodecs"
        ):
            continue
        clip = read(dicom_dir / row["file"]).clips[0]
        size = (int(row["frames"]), int(row["rows"]), int(row["cols"]))
        assert clip.frames.shape[:3] == size, row["file"]
        formats = row["region_spatial_formats"].split()
        deltas_cm = row["physical_delta_x"].split()
        stated = [float(d) * 10 for f, d in zip(formats, deltas_cm, strict=True) if f == "1"]
        suspect = row["file"] in ("examples_ybr_color.dcm", "examples_palette.dcm")
        if stated and not suspect:
            assert clip.pixel_spacing_mm == pytest.approx((stated[0], stated[0])), row["file"]
            assert clip.calibration_note == ""
        else:
            assert clip.pixel_spacing_mm is None, row["file"]
            assert ("exceeds the frame" in clip.calibration_note) == suspect


@pytest.mark.parametrize(
    ("one", "other", "mean_difference"),
    [
        ("US1_UNCR.dcm", "US1_J2KR.dcm", 0.0),
        ("US1_UNCR.dcm", "US1_J2KI.dcm", 2.0),
        ("OBXXXX1A.dcm", "OBXXXX1A_rle.dcm", 0.0),
        ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm", 0.0),
        ("OBXXXX1A_2frame.dcm", "OBXXXX1A_rle_2frame.dcm", 0.0),
        ("color-pl.dcm", "color-px.dcm", 0.0),
    ],
)
def test_variants_of_one_picture_have_the_same_colours(
    dicom_dir: Path, one: str, other: str, mean_difference: float
) -> None:
    first, second = frames_of(dicom_dir / one), frames_of(dicom_dir / other)
    assert first.std() > 5  # a black picture would agree with any other black picture
    assert np.abs(first.astype(int) - second.astype(int)).mean() <= mean_difference


def test_real_colours_are_those_of_the_machine(dicom_dir: Path) -> None:
    # Seen by eye: a blue Philips banner, a yellow power Doppler patch, grey tissue without a tint.
    banner = frames_of(dicom_dir / "OBXXXX1A_expb.dcm")[0, 15, 400].astype(int)
    assert banner[2] > banner[0] + 40
    patch = frames_of(dicom_dir / "ExplVR_BigEnd.dcm")[0, 30, 40].astype(int)
    assert patch.tolist() == [255, 255, 0]
    for name in ("YBR_FULL-RLE.dcm", "examples_ybr_color.dcm", "sonoque_anechoic-3mm-3mm.dcm"):
        frame = frames_of(dicom_dir / name)[0].reshape(-1, 3).astype(int)
        tinted = np.abs(frame - frame.mean(axis=1, keepdims=True)).max(axis=1) > 12
        assert tinted.mean() < 0.06, name  # green tint is the classic defect of YBR


def test_real_headers_give_time_mode_and_anatomy(dicom_dir: Path) -> None:
    cine = read(dicom_dir / "jpeg-ls-Palette.dcm")
    assert cine.clips[0].frame_time_ms == 76.0
    assert cine.anatomy is Anatomy.HEART
    neck = read(dicom_dir / "YBR_FULL-RLE.dcm")
    assert neck.anatomy is Anatomy.THYROID
    assert neck.clips[0].mode is Mode.B_MODE
    assert read(dicom_dir / "color-pl.dcm").clips[0].mode is Mode.COLOUR_DOPPLER


# Photometric interpretations ----------------------------------------------------------------------


def test_monochrome1_is_shown_inverted(tmp_path: Path) -> None:
    stored = np.tile(np.arange(80, dtype=np.uint8), (64, 1))
    path = write(instance(stored, PhotometricInterpretation="MONOCHROME1"), tmp_path / "a")
    assert np.array_equal(frames_of(path)[0, ..., 1], 255 - stored)


def test_stored_bits_are_spread_over_eight(tmp_path: Path) -> None:
    stored = np.tile(np.linspace(0, 4095, 80).astype(np.uint16), (64, 1))
    path = write(instance(stored, BitsStored=12, HighBit=11), tmp_path / "a")
    shown = frames_of(path)[0, 0, :, 0]
    assert (shown[0], shown[-1]) == (0, 255)
    assert np.abs(shown - stored[0] / 4095 * 255).max() <= 0.5


def test_signed_grey_and_the_window_are_applied(tmp_path: Path) -> None:
    stored = np.tile(np.linspace(-500, 500, 80).astype(np.int16), (64, 1))
    path = write(instance(stored, WindowCenter=0, WindowWidth=200), tmp_path / "a")
    shown = frames_of(path)[0, 0, :, 0].astype(int)
    assert (shown[0], shown[-1]) == (0, 255)
    inside = np.abs(stored[0]) < 90
    expected = ((stored[0] + 0.5) / 199 + 0.5) * 255  # PS3.3 C.11.2.1.2.1
    assert np.abs(shown - expected)[inside].max() <= 1


def palette_instance(
    table: np.ndarray, indices: np.ndarray, bits: int, first: int = 0, **kwargs: object
) -> Dataset:
    dataset = instance(indices, PhotometricInterpretation="PALETTE COLOR", **kwargs)
    big = dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian
    for channel, colour in enumerate(("Red", "Green", "Blue")):
        name = f"{colour}PaletteColorLookupTable"
        setattr(dataset, f"{name}Descriptor", [len(table), first, bits])
        values = table[:, channel]
        data = values.astype("u1").tobytes() if bits == 8 else values.astype("<u2").tobytes()
        words = np.frombuffer(data, "<u2")
        setattr(dataset, f"{name}Data", words.astype(">u2" if big else "<u2").tobytes())
    return dataset


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ExplicitVRBigEndian])
@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_of_either_depth_and_byte_order_give_the_same_colours(
    tmp_path: Path, syntax: str, bits: int
) -> None:
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (256, 3))
    indices = rng.integers(0, 256, (64, 80)).astype(np.uint8)
    table = colours if bits == 8 else colours * 257
    path = write(palette_instance(table, indices, bits, syntax=syntax), tmp_path / "a")
    assert np.array_equal(frames_of(path)[0], colours[indices])


def test_eight_bit_values_declared_as_sixteen_are_not_scaled_to_black(tmp_path: Path) -> None:
    colours = np.stack([np.arange(256)] * 3, axis=1)
    indices = np.full((64, 80), 200, np.uint8)
    path = write(palette_instance(colours, indices, 16), tmp_path / "a")
    assert frames_of(path)[0, 0, 0].tolist() == [200, 200, 200]


def test_indices_outside_the_palette_take_its_nearest_entry(tmp_path: Path) -> None:
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [100, 110, 120]])
    indices = np.zeros((64, 80), np.uint8)
    indices[0, :4] = (0, 10, 12, 255)
    path = write(palette_instance(colours, indices, 8, first=10), tmp_path / "a")
    assert frames_of(path)[0, 0, :4, 0].tolist() == [10, 10, 70, 100]


def test_a_segmented_palette_is_expanded(tmp_path: Path) -> None:
    dataset = instance(
        np.tile(np.arange(64, dtype=np.uint8), (64, 1)), PhotometricInterpretation="PALETTE COLOR"
    )
    # One discrete value 0, then a linear segment of 255 values up to 65535 (PS3.3 C.7.9.2).
    segments = np.array([0, 1, 0, 1, 255, 65535], "<u2").tobytes()
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"Segmented{colour}PaletteColorLookupTableData", segments)
    shown = frames_of(write(dataset, tmp_path / "a"))[0, 0, :, 0].astype(int)
    assert np.abs(shown - np.arange(64)).max() <= 1


def test_a_palette_shorter_than_it_says_is_refused(tmp_path: Path) -> None:
    dataset = palette_instance(np.zeros((256, 3)), np.zeros((64, 80), np.uint8), 16)
    dataset.BluePaletteColorLookupTableData = b"\0" * 100
    with pytest.raises(StudyError, match="damaged DICOM"):
        read(write(dataset, tmp_path / "a"))


def test_planes_and_pixels_in_turn_are_told_apart(tmp_path: Path) -> None:
    picture = speckle()
    planes = instance(picture, PlanarConfiguration=1)
    planes.PixelData = np.moveaxis(picture, -1, 0).tobytes()
    planes["PixelData"].VR = "OB"
    assert np.array_equal(frames_of(write(planes, tmp_path / "a"))[0], picture)


def test_ybr_full_becomes_rgb(tmp_path: Path) -> None:
    picture = speckle()
    ybr = np.asarray(Image.fromarray(picture).convert("YCbCr"))
    path = write(instance(ybr, PhotometricInterpretation="YBR_FULL"), tmp_path / "a")
    assert np.abs(frames_of(path)[0].astype(int) - picture).max() <= 3


def test_compressed_pictures_keep_their_colours(tmp_path: Path) -> None:
    picture = speckle()
    coded = io.BytesIO()
    Image.fromarray(picture).save(coded, "JPEG", quality=95)
    baseline = write_encapsulated(
        instance(picture, PhotometricInterpretation="YBR_FULL_422"),
        [coded.getvalue()],
        JPEGBaseline8Bit,
        tmp_path / "jpeg",
    )
    assert np.abs(frames_of(baseline)[0].astype(int) - picture).mean() < 3
    for syntax in (RLELossless, JPEG2000Lossless):
        dataset = instance(picture)
        dataset.compress(syntax)
        path = write(dataset, tmp_path / str(syntax))
        assert np.array_equal(frames_of(path)[0], picture), syntax


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_native_transfer_syntaxes_give_the_same_pixels(tmp_path: Path, syntax: str) -> None:
    picture = speckle()
    assert np.array_equal(frames_of(write(instance(picture, syntax), tmp_path / "a"))[0], picture)


def test_a_data_set_without_preamble_is_read(tmp_path: Path) -> None:
    whole = write(instance(speckle(), ImplicitVRLittleEndian), tmp_path / "whole")
    dataset = dcmread(whole)
    with open(tmp_path / "bare", "wb") as stream:
        dataset.save_as(stream, implicit_vr=True, little_endian=True, enforce_file_format=False)
    bare = (tmp_path / "bare").read_bytes()
    (tmp_path / "bare").write_bytes(bare[bare.index(b"\x08\x00\x16\x00") :])
    assert np.array_equal(frames_of(tmp_path / "bare"), frames_of(whole))


# Moving pictures and JPEG XL ----------------------------------------------------------------------


def coded_cine(codec: str, container: str, count: int = 6) -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format=container) as sink:
        video = sink.add_stream(codec, rate=25)
        video.width, video.height, video.pix_fmt = 80, 64, "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(speckle(seed=index), format="rgb24")
            sink.mux(video.encode(frame))
        sink.mux(video.encode())
    return stream.getvalue()


@pytest.mark.parametrize(
    ("codec", "container", "syntax"),
    [
        ("libx264", "mp4", "1.2.840.10008.1.2.4.102"),
        ("libx264", "h264", "1.2.840.10008.1.2.4.103"),
        ("mpeg2video", "mpegts", "1.2.840.10008.1.2.4.100"),
        ("mpeg2video", "mpeg2video", "1.2.840.10008.1.2.4.101"),
        ("mpeg2video", "mpeg", "1.2.840.10008.1.2.4.100"),
    ],
)
def test_video_inside_dicom_is_decoded(
    tmp_path: Path, codec: str, container: str, syntax: str
) -> None:
    dataset = instance(
        np.zeros((6, 64, 80, 3), np.uint8),
        PhotometricInterpretation="YBR_PARTIAL_420",
        FrameTime=50,
    )
    stream = coded_cine(codec, container)
    clip = read(write_encapsulated(dataset, [stream], syntax, tmp_path / "a")).clips[0]
    assert clip.frames.shape == (6, 64, 80, 3)
    assert clip.frame_time_ms == 50
    assert np.abs(clip.frames[0].astype(int) - speckle(seed=0)).mean() < 12


def test_an_unknown_stream_is_refused(tmp_path: Path) -> None:
    dataset = instance(
        np.zeros((6, 64, 80, 3), np.uint8), PhotometricInterpretation="YBR_PARTIAL_420"
    )
    path = write_encapsulated(dataset, [b"no video" * 9], "1.2.840.10008.1.2.4.102", tmp_path / "a")
    with pytest.raises(StudyError, match="video stream of an unknown kind"):
        read(path)


def test_jpeg_xl_without_its_decoder_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = write_encapsulated(
        instance(speckle()), [b"\xff\x0a" * 8], "1.2.840.10008.1.2.4.110", tmp_path / "a"
    )
    with pytest.raises(StudyError, match=r"JPEG XL.*echovlm\[jpegxl\]"):
        read(path)


def test_jpeg_xl_is_decoded(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra echovlm[jpegxl]")
    frames = [speckle(seed=index) for index in range(3)]
    coded = [imagecodecs.jpegxl_encode(frame, lossless=True) for frame in frames]
    path = write_encapsulated(
        instance(np.stack(frames)), coded, "1.2.840.10008.1.2.4.110", tmp_path / "a"
    )
    assert np.array_equal(frames_of(path), np.stack(frames))


# Refusals -----------------------------------------------------------------------------------------


def test_what_cannot_be_decoded_is_refused_by_name(tmp_path: Path) -> None:
    retired = write(instance(speckle(), PhotometricInterpretation="HSV"), tmp_path / "hsv")
    with pytest.raises(StudyError, match="photometric interpretation HSV"):
        read(retired)
    other = write_encapsulated(
        instance(speckle()), [b"1234"], "1.2.840.10008.1.2.4.95", tmp_path / "jpip"
    )
    with pytest.raises(StudyError, match="JPIP Referenced Deflate"):
        read(other)


def test_objects_without_pixels_and_other_modalities_are_refused(tmp_path: Path) -> None:
    report = instance(speckle(), SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    for name in ("Rows", "Columns", "PixelData"):
        delattr(report, name)
    with pytest.raises(StudyError, match=r"without pixels \(Basic Text SR Storage\)"):
        read(write(report, tmp_path / "sr"))
    tomogram = instance(speckle(), SOPClassUID=CTImageStorage, Modality="CT")
    with pytest.raises(StudyError, match="not ultrasound"):
        read(write(tomogram, tmp_path / "ct"))
    for modality in ("", "OT"):
        assert read(write(instance(speckle(), Modality=modality), tmp_path / "ok")).clips


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95, 0.999])
def test_a_truncated_file_is_refused_compressed_or_not(tmp_path: Path, share: float) -> None:
    native = write(instance(speckle()), tmp_path / "native")
    packed = instance(speckle())
    packed.compress(RLELossless)
    for path in (native, write(packed, tmp_path / "packed")):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(StudyError):
            read(path)


def test_a_truncated_lossless_jpeg_is_not_painted_half(dicom_dir: Path, tmp_path: Path) -> None:
    whole = (dicom_dir / "JPGLosslessP14SV1_1s_1f_8b.dcm").read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StudyError, match="truncated"):
        read(cut)


def test_a_deflated_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = write(
        instance(np.zeros((40, 64, 80, 3), np.uint8), DeflatedExplicitVRLittleEndian),
        tmp_path / "a",
    )
    assert path.stat().st_size < 4000
    with pytest.raises(StudyError, match="inflates beyond the memory limit"):
        read(path, Limits(study_bytes=100_000))


def test_absurd_header_values_are_refused_without_using_memory(tmp_path: Path) -> None:
    for elements in (
        {"Rows": 60000, "Columns": 60000},
        {"NumberOfFrames": 2_000_000_000},
        {"BitsStored": 60},
        {"SamplesPerPixel": 4},
    ):
        with pytest.raises(StudyError):
            read(write(instance(speckle(), **elements), tmp_path / "a"))


# Time, mode, patient ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elements", "expected_ms"),
    [
        ({"FrameTime": "33.333"}, 33.333),
        ({"FrameTimeVector": ["0", "20", "30", "40"]}, 30.0),
        ({"CineRate": "25"}, 40.0),
        ({"RecommendedDisplayFrameRate": "50"}, 20.0),
        ({"FrameTime": "0", "CineRate": "20"}, 50.0),
        ({}, None),
    ],
)
def test_time_between_frames_comes_from_the_first_element_that_states_it(
    tmp_path: Path, elements: dict[str, object], expected_ms: float | None
) -> None:
    cine = instance(np.stack([speckle(seed=index) for index in range(4)]), **elements)
    assert read(write(cine, tmp_path / "a")).clips[0].frame_time_ms == expected_ms
    still = instance(speckle(), **elements)
    assert read(write(still, tmp_path / "b")).clips[0].frame_time_ms is None


def test_a_long_cine_is_thinned_by_a_whole_step_and_says_so(tmp_path: Path) -> None:
    stack = np.stack([np.full((64, 80), index, np.uint8) for index in range(20)])
    path = write(instance(stack, FrameTime=10), tmp_path / "a")
    clip = read(path, Limits(clip_bytes=7 * 64 * 80 * 3)).clips[0]
    assert clip.frames[:, 0, 0, 0].tolist() == [0, 3, 6, 9, 12, 15, 18]
    assert clip.frame_time_ms == 30
    assert "one frame in 3 of 20" in clip.note


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.parametrize(
    ("value", "mode"),
    [
        ("0001", Mode.B_MODE),
        ("0011", Mode.COLOUR_DOPPLER),
        ("0009", Mode.SPECTRAL_DOPPLER),
        ("0003", Mode.M_MODE),
        ("none", Mode.UNKNOWN),
    ],
)
def test_image_type_names_the_mode_where_there_are_no_regions(
    tmp_path: Path, value: str, mode: Mode
) -> None:
    dataset = instance(speckle(), ImageType=["ORIGINAL", "PRIMARY", "", value])
    assert read(write(dataset, tmp_path / "a")).clips[0].mode is mode


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_no_patient_data_reaches_the_study_or_a_message(tmp_path: Path) -> None:
    secrets = {
        "PatientName": "Wang^Xiaoming",
        "PatientID": "ID-918273",
        "PatientBirthDate": "19610307",
        "InstitutionName": "Hospital Seven",
        "AccessionNumber": "ACC5566",
        "StudyDescription": "Thyroid of Wang",
        "SeriesDescription": "room 4",
    }
    good = with_regions(region(), **secrets)
    study = read(write(good, tmp_path / "Wang_Xiaoming.dcm"))
    text = repr(study) + "".join(repr(clip) for clip in study.clips) + str(study.clips[0].name)
    bad = with_regions(region(), PhotometricInterpretation="Wang^Xiaoming", **secrets)
    with pytest.raises(StudyError) as caught:
        read(write(bad, tmp_path / "a"))
    text += str(caught.value).replace(str(tmp_path), "")
    for secret in ("Wang", "Xiaoming", "918273", "19610307", "Seven", "5566", "room 4"):
        assert secret not in text
    assert study.anatomy is Anatomy.THYROID


def test_two_patients_in_one_folder_are_noted(tmp_path: Path) -> None:
    for index, patient in enumerate(["A1", "A1", "B2"]):
        write(instance(speckle(), PatientID=patient), tmp_path / f"{index}.dcm")
    assert read(tmp_path).notes == (
        "the DICOM files name 2 different patients, but a study is of one",
    )
    (tmp_path / "2.dcm").unlink()
    assert read(tmp_path).notes == ()


def test_coded_anatomy_wins_over_words(tmp_path: Path) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "10200004", "SCT", "Liver"
    dataset = instance(
        speckle(), AnatomicRegionSequence=Sequence([item]), StudyDescription="Kidney"
    )
    assert read(write(dataset, tmp_path / "a")).anatomy is Anatomy.LIVER
