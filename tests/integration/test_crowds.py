"""Many at once: one name that a hundred want, and a server whose users all come back in the same moment."""

import time

from harness.process import DEADLINE, wait_until

TAKEN = "Username already taken. Disconnecting..."


def _wins_text(client) -> bool:
    client.expect("Enter your username: ")
    line = client.expect("\n")
    assert line.startswith("Connected! ") or line.strip() == TAKEN
    return line.startswith("Connected! ")


def _wins_json(client) -> bool:
    frame = client.recv(lambda f: f["type"] in ("login_success", "error"))
    assert frame["type"] == "login_success" or frame["code"] == "username_taken"
    return frame["type"] == "login_success"


def test_one_name_for_a_hundred(world):
    watcher = world.json("watcher")
    clients = [(world.connect_json(), world.connect_text()) for _ in range(50)]
    for number, (program, person) in enumerate(clients):
        name = ("winner", "Winner", "WINNER")[number % 3]
        program.send({"type": "login", "username": name})
        person.line(name)
    winners = [program for program, _ in clients if _wins_json(program)]
    winners += [person for _, person in clients if _wins_text(person)]
    assert len(winners) == 1
    for client in (client for pair in clients for client in pair):
        if client not in winners:
            client.expect_close()
    watcher.command("users")
    users = watcher.recv("result")
    assert users["online"] == 2 and users["users"][-1] == "watcher" and users["users"][0].lower() == "winner"
    # The name is free as soon as its owner has gone.
    winners[0].close()
    wait_until(lambda: "session_closed" in world.server.stderr, "the winner is gone")
    world.json("winner")


def test_everyone_comes_back_at_once(world):
    """500 users lose their server and are back within seconds; what was saved for each of them is there, once."""
    names = [f"user{number}" for number in range(500)]
    clients = {name: world.json(name) for name in names}
    for number, name in enumerate(names):
        clients[name].message(names[number - 1], f"for {names[number - 1]}", id=f"m{number}")
    for number, name in enumerate(names):
        clients[name].recv_receipt(f"m{number}", "stored")
    world.kill_server()
    for client in clients.values():
        client.expect_close()
        client.close()
    world.start_server()
    start = time.monotonic()
    clients = {name: world.connect_json() for name in names}
    for name, client in clients.items():
        client.send({"type": "login", "username": name})
    for name, client in clients.items():
        client.recv("login_success")
    for name, client in clients.items():
        frame = client.recv_message(f"for {name}")
        assert frame["stored"] is True
        client.got(frame)
    assert time.monotonic() - start < DEADLINE
    for name, client in clients.items():
        client.command("check")
        assert client.recv("result")["stored"] in (0, 1)  # 1: its login's own reading was under way
        assert len([f for f in client.frames if "destination" in f]) == 1
    clients["user0"].message("user499", "and on it goes")
    clients["user499"].recv_message("and on it goes")


def _follow(client) -> set[str]:
    """Who is online, by what this user was told; nobody is said to come who was known to be there."""
    users = set(client.welcome["online_users"])
    assert len(users) == len(client.welcome["online_users"])
    for frame in (frame for frame in client.frames if frame["type"] == "presence"):
        assert not users & set(frame["joined"])
        users |= set(frame["joined"])
        users -= set(frame["left"])
    return users


def test_everybody_knows_who_is_there(world):
    """Whoever comes between two presence frames is told a part of the next one: what its login's list did not hold."""
    online = {}
    for number in range(120):
        online[f"user{number}"] = world.json(f"user{number}")
        if number % 5 == 4:
            online.pop(f"user{number - 3}").close()
        if number % 40 == 39:
            online[f"user{number}"].recv("presence")
    wait_until(lambda: world.server.stderr.count("session_closed") == 24, "the others have gone")
    world.json("end")
    for name, client in online.items():
        assert client.welcome["online_users"][-1] == name
        client.recv(lambda f: f["type"] == "presence" and "end" in f["joined"])
        assert _follow(client) == {*online, "end"}
