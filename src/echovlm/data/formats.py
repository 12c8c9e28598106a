"""The two forms in which others keep conversations, read and written without loss.

``conversations`` is the form of LLaVA and of the published EchoVLM data:
``{id, image: path or [paths], conversations: [{from: system|human|gpt, value}]}``.
``messages`` is what ms-swift and LLaMA-Factory take:
``{id, images: [paths], messages: [{role: system|user|assistant, content}]}``.

What a form has no field for travels in one additional field, ``echovlm``; fields that this package
does not know are kept in ``Sample.extra``. So both ways round give back what went in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from echovlm.data.sample import Sample
from echovlm.errors import DataError

_OWN = "echovlm"  # our fields inside a foreign record
_KEPT_IMAGES = "echovlm_images_as"  # a spelling of the image field other than a list
_KEPT_TURNS = "echovlm_turn_fields"  # fields of turns beyond speaker and text, by turn number
_KEPT_ID = "echovlm_id_as"  # an id that is no text, or absent
_ABSENT = "absent"


@dataclass(frozen=True)
class Form:
    """Names that one form gives to things.

    Attributes:
        name: as on the command line.
        images: field of the picture paths.
        turns: field of the turns.
        speaker: field of a turn that says who speaks.
        text: field of a turn that says what.
        roles: the form's word for each of our roles.
    """

    name: str
    images: str
    turns: str
    speaker: str
    text: str
    roles: dict[str, str]


CONVERSATIONS = Form(
    "conversations",
    images="image",
    turns="conversations",
    speaker="from",
    text="value",
    roles={"system": "system", "user": "human", "assistant": "gpt"},
)
MESSAGES = Form(
    "messages",
    images="images",
    turns="messages",
    speaker="role",
    text="content",
    roles={"system": "system", "user": "user", "assistant": "assistant"},
)
FORMS = {form.name: form for form in (CONVERSATIONS, MESSAGES)}


def from_foreign(record: dict[str, Any], form: Form, source: str, fallback_id: str) -> Sample:
    """Read one record of a foreign form.

    Args:
        record: the record as parsed JSON.
        form: its form.
        source: name for the data set where the record does not carry our own fields.
        fallback_id: id for a record without one.

    Raises:
        ValueError: with a clause that says what is wrong with the record.
    """
    rest = dict(record)
    turns, turn_fields = _turns(rest.pop(form.turns, None), form)
    images, spelling = _images(rest.pop(form.images, _ABSENT))
    stated = rest.pop("id", None)
    own = rest.pop(_OWN, {})
    extra = dict(rest)
    if spelling:
        extra[_KEPT_IMAGES] = spelling
    if turn_fields:
        extra[_KEPT_TURNS] = turn_fields
    if not isinstance(stated, str) or not stated:
        extra[_KEPT_ID] = _ABSENT if "id" not in record else stated
    name = stated if isinstance(stated, str) and stated else fallback_id
    plain: dict[str, Any] = {"study": name, "source": source, "patient_key": f"{source}/{name}"}
    if not isinstance(own, dict):
        raise ValueError(f"its field '{_OWN}' is no object")
    about = own.pop("turns", None) if (own := dict(own)) else None
    if about is not None:
        if len(about) != len(turns):
            raise ValueError(f"its field '{_OWN}' describes {len(about)} turns of {len(turns)}")
        turns = [{**turn, **more} for turn, more in zip(turns, about, strict=True)]
    fields = {"id": name, **plain, **own, "images": images, "turns": turns, "extra": extra}
    try:
        return Sample.model_validate_json(json.dumps(fields, ensure_ascii=False))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"its field '{place}' is wrong: {first['msg'].lower()}") from None


def to_foreign(sample: Sample, form: Form) -> dict[str, Any]:
    """Write one sample in a foreign form; our own fields are added only where they say more."""
    record = _plain(sample, form)
    try:
        if from_foreign(record, form, sample.source, sample.id) == sample:
            return record
    except ValueError:
        pass
    about = sample.model_dump(mode="json", exclude={"id", "images", "turns", "extra"})
    turns = [
        turn.model_dump(mode="json", exclude={"role", "text"}, exclude_defaults=True)
        for turn in sample.turns
    ]
    record[_OWN] = {**about, "turns": turns}
    return record


def _plain(sample: Sample, form: Form) -> dict[str, Any]:
    extra = dict(sample.extra)
    spelling = extra.pop(_KEPT_IMAGES, None)
    turn_fields = extra.pop(_KEPT_TURNS, {})
    kept_id = extra.pop(_KEPT_ID, None)
    record: dict[str, Any] = {}
    if _KEPT_ID not in sample.extra:
        record["id"] = sample.id
    elif kept_id != _ABSENT:
        record["id"] = kept_id
    if spelling == "text":
        record[form.images] = sample.images[0]
    elif spelling == "empty":
        record[form.images] = []
    elif sample.images:
        record[form.images] = list(sample.images)
    record[form.turns] = [
        {form.speaker: form.roles[turn.role], form.text: turn.text, **turn_fields.get(str(n), {})}
        for n, turn in enumerate(sample.turns)
    ]
    return {**record, **extra}


def _turns(value: Any, form: Form) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"it has no list '{form.turns}'")
    roles = {word: role for role, word in form.roles.items()}
    turns, more = [], {}
    for number, turn in enumerate(value):
        if not isinstance(turn, dict) or not isinstance(turn.get(form.text), str):
            raise ValueError(f"turn {number + 1} has no text in '{form.text}'")
        role = roles.get(str(turn.get(form.speaker)))
        if role is None:
            raise ValueError(
                f"turn {number + 1} has '{form.speaker}' other than {', '.join(roles)}"
            )
        turns.append({"role": role, "text": turn[form.text]})
        fields = {k: v for k, v in turn.items() if k not in (form.speaker, form.text)}
        if fields:
            more[str(number)] = fields
    return turns, more


def _images(value: Any) -> tuple[list[str], str]:
    """Paths, and how they were spelled where that was not a list of them."""
    if isinstance(value, str) and value != _ABSENT:
        return [value], "text"
    if value is None or value == _ABSENT:
        return [], ""
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        raise ValueError("its pictures are no list of paths")
    return value, "" if value else "empty"


def read_foreign(path: Path, form: Form, source: str) -> Iterator[Sample | tuple[str, str]]:
    """Read a file of foreign records: a JSON list, or JSON Lines.

    Yields:
        A sample, or ``(key, reason)`` for a record that cannot be used.

    Raises:
        DataError: when the file cannot be read at all.
    """
    for number, record in enumerate(_foreign_records(path), start=1):
        key = f"record {number}"
        if isinstance(record, str):
            yield key, record
        elif not isinstance(record, dict):
            yield key, "it is no JSON object"
        else:
            try:
                yield from_foreign(record, form, source, f"{path.stem}-{number:06d}")
            except ValueError as error:
                yield key, str(error)


def _foreign_records(path: Path) -> Iterator[Any]:
    try:
        with open(path, encoding="utf-8-sig") as stream:
            first = stream.read(1)
            while first.isspace():
                first = stream.read(1)
            stream.seek(0)
            if first == "[":
                yield from json.load(stream)
                return
            for line in stream:
                if line.strip():
                    try:
                        yield json.loads(line)
                    except ValueError:
                        yield "it is no JSON"
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", "Check the path") from None
    except (UnicodeDecodeError, ValueError):
        raise DataError(path, "is not JSON", "Give a JSON list or JSON Lines in UTF-8") from None
