"""Miniature trees in the published layouts of public sets; every pixel is drawn."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image
from scripted import speckle

HEIGHT, WIDTH = 96, 128


def still(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(speckle(seed, HEIGHT, WIDTH)).convert("RGB").save(path)


def disc(x: float = 64, y: float = 48, radius: float = 18) -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).astype(np.uint8)


def mask(path: Path, drawn: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((disc() if drawn is None else drawn) * 255).save(path)


def busi(root: Path) -> Path:
    for kind in ("benign", "malignant", "normal"):
        for number in (1, 2, 10):
            still(root / kind / f"{kind} ({number}).png", number)
            empty = np.zeros((HEIGHT, WIDTH), np.uint8)
            drawn = empty if kind == "normal" else None
            mask(root / kind / f"{kind} ({number})_mask.png", drawn)
    mask(root / "benign" / "benign (2)_mask_1.png", disc(100, 60, 12))
    (root / "malignant" / "malignant (10)_mask.png").unlink()
    return root


def bus_uc(root: Path) -> Path:
    for kind in ("Benign", "Malignant"):
        for number in (1, 2):
            still(root / kind / "images" / f"{number:03d}.png", number)
            mask(root / kind / "masks" / f"{number:03d}.png")
    return root


def svg(*regions: list[tuple[int, int]]) -> str:
    """Outlines as DDTI writes them."""
    return json.dumps(
        [
            {"points": [{"x": x, "y": y} for x, y in corners], "annotation": {}}
            for corners in regions
        ]
    )


CORNERS = [(40, 30), (90, 32), (88, 70), (42, 68)]


def ddti_case(
    root: Path, number: int, marks: dict[int, str], tirads: str = "4a", margins: str = ""
) -> None:
    """One XML file with two pictures; ``marks`` are outlines by picture."""
    root.mkdir(parents=True, exist_ok=True)
    drawn = "".join(
        f"<mark><image>{index}</image><svg>{outline}</svg></mark>"
        for index, outline in marks.items()
    )
    (root / f"{number}.xml").write_text(
        f"<case><number>{number}</number><age>40</age><sex>F</sex>"
        "<composition>solid</composition><echogenicity>hypoechogenicity </echogenicity>"
        f"<margins>{margins or 'well defined smooth'}</margins>"
        f"<calcifications>non</calcifications><tirads>{tirads}</tirads>"
        f"<reportbacaf></reportbacaf><reporteco></reporteco>{drawn}</case>"
    )
    still(root / f"{number}_1.jpg", number)
    still(root / f"{number}_2.jpg", number + 50)


def ddti(root: Path) -> Path:
    ddti_case(root, 1, {1: svg(CORNERS)})
    ddti_case(root, 12, {1: svg(CORNERS)}, tirads="")
    (root / "3.xml").write_text("<case><number>3")
    still(root / "3_1.jpg", 3)
    return root


def tn3k(root: Path) -> Path:
    for part in ("trainval", "test"):
        for number in (0, 1):
            still(root / f"{part}-image" / f"{number:04d}.jpg", number)
            mask(root / f"{part}-mask" / f"{number:04d}.jpg")
    (root / "tn3k-trainval-fold0.json").write_text('{"train": [0], "val": [1]}')
    (root / "label4trainval.csv").write_text("0000.jpg,1\n0001.jpg,0\n")
    return root


def mmotu(root: Path) -> Path:
    folder = root / "OTU_2d"
    for number in (1, 2, 3, 4):
        still(folder / "images" / f"{number}.JPG", number)
        mask(folder / "annotations" / f"{number}.PNG")
        mask(folder / "annotations" / f"{number}_binary.PNG")
        mask(folder / "annotations" / f"{number}_binary_binary.PNG")
    (folder / "train.txt").write_text("1\n2\n")
    (folder / "train_cls.txt").write_text("1.JPG  0\n2.JPG  5\n")
    (folder / "val_cls.txt").write_text("3.JPG  7\n")
    return root


def nifti(path: Path, values: np.ndarray, spacing: float) -> None:
    """Write ``(H, W)`` as x-fastest NIfTI-1."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 2, values.shape[1], values.shape[0], 1, 1, 1, 1, 1)
    struct.pack_into("<h", header, 70, 2)
    struct.pack_into("<8f", header, 76, 1, spacing, 2 * spacing, 1, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    header[344:348] = b"n+1\0"
    path.write_bytes(gzip.compress(bytes(header) + values.astype(np.uint8).tobytes()))


def meta(path: Path, values: np.ndarray, spacing: float) -> None:
    path.write_text(
        f"ObjectType = Image\nNDims = 3\nDimSize = {values.shape[1]} {values.shape[0]} 1\n"
        f"ElementType = MET_UCHAR\nElementSpacing = {spacing} {2 * spacing} 1\n"
        f"ElementDataFile = {path.stem}.raw\n"
    )
    path.with_suffix(".raw").write_bytes(values.astype(np.uint8).tobytes())


def camus(root: Path) -> Path:
    for number, write, end in ((1, nifti, ".nii.gz"), (2, meta, ".mhd")):
        folder = root / f"patient{number:04d}"
        folder.mkdir(parents=True)
        for view in ("2CH", "4CH"):
            for moment in ("ED", "ES"):
                stem = f"patient{number:04d}_{view}_{moment}"
                write(folder / f"{stem}{end}", speckle(number, HEIGHT, WIDTH), 0.3)
                write(folder / f"{stem}_gt{end}", disc() + disc(radius=9), 0.3)
            name = "EF" if number == 1 else "LVef"
            write(folder / f"patient{number:04d}_{view}_half_sequence{end}", disc(), 0.3)
            (folder / f"Info_{view}.cfg").write_text(
                f"ED: 1\nES: 12\nNbFrame: 12\nSex: F\nAge: 56\nImageQuality: Good\n"
                f"{name}: 5{number}.5\nFrameRate: 47.6\n"
            )
        (folder / "MANDATORY_CITATION.md").write_text("cite")
    return root
