"""What a call costs between its webhook and its model."""

import asyncio

import pytest

from tests.calls.exchange import LLM, Exchange, StillLine, in_virtual_time, settings_of


@in_virtual_time
async def test_the_model_is_dialled_before_the_webhook_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled = []

    async def reach() -> None:
        dialled.append(True)

    async def run(line: StillLine) -> None:
        reaching = asyncio.create_task(reach())  # as a line does
        await line.over.wait()
        await reaching

    monkeypatch.setattr(StillLine, "run", run)
    exchange = Exchange(settings_of({"verbs": [LLM]}))
    await exchange.ring()
    assert dialled == [True]
