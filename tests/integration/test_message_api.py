"""The message API from outside: its routes on both stores, its limits, and what happens when the store is away."""

import contextlib
import json
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from harness.process import DEADLINE, wait_until
from harness.ports import reserve_port

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(params=["sqlite", "mongodb"])
def make_api(request, make_world):
    """make_api(environment) → the message API alone, on either store."""
    from conftest import Api

    url = request.getfixturevalue("mongo").url if request.param == "mongodb" else ""

    def make(environment=None) -> Api:
        world = make_world(environment={"MONGO_URL": url, **(environment or {})})
        world.start_api()
        return Api(world)

    return make


def message(text="hello", **members) -> dict:
    return {"sender": "alice", "destination": "bob", "message": text, **members}


def good(response, status=200) -> dict:
    assert response.status_code == status, (response.status_code, response.text)
    assert response.headers["Content-Type"] == "application/json"
    return response.json()


def statuses(answer: dict) -> list[str]:
    return [result["status"] for result in answer["results"]]


def claim(api, username: str) -> int:
    return good(api.post("/v1/claims", {"usernames": [username]}))["results"][0]["epoch"]


def ids(answer: dict) -> list[str]:
    return [one["id"] for one in answer["messages"]]


# The routes


@pytest.mark.threads
def test_original_routes(make_api):
    api = make_api()
    assert good(api.get("/health")) == {"status": "ok"}

    # The least that a client of the original sends, and all that it may.
    first = good(api.post("/messages/", message("one")))
    assert first["status"] == "stored" and UUID.fullmatch(first["id"])
    full = message("two\n\tJörg", id="two", type="subscription", metadata={"temperature": 21.5, "of": ["a", {}]})
    assert good(api.post("/messages", {**full, "timestamp": "2026-11-22T18:01:39.123456"})) == {
        "status": "stored",
        "id": "two",
    }
    # Sent again, it is the same message.
    assert good(api.post("/messages/", full)) == {"status": "stored", "id": "two"}
    good(api.post("/messages/", message("three", id="three", timestamp="2026-11-22T18:01:39+02:00", unknown=1)))

    one, two, three = good(api.get("/messages/bob"))["messages"]
    assert TIMESTAMP.fullmatch(one["timestamp"])
    assert isinstance(one.pop("_id"), str) and one.pop("timestamp")
    assert one == {"id": first["id"], "type": "chat", "metadata": {}, **message("one")}
    assert isinstance(two.pop("_id"), str)
    assert two == {**full, "timestamp": "2026-11-22T18:01:39.123456+00:00"}
    assert three["timestamp"] == "2026-11-22T16:01:39.000000+00:00"
    # They are read now.
    assert good(api.get("/messages/bob/")) == {"messages": []}
    assert good(api.post("/messages/", full))["status"] == "stored"
    assert good(api.get("/messages/bob")) == {"messages": []}

    # A name is the same however it is spelled in Unicode.
    good(api.post("/messages/", message("four", destination="Jo\u0308rg")))
    (four,) = good(api.get("/messages/" + quote("J\u00f6rg")))["messages"]
    assert four["destination"] == "J\u00f6rg"


@pytest.mark.threads
def test_batches(make_api):
    api = make_api()
    batch = [message(f"text {i}", id=f"m{i}") for i in range(5)]
    assert statuses(good(api.post("/v1/messages", {"messages": batch[:2]}))) == ["stored", "stored"]
    mixed = [batch[2], batch[1], batch[3], batch[3], batch[4], message("not bob's", id="m0", sender="carol")]
    assert statuses(good(api.post("/v1/messages", {"messages": mixed}))) == [
        "stored", "duplicate", "stored", "duplicate", "stored", "stored",
    ]  # fmt: skip

    epoch = claim(api, "bob")
    assert epoch >= 1
    mailbox = f"/v1/mailboxes/bob?epoch={epoch}"
    page = good(api.get(mailbox + "&limit=4"))
    assert ids(page) == ["m0", "m1", "m2", "m3"] and page["more"] is True
    seqs = [one["seq"] for one in page["messages"]]
    assert seqs == sorted(set(seqs)) and seqs[0] > 0
    rest = good(api.get(f"{mailbox}&limit=4&after={seqs[-1]}"))
    assert ids(rest) == ["m4", "m0"] and rest["more"] is False
    assert rest["messages"][1]["sender"] == "carol"
    assert {key: page["messages"][0][key] for key in batch[0]} == batch[0]
    # Reading changes nothing.
    assert ids(good(api.get(mailbox + "&after=0"))) == ["m0", "m1", "m2", "m3", "m4", "m0"]

    keys = [{"sender": "alice", "id": f"m{i}"} for i in (0, 2)] + [{"sender": "nobody", "id": "never"}]
    acknowledgement = {"username": "bob", "epoch": epoch, "keys": keys}
    assert statuses(good(api.post("/v1/acknowledgements", {"acknowledgements": [acknowledgement]}))) == ["ok"]
    assert ids(good(api.get(mailbox))) == ["m1", "m3", "m4", "m0"]
    # What was acknowledged is remembered.
    assert statuses(good(api.post("/v1/messages", {"messages": batch[:1]}))) == ["duplicate"]

    # A new owner: the old one is refused, and takes nothing with him.
    claims = good(api.post("/v1/claims", {"usernames": ["erin", "bob"]}))["results"]
    assert [one["waiting"] for one in claims] == [False, True]
    newer = claims[1]["epoch"]
    assert newer > epoch
    assert good(api.get(mailbox), 409)["code"] == "stale_epoch"
    late = {"username": "bob", "epoch": epoch, "keys": [{"sender": "alice", "id": "m1"}]}
    other = {"username": "dave", "epoch": claim(api, "dave"), "keys": []}
    answer = good(api.post("/v1/acknowledgements", {"acknowledgements": [late, other]}))
    assert statuses(answer) == ["stale_epoch", "ok"]
    assert ids(good(api.get(f"/v1/mailboxes/bob?epoch={newer}"))) == ["m1", "m3", "m4", "m0"]

    # One message takes the place of another.
    good(api.post("/v1/messages", {"messages": [message("newer", id="m5", metadata={"replaces": "m3"})]}))
    assert ids(good(api.get(f"/v1/mailboxes/bob?epoch={newer}"))) == ["m1", "m4", "m0", "m5"]

    # Received before they were stored: their keys alone are kept.
    received = [{"sender": "alice", "ids": ["r1", "m0", "r1"]}, {"sender": "carol", "ids": ["r1"]}]
    assert good(api.post("/v1/received", {"received": received})) == {"duplicates": [1, 2]}
    assert statuses(good(api.post("/v1/messages", {"messages": [message(id="r1")]}))) == ["duplicate"]
    assert ids(good(api.get(f"/v1/mailboxes/bob?epoch={newer}"))) == ["m1", "m4", "m0", "m5"]

    # As many as a batch may hold, as large as they may be.
    large = [message("\n" * 16384, id=f"l{i}", destination="large") for i in range(256)]
    assert set(statuses(good(api.post("/v1/messages", {"messages": large})))) == {"stored"}
    assert good(api.post("/v1/messages", {"messages": large + large[:1]}), 422)


def test_full_mailbox(make_api):
    api = make_api({"P2P_MAILBOX_MESSAGES": "2"})
    batch = [message(id=f"m{i}") for i in range(3)] + [message(destination="carol", id="m3")]
    assert good(api.post("/v1/messages", {"messages": batch})) == {
        "results": [
            {"status": "stored"},
            {"status": "stored"},
            {"status": "rejected", "code": "mailbox_full"},
            {"status": "stored"},
        ]
    }
    assert good(api.post("/messages/", message()), 429)["code"] == "mailbox_full"
    assert ids(good(api.get("/messages/bob"))) == ["m0", "m1"]
    # They count as read once the answer is gone, which may be a moment after it has come.
    wait_until(lambda: api.post("/messages/", message()).status_code == 200, "there is room again")


@pytest.mark.threads
def test_nothing_answered_is_lost_by_sigkill(make_api):
    api = make_api()
    answered, running = [], True

    def send(name: str):
        count = 0
        while running:
            batch = [message(id=f"{name}-{count + i}", sender=name) for i in range(5)]
            count += len(batch)
            try:
                response = api.world.http("POST", "/v1/messages", json={"messages": batch})
            except OSError:
                return
            if response.status_code == 200:
                answered.extend(one["id"] for one in batch)

    threads = [threading.Thread(target=send, args=(f"sender{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answered) >= 400, "messages are stored")
    api.world.kill_api()
    running = False
    for thread in threads:
        thread.join()
    api.world.start_api()

    epoch = claim(api, "bob")
    found, after, more = [], 0, True
    while more:
        page = good(api.get(f"/v1/mailboxes/bob?epoch={epoch}&after={after}"))
        found += ids(page)
        more = page["more"]
        after = page["messages"][-1]["seq"] if more else 0
    assert set(answered) <= set(found)
    assert len(found) == len(set(found))
    for name in ("sender0", "sender3"):
        numbers = [int(one.split("-")[1]) for one in found if one.startswith(name)]
        assert numbers == sorted(numbers)


# Errors


def fault(response) -> tuple:
    (detail,) = good(response, 422)["detail"]
    assert set(detail) == {"loc", "msg", "type"} and detail["msg"]
    return detail["loc"], detail["type"]


def test_errors(api):
    def problem(status, method, path, **options):
        response = api.request(method, path, **options)
        answer = good(response, status)
        assert set(answer) == {"detail", "code"} and answer["detail"]
        return answer["code"], response.headers

    as_json = {"Content-Type": "application/json"}
    for body in (b"", b"{", b'{"a":1}x', b"\xff", b'{"sender":"a\\u0000"}', b"[" * 5000, b"nul"):
        assert problem(400, "POST", "/messages/", data=iter([body]), headers=as_json)[0] == "invalid_json"
    assert problem(404, "GET", "/")[0] == "not_found"
    assert problem(404, "POST", "/v2/messages", json={})[0] == "not_found"
    code, headers = problem(405, "GET", "/messages/")
    assert code == "method_not_allowed" and headers["Allow"] == "POST"
    assert problem(405, "DELETE", "/messages/bob")[1]["Allow"] == "GET"
    assert api.request("HEAD", "/messages/bob").status_code == 405
    assert problem(415, "POST", "/messages/", data="{}")[0] == "unsupported_media_type"
    assert problem(415, "POST", "/messages/", data="{}", headers={"Content-Type": "text/json"})
    assert problem(415, "POST", "/messages/", data="{}", headers={**as_json, "Content-Encoding": "gzip"})
    assert problem(413, "POST", "/messages/", data=b" " * 40_000_000, headers=as_json)[0] == "too_large"
    assert problem(413, "POST", "/messages/", data=(b" " * 100_000 for _ in range(100)), headers=as_json)
    assert problem(413, "POST", "/messages/", data=b"[" + b"0," * 20_000 + b"0]", headers=as_json)
    assert problem(403, "GET", "/messages/bob", headers={"Sec-Fetch-Site": "cross-site"})[0] == "cross_site"

    body = ["body"]
    assert fault(api.post("/messages/", [])) == (body, "dict_type")
    assert fault(api.post("/messages/", {"sender": "a", "destination": "b"})) == (["body", "message"], "missing")
    for name, kind in {"server": "username_reserved", "a b": "username_invalid", "": "username_invalid"}.items():
        assert fault(api.post("/messages/", message(sender=name))) == (["body", "sender"], kind)
        assert fault(api.post("/messages/", message(destination=name))) == (["body", "destination"], kind)
    assert fault(api.post("/messages/", message(destination="all"))) == (["body", "destination"], "username_reserved")
    assert fault(api.post("/messages/", message("a" * 16385))) == (["body", "message"], "too_long")
    assert fault(api.post("/messages/", message("a\x1b[31m"))) == (["body", "message"], "invalid_text")
    assert fault(api.post("/messages/", message(metadata={"a": "b" * 9000})))[0] == ["body", "metadata"]
    assert fault(api.post("/v1/messages", {"messages": [message(), message(id="a b")]})) == (
        ["body", "messages", 1, "id"],
        "invalid_id",
    )
    assert fault(api.get("/messages/server")) == (["path", "username"], "username_reserved")
    assert fault(api.get("/messages/a%2Fb")) == (["path", "username"], "username_invalid")
    assert fault(api.get("/messages/bob%00")) == (["path", "username"], "username_invalid")
    assert fault(api.get("/v1/mailboxes/bob")) == (["query", "epoch"], "missing")
    assert fault(api.get("/v1/mailboxes/bob?epoch=x")) == (["query", "epoch"], "int_parsing")
    assert fault(api.get("/v1/mailboxes/bob?epoch=1&limit=257")) == (["query", "limit"], "out_of_range")
    assert fault(api.post("/v1/claims", {"usernames": []})) == (["body", "usernames"], "too_short")
    assert fault(api.post("/v1/claims", {"usernames": ["bob", 1]})) == (["body", "usernames", 1], "string_type")
    assert fault(api.post("/v1/claims", {"usernames": ["all"]})) == (["body", "usernames", 0], "username_reserved")
    assert good(api.get("/v1/mailboxes/bob?epoch=1"), 409)["code"] == "stale_epoch"
    # Nothing of all that was stored, and the program is well.
    assert good(api.get("/messages/bob")) == {"messages": []}


def test_token(make_world):
    world = make_world(environment={"P2P_SERVICE_TOKEN": "open sesame"}, api_arguments=("--host", "0.0.0.0"))
    world.start_api()
    for method, path in (("POST", "/messages/"), ("GET", "/messages/bob"), ("POST", "/v1/claims")):
        for authorization in (None, "Bearer wrong", "Basic open sesame", "Bearer open sesame2"):
            headers = {"Authorization": authorization} if authorization else {}
            response = world.http(method, path, headers=headers, json=message(username="bob"))
            assert good(response, 401)["code"] == "unauthorized"
            assert response.headers["WWW-Authenticate"] == "Bearer"
    headers = {"Authorization": "Bearer open sesame"}
    good(world.http("POST", "/messages/", headers=headers, json=message()))
    assert len(good(world.http("GET", "/messages/bob", headers=headers))["messages"]) == 1
    good(world.http("GET", "/health"))
    good(world.http("GET", "/openapi.json"))


def test_bad_settings(programs, tmp_path):
    def run(*arguments, status, **environment):
        program = programs.start("p2p-message-api", *arguments, environment=environment)
        program.wait_exit(status)
        return program

    assert "P2P_SERVICE_TOKEN" in run("--host", "0.0.0.0", status=2).stderr
    assert "log-level" in run("--log-level", "loud", status=2).stderr
    run("--port", "65536", status=2)
    run("--mongo-url", "http://nowhere", status=2)
    (tmp_path / "folder").mkdir()
    run("--port", "0", "--database", tmp_path / "folder", status=1)
    assert "--database" in run("--help", status=0).stdout
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "listen_failed" in run("--port", port, status=1).stderr


# HTTP


class Raw:
    """A connection on which bytes are sent as they are."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self._file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self.socket.close()

    def send(self, *parts: str | bytes):
        self.socket.sendall(b"".join(part if isinstance(part, bytes) else part.encode() for part in parts))

    def post(self, path: str, document, *headers: str):
        body = json.dumps(document)
        self.send(head("POST", path, f"Content-Length: {len(body)}", *headers), body)

    def answer(self) -> tuple[int, dict, bytes]:
        """Status, headers (names in lower case) and body."""
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().decode().strip():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return status, headers, self._file.read(int(headers.get("content-length", 0)))

    def everything(self) -> bytes:
        """Until the peer closes."""
        return self._file.read()

    def at_end(self) -> bool:
        try:
            return self._file.read(1) == b""
        except ConnectionResetError:
            return True


def head(method: str, path: str, *headers: str) -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join(lines) + "\r\n\r\n"


@pytest.mark.threads
def test_http(api):
    chunked = "Transfer-Encoding: chunked"
    with Raw(api.world.api_port) as raw:
        # Many requests at once on one connection are answered one by one, in order.
        for i in range(20):
            raw.post("/messages/", message(id=f"p{i}"))
            raw.send(head("GET", "/openapi.json"))
        for i in range(20):
            status, _, body = raw.answer()
            assert (status, json.loads(body)["id"]) == (200, f"p{i}")
            status, _, body = raw.answer()
            assert status == 200 and json.loads(body)["openapi"]
        # In chunks.
        body = json.dumps(message(id="chunked"))
        raw.send(head("POST", "/messages", chunked))
        for c in body:
            raw.send(f"1;x=y\r\n{c}\r\n")
        raw.send("0\r\n\r\n")
        assert json.loads(raw.answer()[2])["id"] == "chunked"
        # 100-continue.
        raw.send(head("POST", "/messages", f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert raw.answer()[0] == 100
        raw.send(body)
        assert raw.answer()[0] == 200
        # A body where none is wanted, an unwanted body: the next request is found behind it.
        raw.send(head("GET", "/health", "Content-Length: 5"), "GET /")
        assert raw.answer()[0] == 200
        raw.send(head("PUT", "/nowhere", chunked), "5\r\nGET /\r\n0\r\n\r\n")
        assert raw.answer()[0] == 404
        raw.send(head("GET", "/messages/bob"))
        assert len(json.loads(raw.answer()[2])["messages"]) == 21

    # Where a request ends is not certain: 400, and nothing behind it is looked at.
    smuggled = head("POST", "/v1/claims", "Content-Length: 2") + "{}"
    for method, path in (("POST", "/messages/"), ("GET", "/health"), ("DELETE", "/x")):
        for headers in (
            ("Content-Length: 4", chunked),
            (chunked, "Content-Length: 4"),
            ("Content-Length: 4", "Content-Length: 5"),
            (chunked, chunked),
            ("Transfer-Encoding: gzip",),
            ("Transfer-Encoding: gzip, chunked",),
            ("Content-Length : 4",),
            ("Content-Length: -4",),
        ):
            with Raw(api.world.api_port) as raw:
                raw.send(head(method, path, *headers), "0\r\n\r\n", smuggled)
                status, answered, body = raw.answer()
                assert (status, answered["connection"]) == (400, "close"), (method, headers, body)
                raw.socket.settimeout(DEADLINE)
                rest = raw._file.read()
                assert b'"epoch"' not in rest and rest.count(b"HTTP/1.1") <= 1, (method, headers, rest)

    # Refused before its body: the client that waits is told at once, the other's body is not taken for a request.
    with Raw(api.world.api_port) as raw:
        raw.send(head("POST", "/messages/", "Content-Length: 99999999999", "Expect: 100-continue"))
        assert raw.answer()[0] == 413
        assert raw.at_end()
    with Raw(api.world.api_port) as raw:
        raw.send(head("POST", "/messages/"))
        assert raw.answer()[0] == 411
        assert raw.at_end()
    with Raw(api.world.api_port) as raw:
        raw.send("rubbish\r\n\r\n")
        raw.send(head("GET", "/openapi.json?" + "a" * 100_000))
        assert raw.answer()[0] >= 400 if not raw.at_end() else True

    # Clients that go away in the middle of things.
    for part in (head("POST", "/messages/", "Content-Length: 50"), "POST /mess", head("GET", "/messages/bob")):
        with Raw(api.world.api_port) as raw:
            raw.send(part)
    good(api.get("/health"))


def test_more_connections_than_files(programs, tmp_path):
    """Near its limit the program doesn't take more connections; those that wait are served when others go."""
    path = programs.path("p2p-message-api")
    program = programs.start(
        "/bin/sh", "-c", f"ulimit -n 200; exec {path} --port 0 --database {tmp_path}/m.db"
    ).wait_ready()
    limit = 100  # half of the descriptors
    idle = [Raw(program.port) for _ in range(limit + 50)]
    wait_until(lambda: len(list(Path(f"/proc/{program.pid}/fd").iterdir())) > limit, "the limit is reached")
    with Raw(program.port) as last:
        last.send(head("GET", "/health"))
        program.signal(signal.SIGSTOP)  # it hears of all these ends at once, and of nothing after them
        for raw in idle:
            raw.__exit__()
        program.signal(signal.SIGCONT)
        assert last.answer()[0] == 200


# The store is away


def ask(world, method, path, document=None) -> tuple[int, dict]:
    """On a connection of its own."""
    with Raw(world.api_port) as raw:
        if document is None:
            raw.send(head(method, path, "Connection: close"))
        else:
            raw.post(path, document, "Connection: close")
        status, headers, _ = raw.answer()
        return status, headers


@pytest.mark.threads
def test_hundreds_wait_for_a_store_that_hangs(mongo_api, mongo):
    """Everybody is answered in time; what doesn't need the store is answered at once; then all goes on."""
    world = mongo_api.world
    good(mongo_api.post("/messages/", message()))
    slow = Raw(world.api_port)  # sends a byte now and then: it must not stay for ever
    mongo.pause()
    try:
        started = time.monotonic()
        with ThreadPoolExecutor(300) as pool:
            calls = [
                pool.submit(ask, world, *call)
                for i in range(75)
                for call in (
                    ("POST", "/v1/messages", {"messages": [message(id=f"w{i}")]}),
                    ("POST", "/v1/claims", {"usernames": [f"user{i}"]}),
                    ("GET", "/v1/mailboxes/bob?epoch=1"),
                    ("GET", "/health"),
                )
            ]
            quick = 0
            while not all(call.done() for call in calls):
                slow.socket.send(b"G")
                assert ask(world, "GET", "/openapi.json")[0] == 200
                quick += 1
                time.sleep(0.2)
        assert quick > 5
        assert time.monotonic() - started < DEADLINE
        for call in calls:
            status, headers = call.result()
            assert status == 503 and int(headers["retry-after"]) >= 0
    finally:
        mongo.resume()
    wait_until(lambda: mongo_api.get("/health").status_code == 200, "the store is found again")
    assert statuses(good(mongo_api.post("/v1/messages", {"messages": [message(id="after")]}))) == ["stored"]
    wait_until(lambda: _is_cut(slow), "the slow client is cut off")


def _is_cut(raw: Raw) -> bool:
    try:
        raw.socket.send(b"E")
        raw.socket.settimeout(0.1)
        return raw.socket.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_store_comes_back(mongo_api, mongo):
    good(mongo_api.post("/messages/", message(id="before")))
    mongo.kill()
    assert wait_until(lambda: mongo_api.get("/health").status_code == 503, "the store is missed")
    problem = good(mongo_api.get("/health"), 503)
    assert problem["code"] == "store_unavailable" and len(problem["detail"]) > 20
    started = time.monotonic()
    answer = mongo_api.post("/messages/", message(id="lost"))
    assert good(answer, 503)["code"] == "store_unavailable" and answer.headers["Retry-After"]
    assert time.monotonic() - started < 11  # the store's deadline is 10 s
    mongo.start()
    wait_until(lambda: mongo_api.get("/health").status_code == 200, "the store is found again", seconds=5)
    wait_until(lambda: mongo_api.post("/messages/", message(id="lost")).status_code == 200, "it stores again")
    assert ids(good(mongo_api.get("/messages/bob"))) == ["before", "lost"]


@pytest.mark.threads
def test_stop_answers_what_waits(mongo_api, mongo):
    """SIGTERM while requests wait for a store that hangs: each gets an answer, and the program ends in time."""
    world = mongo_api.world
    good(mongo_api.get("/health"))
    mongo.pause()
    try:
        with ThreadPoolExecutor(20) as pool:
            calls = [pool.submit(ask, world, "POST", "/messages/", message()) for _ in range(20)]
            # Until all of them are in: no call of another kind overtakes them in the program.
            wait_until(lambda: _waiting(world.api_port) >= 20, "the requests are in")
            world.stop_api()
            for call in calls:
                status, headers = call.result()
                assert status == 503 and headers["connection"] == "close"
    finally:
        mongo.resume()


@pytest.mark.threads
def test_stop_while_a_request_comes_in(api):
    """What is not whole when the program is told to end is refused or cut off, and nothing breaks by it."""
    body = json.dumps(message())
    with Raw(api.world.api_port) as raw:
        raw.send(head("POST", "/messages/", f"Content-Length: {len(body)}"), body[:10])
        wait_until(lambda: _waiting(api.world.api_port) >= 1, "the first half is in")
        api.world.api.signal(signal.SIGTERM)
        api.world.api.wait_output("stopping", "stderr")
        time.sleep(0.1)  # the store has nothing to do and is closed by now
        answer = b""
        with contextlib.suppress(ConnectionError):
            raw.send(body[10:])
            answer = raw.everything()
        if answer:
            assert answer.startswith(b"HTTP/1.1 503 ") and b"\r\nconnection: close\r\n" in answer.lower()
    api.world.api.wait_exit(0)


def _waiting(port: int) -> int:
    """Established connections to the port from which the program has read everything."""
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            _, local, _, state, queues = line.split()[:5]
            if int(local.split(":")[1], 16) == port and state == "01" and queues.endswith(":00000000"):
                count += 1
    return count


@pytest.mark.threads
def test_original_documents(mongo_api, mongo):
    """What the original program left waiting is delivered, by its route and by the suite's."""
    import pymongo

    def leave(client, text, **members):
        client.messaging_db.messages.insert_one(
            {
                "sender": "alice",
                "destination": "bob",
                "message": text,
                "timestamp": "2025-05-01T10:11:12.131415",
                "type": "chat",
                "metadata": {},
                **members,
            }
        )

    with pymongo.MongoClient(mongo.url, serverSelectionTimeoutMS=20000) as client:
        leave(client, "old 1", is_read=False)
        leave(client, "seen 1", is_read=True)
        leave(client, "old 2", metadata={"unit": "C", "of": [1, 2.5]}, read=False)
        leave(client, "seen 2", read=True)
        good(mongo_api.post("/messages/", message("new", id="new")))
        epoch = claim(mongo_api, "bob")
        page = good(mongo_api.get(f"/v1/mailboxes/bob?epoch={epoch}"))["messages"]
        assert [one["message"] for one in page] == ["old 1", "old 2", "new"]
        assert page[0]["timestamp"] == "2025-05-01T10:11:12.131415+00:00"
        assert page[1]["metadata"] == {"unit": "C", "of": [1, 2.5]}
        # And the original finds ours, however it asks.
        for mark in ("is_read", "read"):
            (ours,) = client.messaging_db.messages.find({"destination": "bob", mark: False, "message": "new"})
            assert {name: ours[name] for name in message()} == message("new")
            assert (ours["type"], ours["metadata"]) == ("chat", {}) and TIMESTAMP.fullmatch(ours["timestamp"])
        key = {"sender": page[0]["sender"], "id": page[0]["id"]}
        acknowledgement = {"username": "bob", "epoch": epoch, "keys": [key]}
        good(mongo_api.post("/v1/acknowledgements", {"acknowledgements": [acknowledgement]}))
        left = good(mongo_api.get("/messages/bob"))["messages"]
        assert [one["message"] for one in left] == ["old 2", "new"]
        assert all(isinstance(one["_id"], str) for one in left)
        wait_until(
            lambda: not list(client.messaging_db.messages.find({"destination": "bob", "read": {"$ne": True}, "is_read": {"$ne": True}})),
            "they are marked as read",
        )
        assert good(mongo_api.get("/messages/bob")) == {"messages": []}
