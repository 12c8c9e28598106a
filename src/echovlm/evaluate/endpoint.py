"""A model behind an OpenAI-compatible HTTP endpoint as a system (vLLM, llama.cpp, Ollama, ...).

Pictures travel as PNG in ``data:`` URLs of a ``POST /chat/completions`` request, as the OpenAI API
reference describes image input; decoding is greedy (temperature 0). Such an endpoint writes text
and cannot rank candidates: a closed question lists them, and the answer is read from what it wrote.

Patient data stays on the machine: an endpoint elsewhere has to be allowed explicitly, a redirect is
never followed, and what is on this machine is never asked through a proxy.
"""

from __future__ import annotations

import base64
import io
import ipaddress
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import numpy as np
import requests
from PIL import Image
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from echovlm.errors import EchoVLMError, OptionError
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Asked, Reply
from echovlm.terms import Language

_RETRIES = 3
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60
_TIMEOUT_S = 300.0
_AGAIN = (408, 429, 500, 502, 503, 504)
_REFUSED = (400, 413, 422)  # this question or these pictures, not the caller
_MOST_REFUSED = 16  # before the first answer; more of them are no matter of single questions
_ASK_AGAIN = "what it has answered is kept, run the same command again."
_REMEDIES = {
    401: "check the key in ECHOVLM_ENDPOINT_KEY.",
    403: "check the key in ECHOVLM_ENDPOINT_KEY.",
    404: "check its address and model.",
}


class EndpointError(EchoVLMError):
    """An endpoint could not be reached, or does not answer as the API says."""


class Endpoint:
    """Replies over HTTP.

    A question that the server refuses (HTTP status 400, 413 or 422: too long, too many pictures)
    counts as answered with nothing and is marked so.

    Args:
        url: base of the API, up to ``/v1``; a user and password in it are sent, and shown nowhere.
        model: name of the model as the server knows it.
        key: sent as a bearer token; nothing is sent where it is empty.
        max_new_tokens: most tokens of one text.
        parallel: requests at once.
        anywhere: allow a server on another machine.

    Raises:
        OptionError: for an address that is no HTTP URL, or lies elsewhere without permission, for
            a key that cannot be sent, and for one beside a user and password.
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
        parts = _checked(url)
        self._is_here = _is_here(str(parts.hostname))
        if not anywhere and not self._is_here:
            raise OptionError(
                f"Pictures would leave this machine for {parts.hostname}; say --send-pictures if "
                "that is permitted."
            )
        if not (key.isascii() and key.isprintable()):
            raise OptionError(
                "The key in ECHOVLM_ENDPOINT_KEY holds characters that cannot be sent; write it "
                "anew."
            )
        if key and parts.username is not None:
            raise OptionError(
                "The endpoint's address has a user and there is a key in ECHOVLM_ENDPOINT_KEY; "
                "only one of them can be sent, leave out the other."
            )
        address = _without_user(parts)
        self.name = model
        self.version = f"{address}|model:{model}|max_new_tokens:{max_new_tokens}"
        self._url = f"{address}/chat/completions"
        self._authorization = _Authorization(_header(parts, key))
        self._max_new_tokens = max_new_tokens
        self._parallel = parallel
        self._has_answered = False

    def replies(self, asked: Sequence[Asked]) -> list[Reply | None]:
        """What the model writes about each item, several requests at once.

        Raises:
            EndpointError: as :meth:`stream`.
        """
        found = dict(self.stream(asked))
        return [found[place] for place in range(len(asked))]

    def stream(self, asked: Sequence[Asked]) -> Iterator[tuple[int, Reply]]:
        """Place and reply of each item, as they come; several requests at once.

        Raises:
            EndpointError: when the server cannot be reached, refuses the caller or every question,
                redirects, fails again and again, or does not answer as the API says; what came
                before is given first.
        """
        refused: list[int] = []
        for place, reply in self._as_they_come(asked):
            if not reply.refused:
                self._has_answered = True
            elif not self._has_answered:
                refused.append(place)
                if len(refused) == _MOST_REFUSED:
                    raise EndpointError(
                        f"{self._url} refuses every question; check that the model takes pictures "
                        "and --max-new-tokens is not too large for it."
                    )
                continue
            yield place, reply
        yield from ((place, Reply(refused=True)) for place in refused)

    def _as_they_come(self, asked: Sequence[Asked]) -> Iterator[tuple[int, Reply]]:
        """Daemon threads ask: whoever stops the run does not wait for the requests under way."""
        waiting: SimpleQueue[int | None] = SimpleQueue()
        done: SimpleQueue[tuple[int, Reply | Exception]] = SimpleQueue()
        is_over = Event()
        threads = min(self._parallel, len(asked))
        for place in (*range(len(asked)), *[None] * threads):
            waiting.put(place)
        with self._session() as session:

            def work() -> None:
                while (place := waiting.get()) is not None and not is_over.is_set():
                    try:
                        done.put((place, self._reply(session, asked[place])))
                    except Exception as error:  # raised again by whoever waits for replies
                        is_over.set()
                        done.put((place, error))

            for _ in range(threads):
                Thread(target=work, daemon=True).start()
            try:
                yield from _answers_first(done, len(asked))
            finally:
                is_over.set()

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = not self._is_here
        session.auth = self._authorization
        adapter = HTTPAdapter(self._parallel, self._parallel, _retry())
        session.mount(f"{urlsplit(self._url).scheme}://", adapter)
        return session

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
        response = self._post(session, body)
        if response.status_code in _REFUSED:
            return Reply(refused=True)
        try:
            choice = response.json()["choices"][0]
            text = _text(choice["message"]["content"])
            return Reply(text, cut=choice["finish_reason"] == "length")
        except (ValueError, KeyError, IndexError, TypeError):
            raise EndpointError(
                f"{self._url} did not answer as an OpenAI-compatible endpoint does; check its "
                "address and model."
            ) from None

    def _post(self, session: requests.Session, body: dict[str, Any]) -> requests.Response:
        try:
            response = session.post(self._url, json=body, timeout=_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            raise EndpointError(
                f"{self._url} cannot be reached ({type(error).__name__}); {_ASK_AGAIN}"
            ) from None
        status = response.status_code
        if 300 <= status < 400:
            raise EndpointError(
                f"{self._url} redirects to another address (HTTP status {status}), to which the "
                "pictures are not sent; name that address if it may have them."
            )
        if not response.ok and status not in _REFUSED:
            remedy = _REMEDIES.get(status, _ASK_AGAIN)
            raise EndpointError(f"{self._url} answered with HTTP status {status}; {remedy}")
        return response


class _Authorization(AuthBase):
    """The header of a key, or none; where a session has it, requests leaves ``.netrc`` alone."""

    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            request.headers["Authorization"] = self._header
        return request


def _header(parts: SplitResult, key: str) -> str:
    if parts.username is None:
        return f"Bearer {key}" if key else ""
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(user.encode()).decode()


def _answers_first(
    done: SimpleQueue[tuple[int, Reply | Exception]], count: int
) -> Iterator[tuple[int, Reply]]:
    """So many replies as they come; after an error those that are there already, then the error."""
    error: Exception | None = None
    for _ in range(count):
        if error and done.empty():
            break
        place, found = done.get()
        if isinstance(found, Reply):
            yield place, found
        else:
            error = error or found
    if error:
        raise error


def _checked(url: str) -> SplitResult:
    """The parts of an address.

    Raises:
        OptionError: when it is no base of an HTTP API.
    """
    try:
        parts = urlsplit(url)
        is_base = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_base = False
    if not is_base or parts.query or parts.fragment:
        shown = url.rpartition("@")[2].partition("?")[0]  # the rest may hold a password or key
        raise OptionError(f"{shown} is no address of an HTTP endpoint; write http://host:port/v1.")
    return parts


def _without_user(parts: SplitResult) -> str:
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}".rstrip("/")


def _text(content: Any) -> str:
    """The text of a message: a string, none at all, or a list of parts that are texts.

    Raises:
        TypeError: for anything else.
        KeyError: for a part without text.
    """
    if isinstance(content, list):
        return "".join(_text(part["text"]) for part in content)
    if content is None or isinstance(content, str):
        return content or ""
    raise TypeError("no text")


def _question(item: Item) -> str:
    """The question; a closed one with what there is to choose from."""
    if not item.candidates:
        return item.question
    if item.language is Language.CHINESE:
        return f"{item.question}\n请只回答下列之一：{'；'.join(item.candidates)}。"
    return f"{item.question}\nAnswer with exactly one of: {'; '.join(item.candidates)}."


def _retry() -> Retry:
    """Ask a busy server again, each time after twice as long, or after as long as it asks for."""
    return Retry(
        _RETRIES,
        status_forcelist=_AGAIN,
        allowed_methods=None,
        backoff_factor=_FIRST_WAIT_S,
        raise_on_status=False,
        retry_after_max=_LONGEST_WAIT_S,
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
