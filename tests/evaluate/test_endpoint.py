"""A model behind HTTP, played by a small server on this machine."""

import base64
import dataclasses
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from echovlm.errors import OptionError
from echovlm.evaluate import endpoint
from echovlm.evaluate.endpoint import Endpoint, EndpointError
from echovlm.evaluate.items import Item
from echovlm.evaluate.systems import Asked
from echovlm.prompts import Task
from echovlm.terms import Language


def asked(name, *pictures):
    item = Item(
        id=name, number=0, study=name, images=("1.png",), patient=name, source="s", anatomy="liver",
        task=Task.QUESTION, language=Language.ENGLISH, question=f"What is seen in {name}?",
        reference="cyst",
    )  # fmt: skip
    return Asked(item, pictures)


class Server(ThreadingHTTPServer):
    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.requests = list(script), []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, self.headers.get("Authorization"), body))
        status, answer = self.server.script.pop(0) if self.server.script else (200, None)
        if answer is None:
            said = f"seen: {body['messages'][0]['content'][-1]['text']}"
            answer = {"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(endpoint, "_FIRST_WAIT_S", 0.01)
    servers = []

    def start(*script):
        server = Server(script)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server, f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in servers:
        server.shutdown()


def test_pictures_and_question_are_sent_and_answers_come_in_order(serve):
    server, url = serve()
    system = Endpoint(url, "qwen", key="secret", max_new_tokens=7)
    pixels = np.random.default_rng(0).integers(0, 255, (12, 20, 3), dtype=np.uint8)
    replies = system.replies([asked("a", pixels), asked("b"), asked("c", pixels, pixels)])
    assert [one.text for one in replies] == [f"seen: What is seen in {x}?" for x in "abc"]
    path, authorization, body = next(r for r in server.requests if "in a?" in str(r[2]))
    assert (path, authorization) == ("/v1/chat/completions", "Bearer secret")
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("qwen", 7, 0)
    image, text = body["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is seen in a?"}
    data = base64.b64decode(image["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert (np.asarray(Image.open(io.BytesIO(data))) == pixels).all()


def test_a_closed_question_lists_its_candidates(serve):
    server, url = serve()
    one = asked("a")
    item = dataclasses.replace(one.item, candidates=("cyst", "normal"))
    Endpoint(url, "m").replies([dataclasses.replace(one, item=item)])
    (text,) = server.requests[0][2]["messages"][0]["content"]
    assert text["text"] == "What is seen in a?\nAnswer with exactly one of: cyst; normal."


def test_a_text_that_was_cut_is_marked_and_no_text_is_an_empty_one(serve):
    cut = {"choices": [{"message": {"content": None}, "finish_reason": "length"}]}
    _, url = serve((200, cut))
    (reply,) = Endpoint(url, "m").replies([asked("a")])
    assert (reply.text, reply.cut) == ("", True)


def test_a_busy_server_is_asked_again(serve):
    server, url = serve((503, {}), (429, {}))
    (reply,) = Endpoint(url, "m").replies([asked("a")])
    assert reply.text.startswith("seen")
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((401, {}), "HTTP status 401"),
        ((200, {"error": "no"}), "did not answer as an OpenAI-compatible endpoint"),
        ((200, b"<html>"), "did not answer as an OpenAI-compatible endpoint"),
    ],
)
def test_a_wrong_answer_is_told_in_a_sentence(serve, answer, sentence):
    _, url = serve(answer)
    with pytest.raises(EndpointError, match=sentence):
        Endpoint(url, "m").replies([asked("a")])


def test_a_server_that_is_not_there_is_told(serve):
    server, url = serve()
    server.shutdown()
    server.server_close()
    with pytest.raises(EndpointError, match=r"cannot be reached \(ConnectionError\)"):
        Endpoint(url, "m").replies([asked("a")])


def test_pictures_do_not_leave_the_machine_unasked():
    with pytest.raises(OptionError, match=r"leave this machine for example\.org"):
        Endpoint("https://example.org/v1", "m")
    with pytest.raises(OptionError, match=r"leave this machine for 10\.0\.0\.7"):
        Endpoint("http://10.0.0.7/v1", "m")
    Endpoint("https://example.org/v1", "m", anywhere=True)
    for here in ("http://localhost:8000/v1", "http://127.0.0.1/v1", "http://[::1]:1/v1"):
        Endpoint(here, "m")
    with pytest.raises(OptionError, match="no address of an HTTP endpoint"):
        Endpoint("localhost:8000", "m")
