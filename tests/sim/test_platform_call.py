"""One call as the platform runs it, without a socket."""

import json
from typing import Any

import pytest

from sim.platform.bodies import Identity, identify
from sim.platform.call import Call
from sim.platform.effects import CloseMedia, Effect, Note, OpenMedia, Over, Post, SendDigit
from sim.platform.replies import HttpReply, NoReply

HOOK = "http://app.example:8080/jambonz/call?tenant=7"
JSON = "application/json"
LISTEN = {
    "verb": "listen",
    "url": "wss://app.example/media/t1",
    "actionHook": "/ended/t1",
    "sampleRate": 24000,
    "bidirectionalAudio": {"enabled": True, "streaming": True, "sampleRate": 24000},
    "passDtmf": True,
}


def identity() -> Identity:
    count = iter(range(10))
    return identify("+1555", "+1666", lambda: f"id-{next(count)}")


def document(*verbs: dict[str, Any]) -> HttpReply:
    return HttpReply(200, JSON, json.dumps(verbs).encode())


EMPTY = document()


def started(*verbs: dict[str, Any], status_hook: str | None = None) -> tuple[Call, list[Effect]]:
    call = Call(identity(), HOOK, status_hook)
    call.begin()
    return call, call.replied(document(*verbs), 0.0)


def names(effects: list[Effect]) -> list[str]:
    """What was done, in short: notes by name, the rest by type."""
    return [effect.name if isinstance(effect, Note) else type(effect).__name__ for effect in effects]


def posts(effects: list[Effect]) -> list[Post]:
    return [effect for effect in effects if isinstance(effect, Post)]


def over(call: Call) -> Over:
    assert call.over is not None
    return call.over


def test_a_call_begins_with_its_webhook() -> None:
    first = Call(identity(), HOOK, None).begin()
    assert names(first) == ["dialling", "Post"]
    body = posts(first)[0].body
    assert (body["from"], body["to"], body["call_status"], body["sip_status"]) == ("+1555", "+1666", "trying", 100)
    assert body["sip"]["headers"]["X-CID"] == body["call_id"]
    assert {"local_sip_address", "public_ip", "caller_name", "defaults"} <= body.keys()
    assert not {"fs_sip_address", "api_base_url", "env_vars"} & body.keys()


def test_env_vars_come_with_the_first_webhook_only() -> None:
    call = Call(identify("1", "2", lambda: "id", {"KEY": "v"}), HOOK, None)
    assert posts(call.begin())[0].body["env_vars"] == {"KEY": "v"}
    asked = posts(call.replied(document({"verb": "redirect", "actionHook": "/next"}), 0.0))
    assert "env_vars" not in asked[0].body
    assert {"fs_sip_address", "fs_public_ip", "api_base_url"} <= asked[0].body.keys()


@pytest.mark.parametrize("reply", [EMPTY, NoReply("Headers Timeout Error"), HttpReply(500, JSON, b"")])
def test_a_call_without_a_document_is_rejected_with_480(reply: HttpReply | NoReply) -> None:
    call = Call(identity(), HOOK, "http://app.example/status")
    call.begin()
    effects = call.replied(reply, 0.0)
    assert names(effects) == ["rejected", "call_ended", "Over"]  # no session was made, so no status is told
    assert (over(call).call_status, call.progress.sip_status) == ("failed", 480)
    assert over(call).failed


def test_statuses_are_told_in_their_order() -> None:
    call, effects = started({"verb": "say", "text": "x"}, status_hook="http://app.example/status")
    effects += call.advance(1.0)
    statuses = [post.body for post in posts(effects)]
    assert [body["call_status"] for body in statuses] == ["trying", "in-progress", "completed"]
    assert (statuses[2]["call_termination_by"], statuses[2]["duration"]) == ("jambonz", 1)
    assert {post.lane for post in posts(effects)} == {"status"}


def test_verbs_that_take_time_follow_each_other() -> None:
    call, effects = started({"verb": "pause", "length": 1}, {"verb": "say", "text": "x"}, {"verb": "hangup"})
    assert not call.answered
    assert call.next_due() == 1.0
    assert call.advance(0.5) == []
    assert names(call.advance(1.0)) == ["answered", "status", "verb"]
    assert names(call.advance(1.5)) == ["verb", "status", "call_ended", "Over"]
    assert (over(call).answered, over(call).failed, over(call).why) == (True, False, "hangup")
    assert call.advance(9.0) == []
    assert names(effects) == ["document", "status", "verb"]


def test_early_media_does_not_answer() -> None:
    call, effects = started({"verb": "say", "text": "x", "earlyMedia": True})
    assert "answered" not in names(effects)
    call.advance(1.0)
    assert (over(call).call_status, over(call).answered) == ("failed", False)


def test_a_hangup_before_an_answer_is_a_603() -> None:
    call, _ = started({"verb": "hangup"})
    assert (call.progress.sip_status, over(call).call_status) == (603, "failed")


@pytest.mark.parametrize(("status", "call_status"), [(486, "busy"), (404, "failed")])
def test_a_declined_call_ends_with_its_status(status: int, call_status: str) -> None:
    call, _ = started({"verb": "sip:decline", "status": status, "reason": "No"})
    assert (over(call).call_status, call.progress.sip_status, over(call).why) == (call_status, status, "No")


def test_declining_an_answered_call_is_a_failure() -> None:
    call, _ = started({"verb": "answer"}, {"verb": "sip:decline", "status": 486})
    assert over(call).failed


def test_a_verb_that_the_fake_cannot_do_is_skipped_and_said_so() -> None:
    call, effects = started({"verb": "conference", "name": "room"}, {"verb": "hangup"})
    assert "skipped" in names(effects)
    assert over(call).answered


# --- listen ---


def listening(*after: dict[str, Any], **more: Any) -> tuple[Call, list[Effect]]:
    call, effects = started({**LISTEN, **more}, *after)
    call.media_opened(1.0)
    return call, effects


def test_a_listen_opens_the_media_socket_with_the_calls_metadata() -> None:
    _, effects = started({**LISTEN, "metadata": {"callSid": "mine"}, "wsAuth": {"username": "u", "password": "p"}})
    opened = next(effect for effect in effects if isinstance(effect, OpenMedia))
    assert (opened.url, opened.caller_hz, opened.agent_hz) == (LISTEN["url"], 24000, 24000)
    assert opened.auth == ("u", "p")
    assert opened.metadata["callSid"] == "mine"
    assert (opened.metadata["sampleRate"], opened.metadata["callStatus"]) == (24000, "in-progress")
    assert not any("_" in key for key in opened.metadata)


@pytest.mark.parametrize(
    ("more", "agent_hz"),
    [
        ({"bidirectionalAudio": {"enabled": True, "streaming": False, "sampleRate": 8000}}, None),
        ({"bidirectionalAudio": {"enabled": True, "streaming": True}}, None),
        ({"bidirectionalAudio": None}, None),
    ],
)
def test_without_all_of_bidirectional_audio_nothing_is_played(more: dict[str, Any], agent_hz: int | None) -> None:
    _, effects = started({"verb": "listen", "url": "/media", **more})
    opened = next(effect for effect in effects if isinstance(effect, OpenMedia))
    assert (opened.agent_hz, opened.url) == (agent_hz, "http://app.example:8080/media")


def test_credentials_beyond_88_bytes_are_silently_left_out() -> None:
    _, effects = started({**LISTEN, "wsAuth": {"username": "u", "password": "p" * 88}})
    assert next(effect for effect in effects if isinstance(effect, OpenMedia)).auth is None


def test_when_the_application_closes_the_actionhook_tells_how_long_it_lasted() -> None:
    call, _ = listening({"verb": "hangup"}, id="v1")
    effects = call.media_closed("closed with 1000", 6.9)
    assert names(effects) == ["media_closed", "Post"]
    asked = posts(effects)[0]
    assert asked.url == "http://app.example:8080/ended/t1"
    assert (asked.body["dial_call_duration"], asked.body["verb_id"]) == (5, "v1")
    assert asked.body["call_status"] == "in-progress"


def test_when_the_socket_never_opened_the_actionhook_tells_no_duration() -> None:
    call, _ = started(LISTEN)
    effects = call.media_closed("401", 1.0)
    assert names(effects) == ["media_refused", "Post"]
    assert "dial_call_duration" not in posts(effects)[0].body


def test_the_actionhooks_verbs_replace_the_rest() -> None:
    call, _ = listening({"verb": "say", "text": "never"})
    call.media_closed("", 2.0)
    assert names(call.replied(document({"verb": "hangup"}), 2.1))[:2] == ["document", "verb"]
    assert over(call).why == "hangup"


@pytest.mark.parametrize("reply", [EMPTY, HttpReply(500, "", b""), NoReply("refused")])
def test_after_an_empty_or_failing_listen_hook_the_document_goes_on(reply: HttpReply | NoReply) -> None:
    call, _ = listening({"verb": "pause", "length": 1})
    call.media_closed("", 2.0)
    call.replied(reply, 2.1)
    assert call.over is None
    assert call.next_due() == 3.1


def test_a_listen_without_an_actionhook_just_goes_on() -> None:
    call, _ = listening(actionHook=None)
    assert names(call.media_closed("", 2.0)) == ["media_closed", "status", "call_ended", "Over"]


def test_when_the_caller_hangs_up_the_status_comes_before_the_actionhook_and_its_reply_is_not_read() -> None:
    call, _ = started(LISTEN, status_hook="http://app.example/status")
    call.media_opened(0.0)
    effects = call.caller_hung_up(3.5)
    assert names(effects) == ["Post", "call_ended", "CloseMedia", "Post", "Over"]
    status, action = posts(effects)
    assert (status.lane, status.body["call_termination_by"], status.body["duration"]) == ("status", "caller", 3)
    assert (action.lane, action.body["call_status"], action.body["dial_call_duration"]) == ("call", "completed", 3)
    assert call.replied(document({"verb": "say", "text": "too late"}), 4.0) == []
    assert call.media_closed("", 4.0) == []
    assert call.caller_hung_up(4.0) == []
    assert not over(call).failed


def test_a_caller_who_hangs_up_outside_a_listen_just_ends_the_call() -> None:
    call, _ = started({"verb": "say", "text": "long " * 50})
    assert names(call.caller_hung_up(1.0)) == ["status", "call_ended", "Over"]
    assert call.next_due() is None


def test_a_caller_who_gives_up_before_the_answer_gets_487() -> None:
    call, _ = started({"verb": "pause", "length": 9})
    call.caller_hung_up(1.0)
    assert (call.progress.sip_status, over(call).call_status, over(call).answered) == (487, "no-answer", False)


def test_max_length_ends_the_listen_from_the_platforms_side() -> None:
    call, _ = listening(maxLength=10)
    assert call.next_due() == 10.0
    assert names(call.advance(10.0)) == ["CloseMedia", "Post"]
    assert call.media_closed("", 10.1) == []


def test_digits_go_to_the_media_socket_and_the_finishing_key_ends_the_listen() -> None:
    call, _ = listening(finishOnKey="#")
    assert call.pressed("5", 2.0) == [SendDigit("5")]
    effects = call.pressed("#", 3.0)
    assert names(effects) == ["SendDigit", "CloseMedia", "Post"]
    assert posts(effects)[0].body["digits"] == "#"


def test_without_passdtmf_no_digit_is_sent() -> None:
    call, _ = listening(passDtmf=False)
    assert call.pressed("5", 2.0) == []


def test_a_digit_that_nothing_listens_for_is_lost() -> None:
    call, _ = started({"verb": "pause", "length": 9})
    assert names(call.pressed("1", 1.0)) == ["skipped"]


# --- other verbs with hooks ---


@pytest.mark.parametrize(
    ("gather", "keys", "digits"),
    [({"numDigits": 2}, "12", "12"), ({"finishOnKey": "#"}, "7#", "7"), ({"maxDigits": 1}, "9", "9")],
)
def test_a_gather_ends_with_its_digits(gather: dict[str, Any], keys: str, digits: str) -> None:
    call, _ = started({"verb": "gather", "actionHook": {"url": "/got", "method": "POST"}, **gather})
    effects = [effect for key in keys for effect in call.pressed(key, 1.0)]
    body = posts(effects)[0].body
    assert (posts(effects)[0].url, body["digits"], body["reason"]) == (
        "http://app.example:8080/got",
        digits,
        "dtmfDetected",
    )


def test_a_gather_waits_a_little_for_the_next_digit_and_a_while_for_the_first() -> None:
    call, _ = started({"verb": "gather", "actionHook": "/got", "timeout": 3})
    assert call.next_due() == 3.0
    call.pressed("4", 1.0)
    assert call.next_due() == 1.5
    assert posts(call.advance(1.5))[0].body["digits"] == "4"
    assert names(call.pressed("5", 1.6)) == ["skipped"]


def test_a_gather_without_digits_or_hook_goes_on() -> None:
    call, _ = started({"verb": "gather"})
    call.advance(5.0)
    assert over(call).why == "no verbs left"
    call, _ = started({"verb": "gather", "actionHook": "/got"})
    assert posts(call.advance(5.0))[0].body["reason"] == "timeout"


@pytest.mark.parametrize("reply", [HttpReply(404, "", b""), HttpReply(200, JSON, b""), NoReply("refused")])
def test_an_error_of_any_other_actionhook_hangs_up(reply: HttpReply | NoReply) -> None:
    call, _ = started({"verb": "answer"}, {"verb": "redirect", "actionHook": "/next"}, {"verb": "say", "text": "x"})
    assert names(call.replied(reply, 1.0)) == ["hook_failed", "status", "call_ended", "Over"]
    assert over(call).failed
    assert over(call).call_status == "completed"


def test_such_an_error_before_the_answer_refuses_the_call() -> None:
    call, _ = started({"verb": "redirect", "actionHook": "/next"})
    call.replied(NoReply("refused"), 1.0)
    assert (over(call).call_status, over(call).failed) == ("failed", True)


def test_nobody_answers_a_dial_and_its_hook_says_so() -> None:
    call, _ = started({"verb": "dial", "target": [{"type": "phone", "number": "1"}], "actionHook": "/dialed"})
    assert posts(call.advance(2.0))[0].body["dial_call_status"] == "no-answer"
    call, _ = started({"verb": "dial", "target": [{"type": "phone", "number": "1"}]}, {"verb": "hangup"})
    call.advance(2.0)
    assert over(call).why == "hangup"


def test_a_reply_that_nobody_waits_for_changes_nothing() -> None:
    call, _ = listening()
    assert call.replied(document({"verb": "hangup"}), 2.0) == []
    assert call.over is None


def test_closing_media_is_told_to_the_socket_as_an_effect() -> None:
    call, _ = listening()
    assert CloseMedia() in call.caller_hung_up(2.0)
