"""Acknowledged ⊆ shown ⊆ sent, each once and in order, while everything is killed and cut: see ledger.py."""

import asyncio

import pytest

from harness import mongodb
from storm import Options, Storm


def pytest_generate_tests(metafunc):
    option = metafunc.config.option
    stores = [option.store] if option.store else ["sqlite", "mongodb"]
    deliveries = [option.delivery] if option.delivery else ["durable", "direct"]
    metafunc.parametrize("store", stores)
    metafunc.parametrize("delivery", deliveries)


def test_ledger(store, delivery, binaries, tmp_path, request):
    if store == "mongodb" and mongodb.missing():
        pytest.skip(mongodb.missing())
    option = request.config.option
    options = Options(store, delivery, option.messages, option.kills, option.seed, option.gap)
    storm = Storm(binaries, tmp_path, options)
    asyncio.run(storm.run())
    print(storm.report())
    wrong = storm.wrong()
    if wrong:
        again = f"tests/torture/run.sh {options} --gap {options.gap:g}"
        pytest.fail("\n".join([f"{again}\nledger: {tmp_path}/ledger.jsonl", storm.report(), *wrong[:50]]), pytrace=False)
