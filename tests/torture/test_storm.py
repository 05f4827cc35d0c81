"""The storm ends when nothing is on its way any more."""

import asyncio

from ledger import Message
from storm import Options, Storm


def test_a_refused_message_is_waited_for(tmp_path):
    """It is in no outbox until its sender tries again."""

    async def run():
        storm = Storm(tmp_path, tmp_path, Options())
        for person in storm.people:
            person.online = True
        assert storm.rest.is_calm()
        sender = storm.people[0]
        sender.submit(Message(sender.name, "t-1", "json2", "t-1", 1, sender.kind))
        assert not storm.rest.is_calm()
        sender.take_receipt({"id": "t-1", "status": "rejected", "code": "store_unavailable"})
        assert not storm.rest.is_calm()
        async with asyncio.timeout(30):
            while not sender.outbox:
                await asyncio.sleep(0.01)
        sender.take_receipt({"id": "t-1", "status": "stored"})
        assert not storm.rest.is_calm()  # acknowledged, and not shown
        storm.ledger.arrives("json2", sender.name, "t-1", False, 1, 0.0, 1)
        assert storm.rest.is_calm()
        storm.ledger.close()

    asyncio.run(run())
