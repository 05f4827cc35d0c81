"""The ledger's rules find what they are for."""

import random
import time
from datetime import datetime, timezone

import pytest

from ledger import Ledger, Message, make_text


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.receiver("bob", "json")
    ledger.receiver("tom", "text")
    yield ledger
    ledger.close()


def send(ledger: Ledger, number: int, to: str = "bob") -> Message:
    token = f"alice-{number}"
    message = Message("alice", token, to, make_text(token, random.Random(number)), number, "json")
    ledger.sends(message)
    ledger.writes(message)
    return message


def show(ledger, message, session: int = 1, began: float = 0.0, text: str | None = None, stored: bool = False, life: int = 0):
    return ledger.arrives(message.destination, "alice", text or message.text, stored, session, began, life or ledger.server_life)


def test_all_well(ledger):
    for number in range(3):
        message = send(ledger, number)
        assert show(ledger, message)
        ledger.acknowledges(message, "delivered")
    send(ledger, 3)  # neither acknowledged nor shown
    assert not show(ledger, message, session=2, began=1e9)
    assert ledger.finish() == []
    assert ledger.again == {"unsettled": 1}


def test_lost(ledger):
    ledger.acknowledges(send(ledger, 1), "stored")
    assert ledger.finish() == ["lost: alice-1 (stored, json) to bob"]


def test_delivered_before_it_was_shown(ledger):
    message = send(ledger, 1)
    ledger.acknowledges(message, "delivered")
    show(ledger, message)
    assert len(ledger.finish()) == 1


def test_two_ids(ledger):
    """What a client repeats by itself, after its connection broke, is one message; a second id makes it a second one."""
    message = send(ledger, 1)
    ledger.writes(message)  # again
    for session, id in enumerate(("i1", "i1", "i2")):
        ledger.arrives("bob", "alice", message.text, True, session, 0.0, 1, id)
    assert ledger.finish() == ["bob was shown alice-1 under another id: i1, i2"]


@pytest.mark.parametrize("text", ["alice-2 never sent", "alice-1 another text"])
def test_not_sent(ledger, text):
    show(ledger, send(ledger, 1), text=text)
    assert len(ledger.finish()) == 1


def test_again_in_one_session(ledger):
    message = send(ledger, 1)
    show(ledger, message)
    show(ledger, message)
    assert ledger.doubled == ["alice-1 came to bob again in one session"]


def test_again_after_got(ledger):
    message, other = send(ledger, 1), send(ledger, 2)
    for each in (message, other):
        show(ledger, each)
    ledger.settles("bob", [("alice", "alice-1"), ("alice", "alice-2")], ledger.server_life)
    show(ledger, message, session=2, began=1e9)
    assert ledger.doubled == ["alice-1 came to bob again after the server had taken its got"]
    ledger.server_killed()
    show(ledger, other, session=3, began=1e9)
    assert len(ledger.doubled) == 1 and ledger.again == {"unsettled killed": 1}


def test_text_again_after_delivered(ledger):
    message = send(ledger, 1, "tom")
    show(ledger, message)
    show(ledger, message, session=2, began=1e9)
    assert ledger.doubled == []
    ledger.acknowledges(message, "delivered")
    show(ledger, message, session=3, began=1e9)
    assert ledger.doubled == ["alice-1 came to tom again after `delivered`"]


def test_text_read_after_the_server_had_died(ledger):
    """What the dead server had written is of its life, whenever it is read."""
    message = send(ledger, 1, "tom")
    ledger.acknowledges(message, "delivered")
    ledger.server_killed()
    show(ledger, message, life=1)
    show(ledger, message, session=2, began=1e9)
    assert ledger.doubled == [] and ledger.again == {"text killed": 1}


def test_after_the_rest(ledger):
    message = send(ledger, 1)
    ledger.at_rest = True
    show(ledger, message)
    assert len(ledger.finish()) == 1


def test_out_of_order(ledger):
    messages = [send(ledger, number) for number in range(4)]
    for number in (1, 0, 3, 2):
        show(ledger, messages[number])
        ledger.acknowledges(messages[number], "stored")
    assert ledger.disorders() == ["bob: alice-1 came before alice-0", "bob: alice-3 came before alice-2"]
    ledger.refuses(messages[0], "store_unavailable")
    assert len(ledger.disorders()) == 1
    # Repeated while the store was in trouble: its refusal may have been lost.
    ledger.trouble_ends(ledger.trouble_begins())
    ledger.writes(messages[2])
    assert ledger.disorders() == []


def log_line(seconds: float, event: str) -> str:
    stamp = datetime.fromtimestamp(time.time() + seconds, timezone.utc).isoformat()
    return f"{stamp} warning server {event}\n"


AWAY, BACK_BEFORE = (-1, 1), (-9, -8)


@pytest.mark.parametrize(
    "times, stored, wrong",
    [
        (AWAY, False, 0),
        (AWAY, True, 0),  # sent before its receiver came; it is still in the server's memory
        (BACK_BEFORE, False, 1),
        (BACK_BEFORE, True, 1),
    ],
)
def test_the_store_is_away(ledger, times, stored, wrong):
    """What waits on the disk may come behind what came from memory while the store could not be read, and only then."""
    messages = [send(ledger, number) for number in range(2)]
    for number in (1, 0):
        ledger.acknowledges(messages[number], "stored")
        show(ledger, messages[number], stored=stored or number == 0)
    away, back = times
    ledger.store_was_away(
        "--- life 1, exit 0\n" + log_line(away, 'store_away why="x"') + log_line(back, 'store_back after="x"')
    )
    assert len(ledger.disorders()) == wrong


def test_a_disorder_on_the_disk(ledger):
    """Whatever happens around: as long as the server reads the store, that has the right order."""
    messages = [send(ledger, number) for number in range(2)]
    trouble = ledger.trouble_begins()
    for number in (1, 0):
        ledger.acknowledges(messages[number], "stored")
        show(ledger, messages[number], stored=True)
    ledger.trouble_ends(trouble)
    assert len(ledger.disorders()) == 1
