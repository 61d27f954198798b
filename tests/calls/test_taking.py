"""What may go wrong while a call is taken. In virtual time."""

from dataclasses import replace

import pytest

from hooks.applications.http import Http
from store.base import CallRow
from store.memory import MemoryStore
from tests.calls.exchange import SAY, Applications, Exchange, in_virtual_time, verbs_reply
from tests.calls.test_adulting import ASKED, grown
from tests.calls.test_commands import MENU


class Taken(MemoryStore):
    """Another process has taken every call a moment before."""

    async def create(self, row: CallRow) -> CallRow:
        return replace(row, id=b"of another", document=b'[{"verb": "pause", "length": 1}]')


class Broken(MemoryStore):
    async def create(self, row: CallRow) -> CallRow:
        if row.call_sid == "child":
            raise OSError("the disk is full")
        return await super().create(row)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Http]:
    """The applications that were let go."""
    found: list[Http] = []

    async def close(self: Http) -> None:
        found.append(self)

    monkeypatch.setattr(Http, "close", close)
    return found


def exchange_with(store: MemoryStore) -> Exchange:
    return Exchange(ASKED, Applications({"/call": verbs_reply(MENU), "/adulting": verbs_reply(SAY)}), store)


def test_a_call_that_another_process_has_taken_meanwhile_gets_its_document(closed: list[Http]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = exchange_with(Taken())
        assert await exchange.ring() == [{"verb": "pause", "length": 1}]
        assert (exchange.switchboard.active, len(closed)) == (0, 1)

    story()


def test_a_leg_that_cannot_be_kept_leaves_nothing_open(closed: list[Http]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = exchange_with(Broken())
        await exchange.ring()
        with pytest.raises(OSError, match="the disk is full"):
            await grown(exchange)
        assert (exchange.switchboard.active, len(closed)) == (1, 1)

    story()
