"""What goes wrong, and when: drawn from the seed alone, before anything starts, so that a seed gives the same schedule."""

import random
from dataclasses import dataclass

CALM_EVERY = 12  # kills; then a while of peace, in which all catch up with their backlogs


@dataclass(frozen=True)
class Event:
    at: float  # seconds from the beginning
    fault: str
    target: str = ""
    seconds: float = 0.0
    share: float = 1.0
    direction: str = ""

    def __str__(self):
        rest = "".join(f" {value}" for value in (self.target, self.direction) if value)
        return f"{self.at:8.2f} {self.fault}{rest} {self.seconds:.2f}s share={self.share:.2f}"


def _seconds(rng: random.Random, most: float) -> float:
    """Mostly short."""
    return most * rng.random() ** 3


def _kill(rng: random.Random, at: float, mongodb: bool) -> Event:
    targets = {"server": 35, "api": 30, "client": 20, "adapter": 10, "mongo": 15 if mongodb else 0}
    target = rng.choices(list(targets), list(targets.values()))[0]
    return Event(at, "kill", target, _seconds(rng, 2.0))


def _other(rng: random.Random, at: float, mongodb: bool) -> Event:
    proxies = ["server", "api"] + (["mongo"] if mongodb else [])
    fault = rng.choices(
        ("cut", "lose", "stall", "refuse", "pause", "fill", "crash", "leave"), (20, 10, 10, 4, 14, 8, 20, 8)
    )[0]
    share = rng.choice((0.3, 1.0))
    if fault == "pause":  # SIGSTOP; for longer than the server waits for the store, now and then
        target = rng.choice(["server", "api", "api", "adapter"] + (["mongo"] if mongodb else []))
        long = target in ("api", "mongo") and rng.random() < 0.15
        return Event(at, fault, target, rng.uniform(5, 7) if long else _seconds(rng, 2.0))
    if fault in ("cut", "lose", "stall", "refuse"):
        direction = rng.choice(("up", "down", "both"))
        return Event(at, fault, rng.choice(proxies), _seconds(rng, 2.0), share, direction)
    return Event(at, fault, "", _seconds(rng, 3.0), rng.choice((0.2, 0.5)))


def make(seed: int, kills: int, mongodb: bool, gap: float = 1.0) -> list[Event]:
    """`kills` kills, `gap` seconds apart in the mean, and about as many other faults, ordered by time."""
    rng = random.Random(seed)
    events = []
    at = 1.0
    for number in range(kills):
        at += rng.expovariate(1 / gap) if rng.random() > 0.1 else 0.0  # two at once, sometimes
        events.append(_kill(rng, at, mongodb))
        for _ in range(rng.choice((0, 1, 1, 2))):
            events.append(_other(rng, at + rng.uniform(0, gap), mongodb))
        if number % CALM_EVERY == CALM_EVERY - 1:
            at += rng.uniform(3, 6) * gap
    return sorted(events, key=lambda event: event.at)
