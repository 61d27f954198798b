"""What the platform tells of a call, unasked, comes to an application with a socket; in virtual time."""

import pytest
from structlog.testing import capture_logs

from tests.calls.application_socket import URL, ApplicationSocket
from tests.calls.exchange import SAY, Exchange, JsonObject, in_virtual_time, settings_of, settled
from tests.calls.platform_socket import PlatformSocket, sessions_of

SOCKET = settings_of({"url": URL})
STREAMING: JsonObject = {"verb": "config", "ttsStream": {"enable": True}}


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("verb:status", {"event": "starting", "name": "Say"}),
        ("tts:tokens-result", {"id": 1, "status": "ok"}),
        ("tts:tokens-result", {"id": 2, "status": "failed", "reason": "full"}),
        ("tts:streaming-event", {"event_type": "stream_open"}),
        ("tts:streaming-event", {"event_type": "user_interruption"}),
        ("jambonz:error", {"msg": "InvalidMessage", "details": "there is no conference"}),
    ],
)
def test_what_the_platform_tells_its_application_the_application_behind_us_hears(
    message: str, data: JsonObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    @in_virtual_time
    async def story() -> None:
        behind = ApplicationSocket(monkeypatch, STREAMING, SAY)
        exchange = Exchange(SOCKET)
        platform = PlatformSocket(sessions_of(exchange))
        await platform.ask("session:new")
        behind.commands("tts:tokens", {"id": 1, "tokens": "one "})
        await settled()
        assert platform.commands() == [
            {"type": "command", "command": "tts:tokens", "data": {"id": 1, "tokens": "one "}}
        ]
        platform.send(message, data=data)
        await settled()
        assert behind.told(message) == [data]
        assert ("hook" in behind.heard[-1], len(platform.acks())) == (False, 1)

    story()


@in_virtual_time
async def test_of_an_error_the_application_hears_all_but_what_we_have_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    behind = ApplicationSocket(monkeypatch, SAY)
    exchange = Exchange(SOCKET)
    platform = PlatformSocket(sessions_of(exchange))
    await platform.ask("session:new")
    error = {"msg": "InvalidMessage", "details": "no such command for +15557654321"}
    with capture_logs() as logs:
        platform.send("jambonz:error", data={**error, "content": '{"auth": "sk-ours"}'})
        await settled()
    assert behind.told("jambonz:error") == [error]
    [line] = [line for line in logs if line["event"] == "platform.error"]
    assert line["message"] == "InvalidMessage: no such command for +***"
