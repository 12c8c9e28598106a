"""A page to look at: pictures of a set drawn evenly over anatomies, with what is said about them.

A person who looks at fifty pictures finds faults that no count shows. The sheet is one PNG, or one
HTML page that needs no other file.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from echovlm.data.quality import pictures
from echovlm.data.sample import Sample
from echovlm.data.store import StoredSet, read_inside, read_studies
from echovlm.data.writing import write_whole
from echovlm.errors import OptionError

_TILE_PX = 220
_CAPTION_PX = 34
_COLUMNS = 8


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of the sheet.

    Attributes:
        pixels: ``(H, W, 3)`` uint8.
        group: its anatomy and source.
        title: what it is, for the caption.
        texts: what is said about it.
    """

    pixels: np.ndarray
    group: str
    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class _Candidate:
    group: str
    title: str
    path: str
    shard: str
    texts: tuple[str, ...]


def write_contact_sheet(stored: StoredSet, path: Path, count: int = 48, seed: int = 0) -> int:
    """Write a contact sheet.

    Args:
        stored: an imported or built set.
        path: file to write, ``.png`` or ``.html``.
        count: most pictures.
        seed: decides which.

    Returns:
        Number of pictures on the sheet.

    Raises:
        OptionError: for another kind of file.
        DataError: when the set is damaged.
        OutputError: when the file could not be written.
    """
    if path.suffix.lower() not in (".png", ".html"):
        raise OptionError(f"{path} is neither a .png nor a .html file; name one of these.")
    tiles = draw_tiles(stored, count, seed)
    data = _png(tiles) if path.suffix.lower() == ".png" else _html(stored.folder.name, tiles)
    write_whole(path, [data])
    return len(tiles)


def draw_tiles(stored: StoredSet, count: int, seed: int) -> list[Tile]:
    """Draw pictures, as evenly as possible over the groups of a set."""
    rng = np.random.default_rng(seed)
    chosen: dict[str, list[_Candidate]] = {}
    met: dict[str, int] = {}
    for candidate in _candidates(stored):
        # Reservoir sampling (Vitter 1985): every candidate of a group is kept equally likely.
        met[candidate.group] = met.get(candidate.group, 0) + 1
        kept = chosen.setdefault(candidate.group, [])
        if len(kept) < count:
            kept.append(candidate)
        elif (place := int(rng.integers(met[candidate.group]))) < count:
            kept[place] = candidate
    drawn: list[_Candidate] = []
    for turn in range(count):
        for group in sorted(chosen):
            if turn < len(chosen[group]) and len(drawn) < count:
                drawn.append(chosen[group][turn])
    drawn.sort(key=lambda candidate: candidate.group)
    return [tile for candidate in drawn if (tile := _tile(stored, candidate)) is not None]


def _candidates(stored: StoredSet) -> Iterator[_Candidate]:
    for record in stored.records():
        facts = tuple(f"{fact.name}: {fact.value}" for fact in record.facts)
        reports = tuple(f"{text.findings} {text.impression}".strip() for text in record.reports)
        group = f"{record.anatomy or 'unknown'} · {record.source}"
        yield _Candidate(group, record.id, record.pictures[0].path, "", facts + reports)
    last = ""
    for sample, shard in _samples(stored):
        if sample.images and sample.study != last:
            last = sample.study
            group = f"{sample.anatomy or 'unknown'} · {sample.source}"
            texts = (sample.question, sample.answer)
            yield _Candidate(group, sample.id, sample.images[0], shard, texts)


def _samples(stored: StoredSet) -> Iterator[tuple[Sample, str]]:
    if stored.manifest.kind == "samples" and stored.manifest.store == "parquet":
        for shard in stored.shards():
            for study in read_studies(shard):
                yield from ((sample, shard.name) for sample in study.samples)
    else:
        yield from ((sample, "") for sample in stored.samples())


def _tile(stored: StoredSet, candidate: _Candidate) -> Tile | None:
    if candidate.shard:
        shard = stored.folder / "samples" / candidate.shard
        studies = read_studies(shard)
        data = next(s.pictures[candidate.path] for s in studies if candidate.path in s.pictures)
    else:
        data = read_inside(stored.folder, candidate.path)
    pixels = pictures.decode(data)
    if pixels is None:
        return None
    return Tile(pixels, candidate.group, candidate.title, candidate.texts)


def _thumbnail(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    image.thumbnail((_TILE_PX, _TILE_PX), Image.Resampling.LANCZOS)
    return image


def _png(tiles: Sequence[Tile]) -> bytes:
    rows = max(1, -(-len(tiles) // _COLUMNS))
    height = _TILE_PX + _CAPTION_PX
    sheet = Image.new("RGB", (_COLUMNS * _TILE_PX, rows * height), (24, 24, 24))
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for number, tile in enumerate(tiles):
        left, top = number % _COLUMNS * _TILE_PX, number // _COLUMNS * height
        sheet.paste(_thumbnail(tile.pixels), (left, top))
        for line, text in enumerate((tile.group, tile.title)):
            shown = text.encode("latin-1", "replace").decode("latin-1")[:36]
            pen.text((left + 3, top + _TILE_PX + 2 + 14 * line), shown, (230, 230, 230), font)
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _html(name: str, tiles: Sequence[Tile]) -> bytes:
    figures = []
    for tile in tiles:
        stream = io.BytesIO()
        _thumbnail(tile.pixels).save(stream, "JPEG", quality=85)
        source = base64.b64encode(stream.getvalue()).decode("ascii")
        said = "".join(f"<p>{html.escape(text)}</p>" for text in tile.texts[:12])
        figures.append(
            f'<figure><img alt="" src="data:image/jpeg;base64,{source}">'
            f"<figcaption><b>{html.escape(tile.group)}</b><br>{html.escape(tile.title)}{said}"
            "</figcaption></figure>"
        )
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{html.escape(name)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(name)}: {len(tiles)} pictures</h1>"
        f"<main>{''.join(figures)}</main></html>\n"
    )
    return page.encode("utf-8")


_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:1rem;background:#181818;color:#ddd}"
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:1rem}"
    "figure{margin:0;background:#222;padding:.5rem}img{width:100%;height:auto}"
    "p{margin:.2rem 0;color:#aaa}figcaption{font-size:12px;overflow-wrap:anywhere}"
)
