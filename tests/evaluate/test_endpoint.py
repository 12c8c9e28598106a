"""A model behind HTTP, played by a small server on this machine."""

import base64
import dataclasses
import io
import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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


def said(text):
    return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}


class Server(ThreadingHTTPServer):
    """Answers as scripted, a status and body at a time; a script may also be a function."""

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.requests = script, []

    def answer(self, question):
        if callable(self.script[0] if self.script else None):
            return self.script[0](question)
        return self.script.pop(0) if self.script else (200, said(f"seen: {question}"))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, self.headers.get("Authorization"), body))
        status, answer, *headers = self.server.answer(body["messages"][0]["content"][-1]["text"])
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setattr(endpoint, "_FIRST_WAIT_S", 0.01)
    servers = []

    def start(*script):
        server = Server(list(script))
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
        ((401, {}), "HTTP status 401; check the key in ECHOVLM_ENDPOINT_KEY"),
        ((404, {}), "HTTP status 404; check its address and model"),
        ((409, {}), "HTTP status 409; what it has answered is kept"),
        ((200, {"error": "no"}), "did not answer as an OpenAI-compatible endpoint"),
        ((200, b"<html>"), "did not answer as an OpenAI-compatible endpoint"),
        ((200, said(7)), "did not answer as an OpenAI-compatible endpoint"),
        ((200, said([{"type": "image_url"}])), "did not answer as an OpenAI-compatible endpoint"),
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


def test_a_text_in_parts_is_put_together(serve):
    parts = [{"type": "text", "text": "A "}, {"type": "text", "text": "cyst."}]
    _, url = serve((200, said(parts)))
    (reply,) = Endpoint(url, "m").replies([asked("a")])
    assert reply.text == "A cyst."


def test_a_server_is_not_waited_for_longer_than_a_minute(serve, monkeypatch):
    waited = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waited.append)
    _, url = serve((503, {}, ("Retry-After", "21600")), (429, {}, ("Retry-After", "7")))
    Endpoint(url, "m").replies([asked("a")])
    assert waited == [60, 7]


# --- what is kept ---


def test_answers_before_a_failure_are_given_first(serve):
    def script(question):
        if "item 9 " in question:
            time.sleep(0.3)
            return 401, {}
        return 200, said("x")

    _, url = serve(script)
    found = []
    stream = Endpoint(url, "m").stream([asked(f"item {n} ") for n in range(24)])
    with pytest.raises(EndpointError, match="HTTP status 401"):
        found.extend(place for place, _ in stream)
    assert len(found) > 9
    assert 9 not in found


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_question_is_an_empty_reply_and_the_others_go_on(serve, status):
    _, url = serve(lambda q: (status, {}) if "in b?" in q else (200, said("x")))
    replies = Endpoint(url, "m").replies([asked(name) for name in "abc"])
    assert [(one.text, one.refused) for one in replies] == [("x", False), ("", True), ("x", False)]


def test_a_few_refused_questions_alone_do_not_stop_a_run_but_many_do(serve):
    server, url = serve(lambda q: (400, {}))
    assert [one.refused for one in Endpoint(url, "m").replies([asked("a"), asked("b")])] == [
        True
    ] * 2
    system, found = Endpoint(url, "m"), []
    with pytest.raises(EndpointError, match="refuses every question; check that the model takes"):
        found.extend(system.stream([asked(str(n)) for n in range(40)]))
    assert found == []  # nothing is kept that another setting may answer
    assert len(server.requests) < 2 + 16 + 4 + 1


def test_who_stops_a_run_does_not_wait_for_answers(serve):
    """A process of its own, since what is waited for is its end."""
    is_asked, is_over = threading.Event(), threading.Event()

    def script(question):
        is_asked.set()
        is_over.wait()
        return 200, said("x")

    _, url = serve(script)
    # Whoever runs the tests in the background has them ignore the signal.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from echovlm.evaluate.endpoint import Endpoint; from test_endpoint import asked; "
        f"Endpoint({url!r}, 'm').replies([asked('a'), asked('b')])"
    )
    folder = Path(__file__).parent
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, stderr=subprocess.PIPE) as run:
        try:
            assert is_asked.wait(120)
            run.send_signal(signal.SIGINT)
            _, told = run.communicate(timeout=60)  # the endpoint itself would wait for 300 s
        finally:
            is_over.set()
            run.kill()
    assert told.rstrip().endswith(b"KeyboardInterrupt")


# --- where pictures go ---


def test_a_redirect_is_not_followed(serve):
    elsewhere, other = serve()
    moved = (307, {}, ("Location", f"{other}/chat/completions"))
    _, url = serve(moved)
    with pytest.raises(EndpointError, match=r"redirects to another address \(HTTP status 307\)"):
        Endpoint(url, "m").replies([asked("a")])
    assert elsewhere.requests == []


def test_no_proxy_and_no_netrc_stands_before_a_server_on_this_machine(serve, monkeypatch, tmp_path):
    proxy, address = serve()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, address)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server, url = serve()
    Endpoint(url, "m").replies([asked("a")])
    assert proxy.requests == []
    assert [authorization for _, authorization, _ in server.requests] == [None]


def test_a_server_elsewhere_is_asked_through_the_proxy_but_never_with_netrc(
    serve, monkeypatch, tmp_path
):
    proxy, address = serve()
    monkeypatch.setenv("http_proxy", address)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "netrc").write_text("machine model.example login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    Endpoint("http://model.example/v1", "m", anywhere=True).replies([asked("a")])
    ((path, authorization, _),) = proxy.requests
    assert path == "http://model.example/v1/chat/completions"
    assert authorization is None


def test_a_user_in_the_address_is_sent_and_never_shown(serve):
    server, url = serve((401, {}))
    system = Endpoint(url.replace("//", "//me:p%40ss@"), "m")
    with pytest.raises(EndpointError) as caught:
        system.replies([asked("a")])
    assert server.requests[0][1] == "Basic " + base64.b64encode(b"me:p@ss").decode()
    assert "me" not in str(caught.value).partition(" ")[0]
    assert "p%40ss" not in system.version + str(caught.value)
    with pytest.raises(OptionError, match="only one of them can be sent"):
        Endpoint("http://me:secret@localhost/v1", "m", key="k")


@pytest.mark.parametrize(
    "url",
    ["http://me:secret@", "ftp://me:secret@x/v1", "http://x:99999/v1", "http://x/v1?key=secret"],
)
def test_a_wrong_address_is_told_without_its_password(url):
    with pytest.raises(OptionError, match="no address of an HTTP endpoint") as caught:
        Endpoint(url, "m")
    assert "secret" not in str(caught.value)


def test_a_key_that_no_header_may_hold_is_told_without_it():
    with pytest.raises(OptionError, match="characters that cannot be sent") as caught:
        Endpoint("http://localhost/v1", "m", key="geheim\n")
    assert "geheim" not in str(caught.value)


def test_another_address_model_or_limit_is_another_version():
    systems = [
        Endpoint("http://localhost:8000/v1", "m"),
        Endpoint("http://localhost:9000/v1", "m"),
        Endpoint("http://localhost:8000/other", "m"),
        Endpoint("http://localhost:8000/v1", "other"),
        Endpoint("http://localhost:8000/v1", "m", max_new_tokens=9),
    ]
    assert len({one.version for one in systems}) == len(systems)
    same = Endpoint("http://me:secret@localhost:8000/v1/", "m")
    assert same.version == systems[0].version


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
