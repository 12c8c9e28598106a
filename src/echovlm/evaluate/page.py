"""One self-contained HTML page of an evaluation: tables, pictures, worst cases side by side.

The page needs no other file and no network; everything that comes from data or models is escaped.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from PIL import Image

from echovlm.evaluate.rows import AVERAGE, HEADLINES
from echovlm.evaluate.tables import cell, clean, left_out

_SIDE_PX = 256
_TEMPLATE = "page.html.jinja"


@dataclass(frozen=True)
class Drawing:
    """A picture of the page.

    Attributes:
        title: under it.
        svg: the picture.
    """

    title: str
    svg: bytes


@dataclass(frozen=True)
class WorstCase:
    """A report that agrees little with its reference.

    Attributes:
        id: of the item.
        system: whose report it is.
        anatomy: of the item.
        language: of the texts.
        metric: by which it is among the worst.
        score: its value, 0-100.
        reference: the true text.
        texts: what each system wrote.
        remarks: sentences on what is wrong with the text of ``system``, by itself and against the
            reference.
        pictures: ``(H, W, 3)`` uint8 RGB.
    """

    id: str
    system: str
    anatomy: str
    language: str
    metric: str
    score: float
    reference: str
    texts: Mapping[str, str]
    remarks: Sequence[str]
    pictures: Sequence[np.ndarray]


def page(result: Mapping[str, Any], drawings: Sequence[Drawing], worst: Sequence[WorstCase]) -> str:
    """The page as HTML.

    Args:
        result: what ``results.json`` holds.
        drawings: in order.
        worst: in order.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    rows = result["rows"]
    averages = [row for row in rows if row["anatomy"] == AVERAGE]
    signatures: dict[str, dict[str, str]] = {
        f"{row['language']} {row['metric']}": {
            "name": f"{row['metric']}, {row['language']}",
            "signature": row["signature"],
        }
        for row in rows
        if row["signature"]
    }
    return environment.from_string(template).render(
        about=result["about"],
        left_out=left_out(result["about"]),
        contamination=clean(result),
        notes=result["notes"],
        main=[row for row in averages if row["metric"] in HEADLINES],
        others=[row for row in averages if row["metric"] not in HEADLINES],
        anatomies=[row for row in rows if row["anatomy"] != AVERAGE],
        comparisons=result["comparisons"],
        figures=[
            {"title": one.title, "source": _data("image/svg+xml", one.svg)} for one in drawings
        ],
        worst=[
            {name: getattr(case, name) for name in case.__dataclass_fields__}
            | {"pictures": [_thumbnail(picture) for picture in case.pictures]}
            for case in worst
        ],
        signatures=list(signatures.values()),
        cell=cell,
        signed=lambda value, digits: "undefined" if value is None else f"{value:+.{digits}f}",
    )


def _thumbnail(picture: np.ndarray) -> str:
    small = Image.fromarray(picture)
    small.thumbnail((_SIDE_PX, _SIDE_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return _data("image/jpeg", buffer.getvalue())


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
