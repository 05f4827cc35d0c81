"""The OpenAI bot with the real server and message API, and two model servers: one that nobody here wrote, and one
that misbehaves."""

import contextlib
import json
import re
import secrets
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from harness.model_server import CUT, END, ModelServer, break_off, chunk, grow, plain, refuse, say, silent
from harness.ports import reserve_port
from harness.process import DEADLINE, wait_until

# Nothing may show it: not a log, not a reply, not a file, not another process. Tests that run beside this one have
# another: a program of theirs may just be starting, with the key still in its environment.
CANARY = f"sk-canary-{secrets.token_hex(8)}"
_MOCK_LLM = Path(__file__).parent / "node_modules" / "@dwmkerr" / "mock-llm" / "dist" / "main.js"


class Bot:
    def __init__(self, world, url: str):
        self.world = world
        self.url = url
        self.programs = []

    def start(self, *arguments, **environment) -> "Bot":
        self.program = self.world.programs.start(
            "p2p-openai-bot",
            *("--server-port", self.world.server_port, *arguments),
            environment={"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": self.url, **environment},
            cwd=self.world.folder,
        ).wait_ready()
        assert self.program.fields == {"username": "openai"}
        self.programs.append(self.program)
        return self

    def kill(self):
        self.program.kill()

    def crash(self):
        """As a bug would end it: no core file may be written, for the key would be in it."""
        limits = Path(f"/proc/{self.program.pid}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits
        self.program.signal(signal.SIGQUIT)
        self.program.wait_exit(-signal.SIGQUIT)

    def look_for_key(self, *clients):
        """Fails when the key can be found anywhere outside the bot's own memory."""
        world = self.world
        for program in (world.api, world.server, *self.programs):
            assert CANARY not in program.stdout + program.stderr, program.name
        for client in clients:
            seen = getattr(client, "transcript", None) or json.dumps(client.frames)
            assert CANARY not in seen
        files = [path for path in world.folder.rglob("*") if path.is_file()]
        assert any(path.name == "messages.db" for path in files)
        for path in files:
            with contextlib.suppress(FileNotFoundError):  # a new state file that has just got its name
                assert CANARY.encode() not in path.read_bytes(), path
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    content = (process / name).read_bytes()
                except OSError:
                    continue
                assert CANARY.encode() not in content, f"{process / name}"


def ask(client, text: str, id: str | None = None):
    client.message("openai", text, id)


def answer(client, text: str | None = None) -> dict:
    frame = client.recv_message(text)
    assert frame["sender"] == "openai" and frame["type"] == "chat", frame
    client.got(frame)
    return frame


def answers_in(client) -> list[dict]:
    return [frame for frame in client.frames if frame.get("sender") == "openai" and "destination" in frame]


@pytest.fixture
def model():
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def bot(world, model) -> Bot:
    return Bot(world, model.url)


def test_commands_of_the_original_through_a_text_session(world, bot, model):
    bot.start()
    alice = world.text("alice")

    def say_to_bot(text: str, expected: str) -> str:
        alice.line(f"openai: {text}")
        return alice.expect_line(expected)

    for text in ("help", "  INFO "):
        say_to_bot(text, "personality NAME - ")
        for name in ("happy", "angry", "spanish"):
            assert alice.expect_line(f"personality {name} - ").startswith("[openai][")
    say_to_bot("personality angry", "Personality: angry.")
    say_to_bot("Personality  SPANISH ", "Personality: spanish.")
    say_to_bot("personality happy", "Personality: happy.")
    say_to_bot("rotate", "Personality: angry.")
    say_to_bot("ROTATE", "Personality: spanish.")
    say_to_bot("personality", "Personality: spanish. There are: happy, angry, spanish.")
    say_to_bot("personality evil", "no such personality")
    assert not model.exchanges, "commands are none of the model's business"

    # A question is kept as it was written, and its answer has its lines.
    model.script = [say("uno\n\n  dos 😀"), say("tres")]
    say_to_bot("help me with  this: a\\b \"c\" ", "] uno")
    alice.expect_line("]   dos 😀")
    assert model.exchanges[0].question.strip() == 'help me with  this: a\\b "c"'
    assert "español" in model.exchanges[0].system
    assert model.exchanges[0].body["model"] == "gpt-4o" and model.exchanges[0].key == f"Bearer {CANARY}"
    # The conversation goes on, until it is reset.
    say_to_bot("and then?", "] tres")
    assert [message["role"] for message in model.exchanges[1].body["messages"]] == ["system", "user", "assistant", "user"]
    assert model.exchanges[1].body["messages"][2]["content"] == "uno\n\n  dos 😀"
    say_to_bot("reset", "forgotten")
    say_to_bot("third", "You said: third")
    assert [message["role"] for message in model.exchanges[2].body["messages"]] == ["system", "user"]
    say_to_bot("usage", "tokens")

    # Another user's personality and conversation are untouched, and both survive a restart.
    bob = world.text("bob")
    bob.line("openai: personality angry")
    bob.expect_line("Personality: angry.")
    carol = world.text("carol")
    carol.line("openai: hello")
    carol.expect_line("You said: hello")
    assert "cheerful" in model.exchanges[3].system and len(model.exchanges[3].body["messages"]) == 2
    bot.kill()
    bot.start()
    for client, word in ((alice, "spanish"), (bob, "angry"), (carol, "happy")):
        client.line("openai: personality")
        client.expect_line(f"Personality: {word}.")
    for file in (world.folder / "data").glob("openai_*.json"):
        assert file.stat().st_mode & 0o777 == 0o600
    bot.look_for_key(alice, bob, carol)


def test_answers_grow(world, bot, model):
    bot.start("--model", "some-model", "--personality", "angry")
    alice = world.json("alice")

    # Split at every byte, with each kind of line end.
    text = "Grüße,\n\t→ 😀 \"quoted\" data: x\n\nend"
    for line_end in (b"\n", b"\r\n", b"\r"):
        model.script = [say(text, bytewise=True, line_end=line_end)]
        ask(alice, "bytes")
        assert answer(alice)["message"] == text
    assert model.exchanges[0].body["model"] == "some-model" and "grumpy" in model.exchanges[0].system

    # Partial texts come under the id of the answer, each longer than the last, at most five a second.
    step = threading.Semaphore(0)
    model.script = [grow(*("word " for _ in range(40)), step=step)]
    ask(alice, "grow")
    model.wait_requests(4)
    started = time.monotonic()
    step.release()
    partials = [alice.recv("partial")]
    for _ in range(19):
        step.release()
        time.sleep(0.02)
    step.release(5)
    partials.append(alice.recv(lambda f: f["type"] == "partial" and len(f["text"]) == 25 * 5))
    spent = time.monotonic() - started
    step.release(40)
    whole = answer(alice)
    partials = [frame for frame in alice.frames if frame.get("type") == "partial" and frame["id"] == whole["id"]]
    assert len(partials) <= 2 + spent / 0.2
    for shorter, longer in zip(partials, partials[1:]):
        assert longer["text"].startswith(shorter["text"]) and shorter["text"] != longer["text"]
    assert whole["message"] == "word " * 40 and len(answers_in(alice)) == 4

    # What doesn't fit is left out or cut at a character; servers that don't stream do as well.
    model.script = [say("a\x1b[31m\r\nb\x07"), say("ä" * 20000), plain(
        json.dumps({"choices": [{"message": {"content": "not\nstreamed"}, "finish_reason": "stop"}]}).encode())]
    ask(alice, "control")
    assert answer(alice)["message"] == "a[31m\nb"
    ask(alice, "long")
    cut = answer(alice)["message"]
    assert cut == "ä" * (len(cut) - 1) + "…" and 16380 <= len(cut.encode()) <= 16384
    ask(alice, "plain")
    assert answer(alice)["message"] == "not\nstreamed"

    # Bots, and what is no question, are not answered; and yet taken out of the mailbox.
    count = len(model.exchanges)
    thermometer = world.json("thermometer1")
    ask(thermometer, "from a bot", "b1")
    thermometer.recv_receipt("b1", "delivered")
    for kind in ("notification", "subscription"):
        alice.message("openai", "no question", id=kind, type=kind)
        alice.recv_receipt(kind, "delivered")
    ask(alice, "from a person")
    answer(alice)
    assert len(model.exchanges) == count + 1
    assert not answers_in(thermometer)
    bot.look_for_key(alice, thermometer)


def test_failures_are_told_in_words(world, bot, model):
    bot.start(P2P_OPENAI_IDLE="1.5", P2P_OPENAI_TIMEOUT="8")
    alice = world.json("alice")
    leak = json.dumps({"error": {"message": f"Incorrect API key provided: {CANARY}", "code": "x"}}).encode()
    begun = chunk("It was a ")

    def told(*script) -> str:
        model.script = list(script)
        asked = len(model.exchanges)
        ask(alice, "question")
        text = answer(alice)["message"]
        assert not model.script, f"{len(model.script)} answers of the model were not asked for"
        told.tries = len(model.exchanges) - asked
        return text

    # Passing faults are tried again, and nobody notices.
    good = say("good")
    assert told(refuse(500, leak), good) == "good"
    assert told(break_off(then=CUT), good) == "good"
    assert told(break_off(b": hello\n\n", b"data: {\"cho", then=CUT), good) == "good"
    assert told(break_off(b"data: " + leak + b"\n\n", then=END), good) == "good"
    assert told(break_off(b": only comments\n\n", then=None), good) == "good"
    started = time.monotonic()
    assert told(refuse(429, leak, Retry_After="2"), good) == "good"
    assert time.monotonic() - started >= 2

    # Lasting ones are told, after three tries or at once.
    assert "has a fault" in told(refuse(500, leak), refuse(503, leak), refuse(502, b"<html>"))
    assert "does not accept my key" in told(refuse(401, leak)) and told.tries == 1
    assert "OPENAI_MODEL" in told(refuse(404, leak))
    assert "did not accept the question" in told(refuse(400, leak))
    assert "used up" in told(refuse(429, b'{"error":{"code":"insufficient_quota"}}'))
    assert "makes no sense" in told(plain(b"<html>\n<body>Sign in to the network</body>\n\n", "text/html"))
    assert "makes no sense" in told(break_off(b"data: {]\n\n", then=END))
    assert "makes no sense" in told(break_off(b"data: " + b"x" * 300000, then=END))
    assert "makes no sense" in told(plain(b'{"choices":'))
    assert "nothing to say" in told(say(""))
    assert "broke before" in told(*[break_off(then=CUT)] * 3)
    assert "not answer in time" in told(silent, silent, silent)

    # Whatever came is not thrown away, and not paid for twice.
    for broken in (break_off(begun, then=CUT), break_off(begun, then=None), break_off(begun, b"data: rubbish\n\n", then=END)):
        text = told(broken)
        assert text.startswith("It was a ") and text.endswith("the connection to the model was lost.)")
    # The user's own timer: bytes that are no words don't keep it alive for ever.
    assert told(break_off(begun, chunk(finish="stop"), then=None)).startswith("It was a")
    assert told(break_off(begun, b"data: [DONE]\n\n", then=None)).strip() == "It was a"

    # A server that does not know the wish for its count of tokens is asked without it, from then on.
    assert told(refuse(400, b'{"error":{"message":"Unrecognized request argument: stream_options"}}'), good) == "good"
    assert told(good) == "good"
    asked = [exchange.body for exchange in model.exchanges[-3:]]
    assert ["stream_options" in body for body in asked] == [True, False, False] and all(body["stream"] for body in asked)

    # A long pause is told at once, and holds for the next one too.
    assert "again in 60 minutes." in told(refuse(429, leak, Retry_After="3600"))
    asked = len(model.exchanges)
    ask(alice, "question")
    assert "again in 10 minutes." in answer(alice)["message"] and len(model.exchanges) == asked
    ask(alice, "usage")
    assert "tokens" in answer(alice)["message"]
    bot.look_for_key(alice)
    bot.crash()
    bot.look_for_key(alice)


def test_nobody_home(world, bot):
    """The model cannot be reached at all."""
    bot.url = f"http://127.0.0.1:{reserve_port()}/v1/"
    bot.start(OPENAI_API_KEY="")
    alice = world.json("alice")
    ask(alice, "question")
    assert "can't reach the model" in answer(alice)["message"]


def test_kill_at_any_moment(world, bot, model):
    bot.start()
    alice = world.json("alice")

    # While the model thinks: the question is asked again, and answered once. Alice is even away meanwhile.
    model.script = [silent]
    ask(alice, "first", "q1")
    alice.recv_receipt("q1", "stored")
    model.wait_requests(1)
    bot.kill()
    used = json.loads((world.folder / "data" / "openai_budget.json").read_text())["tokens"]
    assert used > 1000, "what was reserved counts until it is settled"
    alice.close()
    bot.start()
    model.wait_requests(2)
    wait_until(lambda: "answered" in bot.program.stderr, "the answer")
    alice = world.json("alice")
    answer(alice, "You said: first")

    # Within the text, and right behind its end: whatever the moment, one answer is shown, under one id.
    for moment in range(6):
        step = threading.Semaphore(0)
        asked = len(model.exchanges)
        model.script = [grow("Once ", "only.", step=step)]
        model.usual = say("Once only.")
        ask(alice, f"question {moment}", f"k{moment}")
        alice.recv_receipt(f"k{moment}", "stored")
        model.wait_requests(asked + 1)
        step.release(1 if moment < 2 else 2)
        if moment < 2:
            alice.recv("partial")
        elif moment < 4:
            alice.recv_message("Once only.")
        time.sleep(0.01 * moment)
        bot.kill()
        bot.start()
        alice.recv_receipt(f"k{moment}", "delivered")
        alice.ping()
        shown = [frame["id"] for frame in answers_in(alice) if frame["message"] == "Once only."]
        assert len(shown) == len(set(shown)) == moment + 1, shown
    # Seen, and not yet on the disk: the bot answers again, under the same id, and nobody sees it.
    tina = world.text("tina")
    seen_before_it_is_safe(world, bot, model, lambda text: ask(alice, text), alice.recv_message)
    seen_before_it_is_safe(world, bot, model, lambda text: tina.line(f"openai: {text}"), tina.expect_line)
    assert len([frame for frame in answers_in(alice) if frame["message"] == "Seen."]) == 1
    assert tina.transcript.count("] Seen.") == 1
    # A change is made once, however often its message comes.
    for moment in range(3):
        ask(alice, "rotate", f"r{moment}")
        alice.recv_receipt(f"r{moment}", "stored")
        if moment == 1:
            alice.recv_message()
        bot.kill()
        bot.start()
        alice.recv_receipt(f"r{moment}", "delivered")
    ask(alice, "personality", "last")
    alice.recv(lambda f: "sender" in f and f.get("message", "").startswith("Personality: happy. There are"))
    assert json.loads((world.folder / "data" / "openai_budget.json").read_text())["tokens"] >= used

    # The server's end is no end: the answer that it never acknowledged comes later.
    step = threading.Semaphore(0)
    model.script = [grow("Late.", step=step)]
    asked = len(model.exchanges)
    ask(alice, "late", "s1")
    alice.recv_receipt("s1", "stored")
    model.wait_requests(asked + 1)
    world.kill_server()
    step.release(1)
    wait_until(lambda: bot.program.stderr.count("answered") >= 1, "the answer")
    world.start_server()
    alice = world.json("alice")
    answer(alice, "Late.")

    # Nor is an answer shown again by a server that remembers nothing: the bot says that it may be a repeat.
    visits = [world.text("uma")]

    def come_anew():
        world.restart_server()
        visits.append(world.text("uma"))

    say_to_bot, see = lambda text: visits[-1].line(f"openai: {text}"), lambda text: visits[-1].expect_line(text)
    seen_before_it_is_safe(world, bot, model, say_to_bot, see, come_anew)
    assert [visit.transcript.count("] Seen.") for visit in visits] == [1, 0]
    bot.look_for_key(alice, *visits)


def seen_before_it_is_safe(world, bot, model, say_to_bot, see, meanwhile=lambda: None):
    """Answers go by the question: others may be asked again as well, by a bot that was killed before it said got."""
    step = threading.Semaphore(0)
    first = [grow("Seen.", step=step)]
    texts = {"see": "Seen.", "the last": "Last."}

    def behave(exchange):
        slowly = exchange.question == "see" and first
        (first.pop() if slowly else say(texts.get(exchange.question, "Once only.")))(exchange)

    def asked() -> int:
        return sum(exchange.question == "see" for exchange in model.exchanges)

    model.usual, before = behave, asked()
    say_to_bot("see")
    wait_until(lambda: asked() == before + 1, "the model is asked")
    world.api.signal(signal.SIGSTOP)
    step.release(1)
    see("Seen.")
    bot.kill()
    world.api.signal(signal.SIGCONT)
    meanwhile()
    bot.start()
    wait_until(lambda: asked() == before + 2, "the model is asked again")
    say_to_bot("the last")
    see("Last.")


def test_limits(world, bot, model):
    # Each question reserves about 60 tokens of the prompt and 64 for the answer.
    settings = {
        "P2P_OPENAI_ANSWER_TOKENS": "64",
        "P2P_OPENAI_USER_TOKENS_PER_DAY": "1000",
        "P2P_OPENAI_TOKENS_PER_DAY": "1500",
    }
    bot.start(**settings)
    alice, bob = world.json("alice"), world.json("bob")
    step = threading.Semaphore(0)

    # One at a time and three in line; others are not kept waiting by that.
    model.script = [grow("first", step=step)]
    for number in range(6):
        ask(alice, f"question {number}", f"a{number}")
    for _ in range(2):
        assert answer(alice)["message"].startswith("One thing after the other")
    ask(alice, "help", "h")  # needs no model: answered out of line
    assert "commands" in answer(alice)["message"]
    ask(bob, "between")
    answer(bob, "You said: between")
    step.release(1)
    answer(alice, "first")
    for number in (1, 2, 3):
        answer(alice, f"You said: question {number}")
    # 6 were asked; the one that held and bob's were side by side.
    assert model.most_at_once == 2 and len(model.exchanges) == 5
    assert [e.question for e in model.exchanges if e.question.startswith("q")] == [f"question {n}" for n in range(4)]
    assert model.exchanges[0].body["max_tokens"] == 64

    # The server's count is believed; the budget holds over a restart, and for all users together.
    assert model.exchanges[0].body["stream_options"] == {"include_usage": True}
    model.script = [say("dear", tokens=900)]
    ask(alice, "dear")
    answer(alice, "dear")
    for _ in range(2):
        ask(alice, "more")
        assert "as much as you may today" in answer(alice)["message"]
        ask(alice, "usage")
        assert " of 1000 tokens" in answer(alice)["message"]
        bot.kill()
        bot.start(**settings)
    model.script = [say("dear", tokens=1000)]
    ask(bob, "dear")
    answer(bob, "dear")
    carol = world.json("carol")
    ask(carol, "more", "c1")
    assert "All users together" in answer(carol)["message"]
    carol.recv_receipt("c1", "delivered")  # else it would be asked again below

    # Twenty people at once cannot take more than there is.
    (world.folder / "data" / "openai_budget.json").unlink()
    bot.kill()
    bot.start(**settings)
    asked = len(model.exchanges)
    model.usual = say("yes", tokens=0)
    crowd = [world.json(f"user{number}") for number in range(20)]
    gate = threading.Semaphore(0)
    model.script = [grow("yes", step=gate) for _ in range(20)]
    for client in crowd:
        ask(client, "all at once")
    wait_until(lambda: sum(was_refused(client) for client in crowd) + len(model.exchanges) - asked == 20, "all are asked or refused")
    asked = len(model.exchanges) - asked
    assert 5 <= asked <= 15
    tokens = json.loads((world.folder / "data" / "openai_budget.json").read_text())["tokens"]
    assert tokens <= 1500 and tokens >= asked * 64
    gate.release(20)
    bot.look_for_key(alice, bob, carol)


def was_refused(client) -> bool:
    client.ping()
    return any("All users together" in frame["message"] for frame in answers_in(client))


def test_settings(world, programs):
    def refused(expected: str, *arguments, **environment):
        program = programs.start("p2p-openai-bot", *arguments, environment=environment, cwd=world.folder)
        program.wait_exit(2)
        lines = program.stderr.splitlines()
        assert len(lines) == 1 and expected in lines[0], program.stderr
        assert CANARY not in program.stderr + program.stdout

    refused("OPENAI_API_KEY=… to .env")
    refused("OPENAI_API_KEY=… to .env", OPENAI_BASE_URL="https://api.openai.com/v1/")
    refused("in no key", OPENAI_API_KEY=f"{CANARY}\n")
    refused("OPENAI_BASE_URL", OPENAI_API_KEY=CANARY, OPENAI_BASE_URL="ftp://x")
    refused("happy, angry or spanish", "--personality", "evil", OPENAI_API_KEY=CANARY)
    refused("unknown argument '--openai-api-key'", f"--openai-api-key={CANARY}")

    # .env does as well; a name that is taken, or a damaged file, ends it with a word about it.
    (world.folder / ".env").write_text(f"OPENAI_API_KEY={CANARY}\nP2P_OPENAI_USERNAME=helper\n")
    (world.folder / ".env").chmod(0o600)
    start = lambda: programs.start("p2p-openai-bot", "--server-port", world.server_port, cwd=world.folder)
    first = start().wait_ready()
    assert first.fields == {"username": "helper"}
    second = start()
    second.wait_exit(1)
    assert "already taken" in second.stderr
    first.stop()
    (world.folder / "data" / "openai_users.json").write_text("{")
    damaged = start()
    damaged.wait_exit(1)
    assert "openai_users.json" in damaged.stderr
    assert (world.folder / "data" / "openai_users.json").read_text() == "{"


def test_a_server_that_nobody_here_wrote(world, programs, tmp_path):
    node = shutil.which("node")
    if not node or not _MOCK_LLM.exists():
        pytest.skip("mock-llm is not installed (tests/tools.sh installs it where node is)")
    rule = lambda match, status, body: {
        "path": "/v1/chat/completions", "match": match, "response": {"status": status, "content": json.dumps(body)}}
    poem = "Roses are red,\nviolets are blue,\n😀😀😀😀 and so are you."
    error = {"error": {"message": "wrong key: {{jmes request headers.authorization}}", "code": "invalid_api_key"}}
    config = tmp_path / "mock-llm.yaml"  # JSON is YAML
    config.write_text(json.dumps({
        "streaming": {"chunkSize": 3, "chunkIntervalMs": 30},
        "rules": [  # the last one that matches
            rule("@", 200, {"choices": [{"message": {"content": "{{jmes request body.messages[-1].content}}"}, "finish_reason": "stop"}]}),
            rule("contains(body.messages[-1].content, 'poem')", 200, {
                "choices": [{"message": {"role": "assistant", "content": poem}, "finish_reason": "stop"}]}),
            rule("contains(body.messages[-1].content, 'memory')", 200, {
                "choices": [{"message": {"content": "before: {{jmes request body.messages[-3].content}}"}, "finish_reason": "stop"}]}),
            rule("contains(body.messages[-1].content, 'error')", 401, error),
        ],
    }))
    port = reserve_port()
    server = programs.start(node, _MOCK_LLM, "--config", config, cwd=tmp_path, environment={"HOST": "127.0.0.1", "PORT": str(port)})
    server.wait_output(r"server running on")
    bot = Bot(world, f"http://127.0.0.1:{port}/v1").start()
    alice = world.json("alice")
    ask(alice, "echo this, please")
    assert answer(alice)["message"] == "echo this, please"
    # It cuts its text within characters; no letter is lost, and the answer grows before it is there.
    ask(alice, "a poem")
    whole = answer(alice)
    assert whole["message"] == poem
    assert any(f.get("type") == "partial" and f["id"] == whole["id"] and poem.startswith(f["text"]) for f in alice.frames)
    ask(alice, "memory")
    assert answer(alice)["message"] == "before: a poem"
    ask(alice, "an error")
    assert "does not accept my key" in answer(alice)["message"]
    bot.look_for_key(alice)
    server.kill()
