import json
from math import inf
from typing import Any

import pytest

from media.audio import AudioFormat
from media.effects import Effect, ToModel, Warn
from media.ends import NO_SESSION
from media.options import ModelLeg
from media.realtime.base import ModelRefused, SessionOpened, SessionReady
from media.realtime.openai import Realtime
from media.session import MAX_BAD_MESSAGES, Session
from tests.simulation import llm


def session() -> tuple[Session, list[Effect]]:
    out: list[Effect] = []
    model = Realtime(llm(session_update={"speed": 1.1, "mood": "sunny"}), audio=AudioFormat("pcm16", 24000))
    return Session(model, out, timeout_s=3), out


def refused(code: str, param: str | None = None, *, harmless: bool = False) -> ModelRefused:
    return ModelRefused(code, "no", param, None, fatal=False, harmless=harmless, error={"code": code})


def updates(out: list[Effect]) -> list[dict[str, Any]]:
    return [json.loads(effect.wire)["session"] for effect in out if isinstance(effect, ToModel)]


def test_the_configuration_follows_the_models_first_message() -> None:
    machine, out = session()
    assert (machine.leg, machine.due) == (ModelLeg.DIALLED, inf)
    machine.connected(1.0)
    assert machine.due == 4.0
    assert machine.said(SessionOpened(), 2.0) is None
    assert (machine.leg, machine.due) == (ModelLeg.CONFIGURING, 5.0)
    assert len(updates(out)) == 1
    assert not machine.ready
    assert machine.said(SessionReady(), 3.0) is None
    assert (machine.ready, machine.due) == (True, inf)


def test_a_first_message_or_an_answer_that_does_not_come_is_an_end() -> None:
    machine, _ = session()
    assert machine.overdue(100.0) is None
    machine.connected(0.0)
    assert machine.overdue(2.9) is None
    assert machine.overdue(3.0) is NO_SESSION


@pytest.mark.parametrize(
    ("param", "left"),
    [
        ("session.mood", {"type", "audio"}),
        ("mood", {"type", "audio"}),
        ("session.audio.output.speed", {"type", "audio", "mood"}),
    ],
)
def test_an_unknown_setting_is_left_out_and_the_rest_sent_again(param: str, left: set[str]) -> None:
    machine, out = session()
    machine.said(SessionOpened(), 0.0)
    assert machine.said(refused("unknown_parameter", param), 1.0) is None
    assert updates(out)[-1].keys() == left
    assert out[1] == Warn("session_setting_dropped", {"param": param})
    assert machine.due == 4.0


@pytest.mark.parametrize(
    "param", ["nowhere", "session.type", "session.audio", "audio.input", "audio.output.format", None]
)
def test_a_setting_that_is_not_there_or_cannot_go_ends_the_call(param: str | None) -> None:
    machine, out = session()
    machine.said(SessionOpened(), 0.0)
    end = machine.said(refused("unknown_parameter", param), 1.0)
    assert end
    assert (end.completion_reason, end.reason_code, end.ended_by) == ("server error", "unknown_parameter", "model")
    assert len(updates(out)) == 1


def test_a_harmless_error_is_passed_over() -> None:
    machine, _ = session()
    machine.said(SessionOpened(), 0.0)
    assert machine.said(refused("response_cancel_not_active", harmless=True), 1.0) is None


def test_a_session_that_is_not_as_asked_ends_the_call() -> None:
    machine, _ = session()
    machine.said(SessionOpened(), 0.0)
    end = machine.said(SessionReady("audio.output.format is wrong"), 1.0)
    assert end
    assert (end.reason_code, end.error) == ("session_mismatch", {"message": "audio.output.format is wrong"})


def test_only_so_many_messages_that_cannot_be_read_are_borne() -> None:
    machine, out = session()
    ends = [machine.bad_message("not JSON") for _ in range(MAX_BAD_MESSAGES)]
    assert ends[:-1] == [None] * (MAX_BAD_MESSAGES - 1)
    assert ends[-1]
    assert ends[-1].reason_code == "model_bad_events"
    assert out == [Warn("model_bad_event", {"what": "not JSON"})]


def test_a_model_that_is_gone_is_waited_for_no_more() -> None:
    machine, _ = session()
    machine.connected(0.0)
    assert machine.closed(1000, "").reason_code == "model_disconnected"
    assert (machine.leg, machine.due) == (ModelLeg.GONE, inf)
    machine.connected(0.0)
    assert machine.failed("connect_failed", "no route").error == {"message": "no route"}
    assert (machine.leg, machine.due) == (ModelLeg.GONE, inf)
