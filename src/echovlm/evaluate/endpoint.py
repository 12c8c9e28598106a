"""A model behind an OpenAI-compatible HTTP endpoint as a system (vLLM, llama.cpp, Ollama, ...).

Pictures travel as PNG in ``data:`` URLs of a ``POST /chat/completions`` request, as the OpenAI API
reference describes image input; decoding is greedy (temperature 0). Such an endpoint writes text
and cannot rank candidates: a closed question lists them, and the answer is read from what it wrote.

Patient data stays on the machine: an endpoint elsewhere has to be allowed explicitly.
"""

from __future__ import annotations

import base64
import io
import ipaddress
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
from PIL import Image
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from echovlm.errors import EchoVLMError, OptionError
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Asked, Reply
from echovlm.terms import Language

_RETRIES = 3
_FIRST_WAIT_S = 1.0
_TIMEOUT_S = 300.0
_AGAIN = (408, 429, 500, 502, 503, 504)


class EndpointError(EchoVLMError):
    """An endpoint could not be reached, or does not answer as the API says."""


class Endpoint:
    """Replies over HTTP.

    Args:
        url: base of the API, up to ``/v1``.
        model: name of the model as the server knows it.
        key: sent as a bearer token; nothing is sent where it is empty.
        max_new_tokens: most tokens of one text.
        parallel: requests at once.
        anywhere: allow a server on another machine.

    Raises:
        OptionError: for an address that is no HTTP URL, or lies elsewhere without permission.
    """

    sees = True
    temperature = 1.0

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        max_new_tokens: int = 512,
        parallel: int = 4,
        *,
        anywhere: bool = False,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OptionError(
                f"{url} is no address of an HTTP endpoint; write http://host:port/v1."
            )
        if not anywhere and not _is_here(parts.hostname):
            raise OptionError(
                f"Pictures would leave this machine for {parts.hostname}; say --send-pictures if "
                "that is permitted."
            )
        self.name = model
        self.version = f"{parts.hostname}|max_new_tokens:{max_new_tokens}"
        self._url = url.rstrip("/") + "/chat/completions"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._max_new_tokens = max_new_tokens
        self._parallel = parallel

    def replies(self, asked: Sequence[Asked]) -> list[Reply | None]:
        """What the model writes about each item, several requests at once."""
        with requests.Session() as session, ThreadPoolExecutor(self._parallel) as pool:
            session.headers.update(self._headers)
            session.mount(self._url, HTTPAdapter(self._parallel, self._parallel, _retry()))
            return list(pool.map(lambda one: self._reply(session, one), asked))

    def _reply(self, session: requests.Session, one: Asked) -> Reply:
        content: list[dict[str, Any]] = [
            {"type": "image_url", "image_url": {"url": _as_url(picture)}}
            for picture in one.pictures
        ]
        content.append({"type": "text", "text": _question(one.item)})
        body = {
            "model": self.name,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": self._max_new_tokens,
            "temperature": 0,
        }
        answer = self._post(session, body)
        try:
            choice = answer["choices"][0]
            return Reply(
                choice["message"]["content"] or "", cut=choice["finish_reason"] == "length"
            )
        except (KeyError, IndexError, TypeError):
            raise EndpointError(
                f"{self._url} did not answer as an OpenAI-compatible endpoint does; check its "
                "address and model."
            ) from None

    def _post(self, session: requests.Session, body: dict[str, Any]) -> Any:
        try:
            response = session.post(self._url, json=body, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            raise EndpointError(
                f"{self._url} cannot be reached ({type(error).__name__}); what it has answered is "
                "kept, run the same command again."
            ) from None
        if not response.ok:
            raise EndpointError(
                f"{self._url} answered with HTTP status {response.status_code}; what it has "
                "answered is kept, run the same command again."
            )
        try:
            return response.json()
        except ValueError:
            return None


def _question(item: Item) -> str:
    """The question; a closed one with what there is to choose from."""
    if not item.candidates:
        return item.question
    if item.language is Language.CHINESE:
        return f"{item.question}\n请只回答下列之一：{'；'.join(item.candidates)}。"
    return f"{item.question}\nAnswer with exactly one of: {'; '.join(item.candidates)}."


def _retry() -> Retry:
    """Ask a busy server again, each time after twice as long."""
    return Retry(
        _RETRIES,
        status_forcelist=_AGAIN,
        allowed_methods=None,
        backoff_factor=_FIRST_WAIT_S,
        raise_on_status=False,
    )


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _as_url(picture: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
