import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import pytest

from media.audio import AudioFormat
from media.effects import Effect, End, Redial, ToModel, Warn
from media.ends import NO_SESSION, SILENT, TIMEOUT
from media.expiry import MIN_SESSION_S
from media.options import Manners, ModelLeg, Options
from media.realtime.base import (
    CallerStarted,
    CallerStopped,
    ModelRefused,
    ResponseEnded,
    ResponseStarted,
    SessionOpened,
    SessionReady,
)
from media.realtime.openai import Realtime
from media.returns import BACKOFF_S, MAX_RETURNS, WITHIN_S
from media.session import MAX_BAD_MESSAGES, Session
from tests.simulation import llm


@dataclass
class Watch:
    """What a session told."""

    used: list[object] = field(default_factory=list)
    lost: int = 0
    wanted: bool = True

    def lose(self) -> None:
        self.lost += 1


def model() -> Realtime:
    return Realtime(llm(session_update={"speed": 1.1, "mood": "sunny"}), audio=AudioFormat("pcm16", 24000))


def session(models: int = 1, **limits: Any) -> tuple[Session, list[Effect]]:
    machine, out, _ = watched(models, **limits)
    return machine, out


def watched(models: int = 1, **limits: Any) -> tuple[Session, list[Effect], Watch]:
    out: list[Effect] = []
    watch = Watch()
    these = [model() for _ in range(models)]
    options = Options(audio=AudioFormat("pcm16", 24000), session_timeout_s=3, **limits)
    machine = Session(these, out, options, use=watch.used.append, lost=watch.lose, wanted=lambda: watch.wanted)
    return machine, out, watch


def ready(machine: Session, now: float = 0.0, expires_at: float | None = None) -> None:
    machine.connected(now)
    machine.said(SessionOpened(expires_at), now)
    machine.said(SessionReady(), now)
    assert machine.ready


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


@pytest.mark.claim("unknown parameter")
@pytest.mark.parametrize(
    ("param", "left"),
    [
        ("session.mood", {"type", "audio", "output_modalities"}),
        ("mood", {"type", "audio", "output_modalities"}),
        ("session.audio.output.speed", {"type", "audio", "mood", "output_modalities"}),
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


@pytest.mark.claim("unknown parameter")
@pytest.mark.parametrize("code", ["invalid_value", "integer_above_max_value", "invalid_request_error"])
def test_a_setting_that_is_refused_for_what_it_says_is_not_left_out(code: str) -> None:
    machine, out = session()
    machine.said(SessionOpened(), 0.0)
    end = machine.said(refused(code, "session.mood"), 1.0)
    assert end
    assert end.reason_code == code
    assert len(updates(out)) == 1


def test_a_harmless_error_is_passed_over() -> None:
    machine, _ = session()
    machine.said(SessionOpened(), 0.0)
    assert machine.said(refused("response_cancel_not_active", harmless=True), 1.0) is None


@pytest.mark.claim("J17")
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
    end = machine.closed(1000, "", 1.0)
    assert end
    assert end.reason_code == "model_disconnected"
    assert (machine.leg, machine.due) == (ModelLeg.GONE, inf)
    machine.connected(0.0)
    end = machine.failed("connect_failed", "no route", 1.0)
    assert end
    assert (end.completion_reason, end.error) == ("connection failure", {"message": "no route"})
    assert (machine.leg, machine.due) == (ModelLeg.GONE, inf)


# Renewed, reached again, fallen back


@pytest.mark.claim("drop by 1001", "drop by 1006", "drop by 1011", "drop by 1012")
@pytest.mark.parametrize("code", [None, 1001, 1006, 1011, 1012, 1013])
def test_a_drop_is_followed_by_another_connection(code: int | None) -> None:
    machine, out, watch = watched()
    ready(machine)
    assert machine.closed(code, "", 10.0) is None
    assert out[-1] == Redial(0)
    assert (machine.leg, watch.lost, watch.used) == (ModelLeg.DIALLED, 1, [])
    ready(machine, 11.0)


@pytest.mark.claim("wrong API key")
@pytest.mark.parametrize(("code", "reason_code"), [(1000, "model_disconnected"), (4000, "invalid_api_key")])
def test_a_model_that_has_finished_or_refuses_is_not_reached_again(code: int, reason_code: str) -> None:
    machine, out = session()
    ready(machine)
    end = machine.closed(code, "invalid_request_error.invalid_api_key", 10.0)
    assert end
    assert end.reason_code == reason_code
    assert Redial(0) not in out


def test_a_model_that_cannot_be_reached_again_has_disconnected() -> None:
    machine, _ = session()
    ready(machine)
    machine.closed(1006, "", 10.0)
    end = machine.failed("connect_failed", "no route", 1.0)
    assert end
    assert (end.completion_reason, end.reason_code) == ("disconnect from remote end", "model_disconnected")


@pytest.mark.claim("wrong API key")
def test_a_key_that_is_refused_when_the_model_is_reached_again_is_why_it_ends() -> None:
    machine, _ = session()
    ready(machine)
    machine.closed(1006, "", 10.0)
    end = machine.failed("invalid_api_key", "the model answered HTTP 401", 10.2)
    assert end == End("connection failure", "invalid_api_key", "model", {"message": "the model answered HTTP 401"})


def test_a_drop_before_the_first_session_is_ready_is_an_end() -> None:
    machine, _ = session()
    machine.connected(0.0)
    assert machine.closed(1006, "", 1.0)


def test_a_model_that_lets_us_in_and_drops_us_again_is_reached_after_longer_and_longer_pauses() -> None:
    machine, out = session()
    ready(machine)
    now, dials = 10.0, []
    assert machine.closed(1012, "", now) is None
    for pause_s in BACKOFF_S:
        dials.append(out.count(Redial(0)))
        machine.connected(now)
        assert machine.closed(1012, "", now) is None
        assert machine.next_due() == now + pause_s
        assert machine.overdue(now + pause_s - 0.1) is None
        assert out.count(Redial(0)) == dials[-1]
        now += pause_s
        assert machine.overdue(now) is None
        assert machine.next_due() == inf
    assert (dials, out.count(Redial(0))) == ([1, 2, 3], 4)
    machine.connected(now)
    end = machine.closed(1012, "", now)
    assert end
    assert (end.reason_code, machine.next_due()) == ("model_disconnected", inf)


def test_a_session_that_was_ready_again_has_all_its_tries_again() -> None:
    machine, out = session()
    for at in (0.0, 100.0):
        ready(machine, at)
        machine.closed(1006, "", at)
        for _ in BACKOFF_S:
            machine.connected(at)
            assert machine.closed(1006, "", at) is None
            machine.overdue(at + 10)
    assert out.count(Redial(0)) == 8


def test_a_fallback_is_dialled_at_once_where_the_pause_before_another_try_is_over() -> None:
    machine, out, _ = watched(models=2)
    ready(machine)
    machine.closed(1006, "", 0.0)
    for _ in range(len(BACKOFF_S) + 1):
        machine.connected(0.0)
        assert machine.closed(1006, "", 0.0) is None
        machine.overdue(10.0)
    assert out[-1] == Redial(1)
    assert machine.next_due() == inf


def test_a_model_that_drops_too_often_is_given_up() -> None:
    machine, _ = session()
    for n in range(MAX_RETURNS):
        ready(machine, n)
        assert machine.closed(1006, "", n) is None
    ready(machine, MAX_RETURNS)
    assert machine.closed(1006, "", WITHIN_S - 1)


def test_drops_that_are_rare_are_borne_for_ever() -> None:
    machine, _ = session()
    for n in range(10):
        ready(machine, n * WITHIN_S)
        assert machine.closed(1006, "", n * WITHIN_S) is None


FAULTS: list[Callable[[Session], End | None]] = [
    lambda machine: machine.failed("connect_failed", "no route", 1.0),
    lambda machine: machine.overdue(100.0),
    lambda machine: machine.closed(4000, "invalid_request_error.invalid_api_key", 1.0),
    lambda machine: machine.said(SessionReady("the format is wrong"), 1.0),
    lambda machine: machine.said(refused("invalid_value"), 1.0),
]


@pytest.mark.claim("fallback models")
@pytest.mark.parametrize("fault", FAULTS)
def test_where_one_model_fails_the_next_is_reached_and_after_the_last_the_call_ends(
    fault: Callable[[Session], End | None],
) -> None:
    machine, out, watch = watched(models=2)
    machine.connected(0.0)
    assert fault(machine) is None
    assert out[-1] == Redial(1)
    assert (watch.used, watch.lost) == ([machine.model], 0)
    machine.connected(0.0)
    assert fault(machine)
    assert machine.leg is ModelLeg.GONE


def test_a_conversation_that_a_model_cannot_go_on_with_falls_to_the_next() -> None:
    machine, out, watch = watched(models=2)
    ready(machine)
    quota = End("server failure", "insufficient_quota", "model")
    assert machine.fell(quota, 0.0) is None
    assert (out[-1], watch.lost) == (Redial(1), 1)
    ready(machine)
    assert machine.fell(quota, 0.0) is quota


@pytest.mark.claim("expiry")
def test_a_session_that_has_expired_is_renewed_like_one_that_was_dropped() -> None:
    machine, out, watch = watched()
    expired = End("server error", "session_expired", "model", {"message": "60 minutes are over"})
    for n in range(MAX_RETURNS):
        ready(machine)
        assert machine.fell(expired, n * 1.0) is None
    assert out.count(Warn("model_dropped", {"close_code": None, "reason": "60 minutes are over"})) == MAX_RETURNS
    assert (out[-1], watch.lost) == (Redial(0), MAX_RETURNS)
    ready(machine)
    assert machine.fell(expired, WITHIN_S - 1) is expired
    lost, _ = session()
    ready(lost)
    lost.fell(expired, 0.0)
    assert lost.failed("connect_failed", "no route", 9.0) is expired


def test_an_end_that_is_not_the_models_is_an_end() -> None:
    machine, out = session(models=2)
    ready(machine)
    left = End("normal conversation end", "agent_hung_up", "agent")
    assert machine.fell(left, 0.0) is left
    assert Redial(1) not in out


@pytest.mark.claim("expiry", "L24")
def test_a_session_near_its_end_is_renewed_when_it_is_quiet() -> None:
    machine, out, watch = watched(unix_s=1_000_000)
    ready(machine, 10.0, expires_at=1_000_000 + 10 + 3600)
    machine.renew(3400.0, quiet=lambda _: True)
    machine.renew(3500.0, quiet=lambda _: False)
    assert machine.ready
    assert machine.next_due() == 10 + 3600 - 20
    machine.renew(3500.0, quiet=lambda _: True)
    assert (out[-1], watch.lost) == (Redial(0), 1)
    assert machine.next_due() == inf


@pytest.mark.claim("expiry")
def test_a_session_at_its_end_is_renewed_whoever_speaks() -> None:
    machine, out = session(max_session_s=60)
    ready(machine)
    machine.renew(57.0, quiet=lambda _: False)
    assert machine.ready
    machine.renew(58.0, quiet=lambda _: False)
    assert out[-1] == Redial(0)


def test_a_session_is_recycled_at_once_however_often() -> None:
    machine, out, watch = watched()
    for times in range(1, MAX_RETURNS + 3):
        ready(machine)
        machine.recycle()
        assert (out[-1], watch.lost, machine.ready, machine.next_due()) == (Redial(0), times, False, inf)


def test_a_session_without_an_end_is_never_renewed() -> None:
    machine, _ = session()
    ready(machine, expires_at=1_700_000_000.0)
    machine.renew(1e9, quiet=lambda _: True)
    assert machine.ready
    assert machine.next_due() == inf


@pytest.mark.claim("expiry")
@pytest.mark.parametrize("left_s", [-1000.0, 0.0, 3.0, MIN_SESSION_S - 1])
def test_an_end_that_cannot_be_true_is_not_believed_and_warned_of_once(left_s: float) -> None:
    machine, out = session(unix_s=1_000_000)
    for at in (0.0, 100.0):
        ready(machine, at, expires_at=1_000_000 + at + left_s)
        machine.renew(at + left_s, quiet=lambda _: True)
        assert machine.ready
        assert machine.next_due() == inf
        assert machine.closed(1006, "", at + 90) is None
    doubts = [effect for effect in out if isinstance(effect, Warn) and effect.event == "session_expiry_not_believed"]
    assert doubts == [Warn("session_expiry_not_believed", {"left_s": left_s})]


@pytest.mark.claim("expiry")
def test_a_session_is_not_renewed_more_often_than_a_model_may_drop() -> None:
    machine, out = session(max_session_s=10)
    for at in range(0, 10 * MAX_RETURNS, 10):
        ready(machine, at)
        machine.renew(at + 9, quiet=lambda _: True)
    assert out.count(Redial(0)) == MAX_RETURNS
    ready(machine, 50.0)
    machine.renew(59.0, quiet=lambda _: True)
    machine.renew(60.0, quiet=lambda _: True)
    assert machine.ready
    assert machine.next_due() == inf
    assert machine.closed(1006, "", 60.0)


@pytest.mark.parametrize("code", [None, 1000, 1006, 3000])
def test_a_conversation_on_its_way_out_needs_no_other_session(code: int | None) -> None:
    machine, out, watch = watched(models=2, max_session_s=60)
    ready(machine)
    watch.wanted = False
    machine.renew(59.0, quiet=lambda _: True)
    assert machine.ready
    assert machine.closed(code, "", 59.5)
    assert machine.leg is ModelLeg.GONE
    assert not any(isinstance(effect, Redial) for effect in out)


# The first word


@pytest.mark.claim("model that is down", "fallback models")
def test_all_models_together_have_so_long_for_a_first_word() -> None:
    machine, out, _ = watched(models=3)
    machine.caller_waits(0.0)
    assert machine.next_due() == pytest.approx(8 / 3)
    assert machine.overdue(2.6) is None
    assert out == []
    assert machine.overdue(2.7) is None
    assert out[-1] == Redial(1)
    assert machine.failed("connect_failed", "no route", 3.0) is None
    assert out[-1] == Redial(2)
    machine.connected(5.5)
    assert machine.next_due() == 8.0
    assert machine.overdue(8.0) is NO_SESSION
    assert machine.next_due() == inf


@pytest.mark.claim("model that is down")
def test_a_model_that_is_ready_and_says_nothing_is_given_up_at_the_end_of_its_share() -> None:
    machine, out = session()
    machine.caller_waits(1.0)
    ready(machine, 2.0)
    assert machine.overdue(8.9) is None
    assert machine.overdue(9.0) is SILENT
    assert out[-1] is TIMEOUT
    assert machine.next_due() == inf


def test_a_model_that_has_said_something_is_waited_for_otherwise() -> None:
    machine, _ = session()
    machine.caller_waits(1.0)
    ready(machine, 2.0)
    machine.heard(ResponseStarted("r1"), 2.5)
    assert machine.next_due() == 9.0
    machine.heard(CallerStarted("u1"), 2.5)
    machine.caller_waits(3.0)
    assert machine.next_due() == inf


@pytest.mark.claim("rate limit", "model that is down")
def test_a_response_that_failed_is_not_yet_a_word() -> None:
    machine, _ = session()
    machine.caller_waits(1.0)
    ready(machine, 2.0)
    machine.heard(ResponseEnded("r1", "failed"), 2.5)
    assert machine.next_due() == 9.0
    machine.heard(ResponseEnded("r2", "completed"), 3.0)
    assert machine.next_due() == inf


def test_while_the_caller_speaks_the_clock_of_the_first_word_stands() -> None:
    machine, _ = session()
    machine.caller_waits(0.0)
    ready(machine, 1.0)
    machine.heard(CallerStarted("u1"), 2.0)
    machine.heard(CallerStarted("u1"), 3.0)
    assert machine.next_due() == inf
    assert machine.overdue(9.0) is None
    machine.heard(CallerStopped("u1"), 12.0)
    assert machine.next_due() == 18.0
    assert machine.overdue(18.0) is SILENT


def test_a_caller_who_was_speaking_when_the_session_was_lost_has_their_time_back() -> None:
    machine, _ = session()
    machine.caller_waits(0.0)
    ready(machine, 1.0)
    machine.heard(CallerStarted("u1"), 2.0)
    assert machine.closed(1006, "", 5.0) is None
    assert machine.next_due() == 11.0


def test_a_model_to_which_the_caller_speaks_first_owes_them_only_a_session() -> None:
    machine, _ = session(manners=Manners(caller_speaks_first=True))
    machine.caller_waits(1.0)
    assert machine.next_due() == 9.0
    ready(machine, 2.0)
    assert machine.next_due() == inf


def test_a_session_that_is_there_before_its_caller_owes_them_nothing_when_they_come() -> None:
    machine, _ = session(manners=Manners(caller_speaks_first=True))
    ready(machine, 1.0)
    machine.caller_waits(2.0)
    assert machine.next_due() == inf


def test_a_model_that_is_gone_has_nothing_more_to_say() -> None:
    machine, _, watch = watched()
    ready(machine)
    watch.wanted = False
    assert machine.fell(End("server failure", "insufficient_quota", "model"), 1.0)
    assert machine.said(refused("invalid_value"), 2.0) is None
    assert machine.said(SessionOpened(), 2.0) is None
    assert machine.leg is ModelLeg.GONE


# Tools that become known late

PRICE = {"type": "function", "name": "price", "parameters": {"type": "object", "properties": {}}}


def tools_told(out: list[Effect]) -> list[list[str]]:
    return [[tool["name"] for tool in session.get("tools", ())] for session in updates(out)]


@pytest.mark.claim("J31")
def test_a_session_is_configured_when_there_is_word_of_the_tools() -> None:
    machine, out = session(awaits_tools=True)
    machine.connected(0.0)
    machine.said(SessionOpened(), 1.0)
    assert (machine.leg, updates(out)) == (ModelLeg.OPENED, [])
    machine.declare([PRICE], 2.0)
    assert (machine.leg, machine.due, tools_told(out)) == (ModelLeg.CONFIGURING, 5.0, [["price"]])
    machine.said(SessionReady(), 3.0)
    assert machine.model.tools == {"price": PRICE["parameters"]}


def test_word_of_the_tools_may_come_before_the_model() -> None:
    machine, out = session(awaits_tools=True)
    machine.declare([PRICE], 0.0)
    assert out == []
    ready(machine, 1.0)
    assert tools_told(out) == [["price"]]


@pytest.mark.claim("J31")
def test_tools_that_come_late_are_told_in_an_update_of_their_own() -> None:
    machine, out = session(awaits_tools=True)
    machine.connected(0.0)
    machine.said(SessionOpened(), 1.0)
    assert machine.overdue(3.9) is None
    assert updates(out) == []
    assert machine.overdue(4.0) is None
    assert (machine.leg, machine.due) == (ModelLeg.CONFIGURING, 7.0)
    machine.declare([PRICE], 4.5)
    machine.said(SessionReady(), 5.0)
    machine.declare([PRICE, {**PRICE, "name": "stock"}], 6.0)
    machine.declare([], 7.0)
    assert tools_told(out) == [[], ["price"], ["price", "stock"]]
    assert updates(out)[1] == {"type": "realtime", "tools": [PRICE]}


@pytest.mark.claim("J31", "mcpServers")
def test_tools_that_the_model_refuses_cost_the_call_those_tools_alone() -> None:
    machine, out = session(awaits_tools=True)
    machine.declare([PRICE], 0.0)
    machine.connected(0.0)
    machine.said(SessionOpened(), 1.0)
    assert machine.said(refused("invalid_value"), 1.1) is None
    assert tools_told(out) == [["price"], []]
    assert [effect.event for effect in out if isinstance(effect, Warn)] == ["late_tools_refused"]
    assert machine.model.tools == {}
    assert machine.said(refused("invalid_value"), 1.2) is not None


def test_a_model_that_is_fallen_back_on_and_the_next_session_know_them_too() -> None:
    machine, out = session(2, awaits_tools=True)
    machine.declare([PRICE], 0.0)
    machine.failed("connect_failed", "no", 1.0)
    ready(machine, 2.0)
    machine.closed(1006, "", 3.0)
    ready(machine, 4.0)
    assert tools_told(out) == [["price"], ["price"]]
    machine.closed(1000, "", 5.0)
    machine.declare([{**PRICE, "name": "stock"}], 6.0)
    assert machine.leg is ModelLeg.GONE
    assert len(tools_told(out)) == 2
