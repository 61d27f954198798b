"""One call whose application is on a control socket, without a socket: what jambonz' ws-requestor.js does."""

import json
from typing import Any

import pytest

from sim.platform.bodies import identify
from sim.platform.call import Call
from sim.platform.effects import (
    CloseControl,
    CloseMedia,
    Effect,
    Note,
    OpenControl,
    OpenMedia,
    Over,
    PauseMedia,
    Post,
    SendControl,
)
from sim.platform.manner import Callee, Manner

URL = "ws://app.example/call"
LISTEN = {"verb": "listen", "url": "wss://app.example/media/t1", "actionHook": "/ended/t1"}
PAUSE = {"verb": "pause", "length": 9}
SAY = {"verb": "say", "text": "x"}


class Platform:
    """A call, and all it did; the application's side is played by the test."""

    def __init__(self, status_hook: str | None = None, **manner: Any) -> None:
        ids = iter(range(10))
        identity = identify("+1555", "+1666", lambda: f"id-{next(ids)}")
        self.call = Call(identity, URL, status_hook, Manner(**manner))
        self.done: list[Effect] = []
        self.now = 0.0
        self.add(self.call.begin(0.0))

    def add(self, effects: list[Effect]) -> None:
        self.done += effects

    def at(self, now: float) -> "Platform":
        """Let time pass, second by second at most."""
        while (due := self.call.next_due()) is not None and due <= now:
            self.now = max(due, self.now)
            self.add(self.call.advance(self.now))
        self.now = now
        return self

    def open(self) -> "Platform":
        self.add(self.call.control_opened(self.now))
        return self

    def close(self, code: int) -> "Platform":
        self.add(self.call.control_closed(self.socket, code, self.now))
        return self

    def say(self, message: Any) -> "Platform":
        text = message if isinstance(message, str) else json.dumps(message)
        self.add(self.call.control_said(self.socket, text, self.now))
        return self

    def ack(self, *verbs: Any, of: str | None = None, data: Any = None) -> "Platform":
        """Acknowledge the last message, or the last of a type."""
        message = [one for one in self.sent if of in {None, one["type"]}][-1]
        told = {"data": list(verbs)} if verbs else {} if data is None else {"data": data}
        return self.say({"type": "ack", "msgid": message["msgid"], **told})

    def command(self, name: str, data: Any = None, **more: Any) -> "Platform":
        return self.say({"type": "command", "command": name, **({} if data is None else {"data": data}), **more})

    @property
    def socket(self) -> int:
        return [one for one in self.done if isinstance(one, OpenControl)][-1].socket

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [json.loads(one.text) for one in self.done if isinstance(one, SendControl)]

    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]

    def of(self, kind: type[Any]) -> list[Any]:
        return [one for one in self.done if isinstance(one, kind)]

    def notes(self, name: str) -> list[str]:
        return [one.text for one in self.done if isinstance(one, Note) and one.name == name]

    def over(self) -> Over | None:
        return self.call.over

    def closes(self) -> list[int]:
        return [one.code for one in self.of(CloseControl)]


def ended(platform: Platform) -> Over:
    over = platform.over()
    assert over is not None
    return over


def running(*verbs: Any, status_hook: str | None = None, **manner: Any) -> Platform:
    return Platform(status_hook, **manner).open().ack(*verbs)


def test_a_call_opens_its_socket_and_tells_the_session_over_it() -> None:
    platform = Platform(auth=("u", "p"))
    assert platform.of(OpenControl) == [OpenControl(1, URL, ("u", "p"))]
    assert platform.sent == []
    [new] = platform.open().sent
    assert (new["type"], new["call_sid"]) == ("session:new", "id-0")
    assert "hook" not in new
    assert new["data"]["sip"]["method"] == "INVITE"


def test_an_acknowledged_document_is_obeyed_and_then_the_call_waits_for_commands() -> None:
    platform = running(SAY)
    platform.at(1.0)
    assert (platform.over(), platform.closes()) == (None, [])
    assert platform.notes("waiting")
    platform.command("redirect", [{"verb": "hangup"}])
    assert platform.over()
    assert platform.closes() == [1000]
    assert platform.call.quiet


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([], "no application provided"),
        ({"verb": "say"}, "malformed jambonz payload: must be array"),
        ([{"verb": "say", "bogus": 1}], "say: unknown property bogus"),
    ],
)
def test_a_first_document_that_is_none_is_a_480_and_closes_the_socket_with_1001(data: Any, why: str) -> None:
    platform = Platform("/status").open().ack(data=data)
    assert platform.notes("rejected") == [f"480: {why}"]
    assert platform.closes() == [1001]
    assert platform.types() == ["session:new"]  # there was no session to tell a status of
    assert platform.over()
    assert ended(platform).failed


def test_a_session_that_is_not_acknowledged_in_5_seconds_is_a_480() -> None:
    platform = Platform().open().at(4.9)
    assert platform.over() is None
    platform.at(5.0)
    assert "timeout from far end" in platform.notes("rejected")[0]


def test_a_server_without_the_subprotocol_is_not_asked_again() -> None:
    platform = Platform()
    platform.add(platform.call.control_refused("Server sent no subprotocol", 0.0, retry=False))
    assert platform.notes("rejected") == ["480: Server sent no subprotocol"]
    assert platform.call.next_due() is None


def test_a_server_that_is_not_there_is_tried_five_times_more() -> None:
    platform = Platform()
    tried_at = []
    while platform.over() is None:
        platform.add(platform.call.control_refused("ECONNREFUSED", platform.now, retry=True))
        due = platform.call.next_due()
        if due is not None:
            tried_at.append(due)
            platform.at(due)
    assert tried_at == [0.5, 1.5, 3.5, 7.5, 13.5]  # after 0.5, 1, 2, 4 and 6 s
    assert len(platform.of(OpenControl)) == 6


def test_statuses_go_over_the_socket_only_where_a_hook_for_them_is_configured() -> None:
    platform = running(SAY, {"verb": "hangup"}, status_hook="/status").at(1.0)
    statuses = [one["data"]["call_status"] for one in platform.sent if one["type"] == "call:status"]
    assert statuses == ["trying", "in-progress", "completed"]
    assert "call:status" not in running(SAY, {"verb": "hangup"}).at(1.0).types()
    posted = running(SAY, status_hook="http://app.example/status").of(Post)
    assert [(post.lane, post.auth) for post in posted] == [("status", None)] * 2


def test_an_actionhook_that_is_a_path_goes_over_the_socket_and_an_absolute_one_is_posted_without_credentials() -> None:
    platform = running({**LISTEN, "id": "v1"}, PAUSE)
    platform.add(platform.call.media_opened(0.0))
    platform.add(platform.call.media_closed("closed", 3.0))
    hook = platform.sent[-1]
    assert (hook["type"], hook["hook"], hook["data"]["verb_id"]) == ("verb:hook", "/ended/t1", "v1")
    assert hook["data"]["dial_call_duration"] == 3
    platform.ack()
    assert platform.call.next_due() == 9.0
    platform = running({**LISTEN, "actionHook": "https://app.example/ended"}, auth=("u", "p"))
    platform.add(platform.call.media_closed("refused", 1.0))
    assert [(post.url, post.auth, post.ref) for post in platform.of(Post)] == [
        ("https://app.example/ended", None, "action")
    ]


@pytest.mark.parametrize("data", [None, [], {"verb": "hangup"}])
def test_an_acknowledgement_without_verbs_lets_the_document_go_on(data: Any) -> None:
    platform = running(LISTEN, PAUSE)
    platform.add(platform.call.media_closed("refused", 0.0))
    platform.ack(data=data)
    assert platform.call.next_due() == 9.0


def test_an_acknowledgement_with_verbs_replaces_the_rest() -> None:
    platform = running(LISTEN, PAUSE)
    platform.add(platform.call.media_closed("refused", 0.0))
    platform.ack({"verb": "hangup"})
    assert platform.over()
    assert ended(platform).why == "hangup"


def test_a_hook_that_is_not_acknowledged_hangs_up_but_for_verbs_that_bear_it() -> None:
    platform = running({"verb": "answer"}, {"verb": "redirect", "actionHook": "/next"}, PAUSE).at(5.0)
    assert platform.sent[-1]["type"] == "session:redirect"
    assert platform.over()
    assert (ended(platform).failed, ended(platform).call_status) == (True, "completed")
    platform = running(LISTEN, PAUSE)
    platform.add(platform.call.media_closed("refused", 0.0))
    platform.at(5.0)
    assert platform.over() is None
    assert "it goes on" in platform.notes("hook_failed")[0]


def test_a_gathers_hook_that_fails_is_told_as_an_error_and_the_call_goes_on() -> None:
    platform = running({"verb": "gather", "actionHook": "/got", "id": "g"}, PAUSE, status_hook="/status").at(5.0)
    platform.ack({"verb": "nonsense"}, of="verb:hook")
    error = platform.sent[-2]
    assert error["type"] == "jambonz:error"
    assert error["data"] == {
        "msg": "invalid actionHook response",
        "details": "invalid instruction: nonsense",
        "verb": "gather",
        "id": "g",
    }
    assert platform.sent[-1]["data"]["error"] == "invalid actionHook response"
    assert platform.over() is None


def test_a_reply_that_is_no_message_is_answered_with_an_error_and_the_socket_stays() -> None:
    platform = running(PAUSE)
    for text, details in [
        ('{"foo":1}', "type property not supplied"),
        ('{"type":"llm:tool-output","data":{}}', "invalid type property: llm:tool-output"),
        ('{"type":"ack"}', "msgid not supplied"),
        ('{"type":"command"}', "command property not supplied"),
        ('{"type":"command","command":"redirect"}', "data property not supplied"),
        ("[1]", "type property not supplied"),
        ("{", "Unexpected token, not valid JSON"),
    ]:
        platform.say(text)
        told = platform.sent[-1]
        assert (told["type"], told["data"]) == (
            "jambonz:error",
            {"msg": "InvalidMessage", "details": details, "content": text},
        )
    assert platform.closes() == []
    platform.say({"type": "ack", "msgid": "unknown"})
    assert platform.notes("ignored") == ["ack to unknown msgid unknown, discarding"]


# --- commands ---


def test_a_redirect_ends_what_runs_and_its_actionhook_is_told_first() -> None:
    platform = running(LISTEN, PAUSE)
    platform.add(platform.call.media_opened(0.0))
    platform.command("redirect", [{"verb": "hangup"}])
    assert platform.of(CloseMedia)
    assert platform.sent[-1]["type"] == "verb:hook"
    assert platform.over() is None
    platform.ack()
    assert platform.over()
    assert ended(platform).why == "hangup"


def test_verbs_in_that_hooks_acknowledgement_win_over_the_redirects() -> None:
    platform = running(LISTEN)
    platform.command("redirect", [{"verb": "hangup"}])
    platform.ack(PAUSE)
    assert (platform.over(), platform.call.next_due()) == (None, 9.0)


def test_a_queued_redirect_waits_for_its_turn() -> None:
    platform = running(PAUSE)
    platform.command("redirect", [{"verb": "hangup"}], queueCommand=True)
    assert platform.over() is None
    platform.at(9.0)
    assert platform.over()
    assert platform.notes("document")[-1] == "queued: hangup"


def test_a_redirect_of_bad_verbs_does_nothing() -> None:
    platform = running(PAUSE).command("redirect", [{"verb": "nonsense"}])
    assert platform.notes("ignored") == ["redirect: invalid instruction: nonsense"]
    assert platform.call.next_due() == 9.0


def test_a_redirect_to_a_hook_asks_it_over_the_socket() -> None:
    platform = running(PAUSE).command("redirect", {"call_hook": "/other"})
    asked = platform.sent[-1]
    assert (asked["type"], asked["hook"]) == ("session:redirect", "/other")
    platform.ack({"verb": "hangup"})
    assert platform.over()


@pytest.mark.parametrize(("data", "left"), [([], None), (None, "hangup")])
def test_a_redirect_that_brings_nothing_ends_what_runs(data: Any, left: str | None) -> None:
    platform = running(PAUSE, {"verb": "hangup"}).command("redirect", {"call_hook": "/other"}).ack(data=data)
    over = platform.over()
    assert (over.why if over else None) == left


def test_a_redirect_that_fails_leaves_the_call_as_it_was() -> None:
    platform = running(PAUSE).command("redirect", {"call_hook": "/other"}).at(5.0)
    assert "the call goes on" in platform.notes("hook_failed")[0]
    assert platform.over() is None
    assert platform.command("redirect", {"nothing": 1}).notes("ignored")


def test_a_redirect_to_a_webhook_leaves_the_socket_for_it() -> None:
    platform = running(PAUSE).command("redirect", {"call_hook": "https://other.example/call"})
    assert platform.closes() == [1000]
    [post] = platform.of(Post)
    assert (post.url, post.kind) == ("https://other.example/call", "session:redirect")


def test_the_redirect_verb_to_another_socket_is_another_application() -> None:
    platform = running({"verb": "redirect", "actionHook": "wss://other.example/x"}, PAUSE)
    assert platform.closes() == [1000]
    assert platform.of(OpenControl)[-1] == OpenControl(2, "wss://other.example/x", None)
    platform.open()
    assert platform.sent[-1]["type"] == "session:redirect"
    platform.ack({"verb": "hangup"})
    assert platform.over()


def test_hanging_up_by_command_takes_an_answered_call() -> None:
    platform = running({"verb": "answer"}, PAUSE, status_hook="/s").command("call:status", {"call_status": "completed"})
    assert platform.over()
    assert ended(platform).ended_by == "jambonz"
    ringing = running(PAUSE).command("call:status", {"call_status": "completed"})
    assert ringing.over() is None
    assert ringing.command("call:status", {"call_status": "no-answer"}).over()


def test_a_listen_is_paused_and_resumed_by_command() -> None:
    platform = running(LISTEN).command("listen:status", {"listen_status": "pause"})
    platform.command("stream:status", {"stream_status": "resume"}).command(
        "listen:status", {"listen_status": "silence"}
    )
    assert platform.of(PauseMedia) == [PauseMedia(paused=True), PauseMedia(paused=False)]
    assert running(PAUSE).command("listen:status", {"listen_status": "pause"}).notes("ignored")


def test_other_commands_are_accepted_and_shown_and_an_unknown_one_is_only_logged() -> None:
    platform = running(PAUSE)
    for name in ("whisper", "mute:status", "dtmf", "tts:tokens", "config"):
        platform.command(name, {"x": 1})
    platform.command("tts:flush")
    assert len(platform.notes("command")) == 6
    assert platform.notes("ignored") == []
    platform.command("agent:update", {"x": 1})
    assert platform.notes("ignored") == ["invalid command agent:update"]
    assert "jambonz:error" not in platform.types()


def test_verbs_are_told_of_once_that_was_asked_for() -> None:
    platform = running({"verb": "config", "notifyEvents": True}, {"verb": "say", "text": "x", "id": "s1"}).at(1.0)
    told = [one["data"] for one in platform.sent if one["type"] == "verb:status"]
    assert told == [
        {"event": "finished", "name": "config"},
        {"event": "starting", "id": "s1", "name": "say"},
        {"event": "finished", "id": "s1", "name": "say"},
    ]


def test_a_dial_that_is_answered_asks_whether_to_connect() -> None:
    target = {"type": "phone", "number": "+1777", "confirmHook": "/confirm"}
    dial = {"verb": "dial", "target": [target], "actionHook": "/dialled"}
    platform = running(dial, callee=Callee(answers_s=1, talks_s=4)).at(1.0)
    asked = platform.sent[-1]
    assert (asked["type"], asked["hook"], asked["data"]["to"]) == ("dial:confirm", "/confirm", "+1777")
    assert asked["data"]["parent_call_sid"] == "id-0"
    platform.ack(SAY).at(5.0)
    dialled = platform.sent[-1]["data"]
    assert (dialled["dial_call_status"], dialled["dial_call_duration"]) == ("completed", 4)


def test_a_confirmhook_that_fails_hangs_up_on_the_callee() -> None:
    dial = {"verb": "dial", "target": [{"type": "user", "name": "joe"}], "confirmHook": "/c", "actionHook": "/dialled"}
    asked = [running(dial, callee=Callee()).at(1.0) for _ in range(2)]
    for platform in (asked[0].at(6.0), asked[1].ack({"verb": "nonsense"})):
        assert platform.sent[-1]["data"]["dial_call_status"] == "no-answer"


def test_a_dial_that_is_replaced_tells_its_end_and_does_not_read_the_answer() -> None:
    dial = {"verb": "dial", "target": [{"type": "sip", "sipUri": "sip:x@y"}], "actionHook": "/dialled"}
    platform = running(dial, callee=Callee()).at(1.5).command("redirect", [PAUSE])
    assert platform.sent[-1]["data"]["dial_call_status"] == "completed"
    platform.ack({"verb": "hangup"})
    assert platform.over() is None


# --- a socket that is lost ---


def test_a_message_of_more_than_24_kib_closes_with_1009_and_reconnects() -> None:
    platform = running(PAUSE)
    platform.say({"type": "command", "command": "redirect", "data": [{"verb": "say", "text": "x" * 24 * 1024}]})
    assert platform.closes() == [1009]
    platform.at(0.5)
    assert len(platform.of(OpenControl)) == 2
    assert platform.call.control_said(1, "{}", 0.6) == []  # the old connection has nothing more to say


def test_a_lost_socket_is_opened_again_after_half_a_second_and_the_session_taken_up() -> None:
    platform = running(PAUSE, status_hook="/status").close(1006).at(0.4)
    assert len(platform.of(OpenControl)) == 1
    platform.at(0.5).open()
    again = platform.sent[-1]
    assert again["type"] == "session:reconnect"
    assert again["data"] == platform.sent[0]["data"]
    platform.ack(SAY)
    assert platform.call.next_due() == 9.0  # what it is acknowledged with does not matter


def test_what_is_to_be_told_meanwhile_opens_it_at_once_and_follows_the_acknowledgement() -> None:
    platform = running(LISTEN, status_hook="/status").close(1001)
    platform.add(platform.call.media_closed("gone", 0.1))
    assert len(platform.of(OpenControl)) == 2
    platform.open()
    assert platform.types()[-1] == "session:reconnect"
    platform.ack()
    assert platform.types()[-1] == "verb:hook"
    platform.ack({"verb": "hangup"})
    assert platform.types()[-1] == "call:status"
    assert platform.closes() == [1000]


def test_a_session_that_is_not_taken_up_is_hung_up_on() -> None:
    platform = running({"verb": "answer"}, PAUSE).close(1011).at(0.5).open().at(5.5)
    assert platform.over()
    assert "session:reconnect: timeout" in ended(platform).why
    platform = running({"verb": "answer"}, PAUSE).close(1011).at(0.5).open().close(1006)
    assert platform.over()
    assert "abandoning" in ended(platform).why


def test_a_hook_on_its_way_when_the_socket_is_lost_has_failed() -> None:
    platform = running({"verb": "answer"}, {"verb": "redirect", "actionHook": "/next"}).close(1006)
    assert platform.over()
    assert "abandoning" in ended(platform).why


def test_after_five_connections_it_is_given_up() -> None:
    platform = running(PAUSE)
    waits = []
    for _ in range(4):
        platform.close(1006)
        due = platform.call.next_due()
        assert due is not None
        waits.append(due - platform.now)
        platform.at(due).open().ack()
    assert waits == [0.5, 1.0, 2.0, 4.0]
    platform.close(1006)
    assert platform.call.next_due() == 9.0
    assert platform.over() is None


def test_an_acknowledged_reconnect_counts_for_a_session_that_never_was() -> None:
    platform = Platform().open().close(1006).at(0.5).open()
    assert platform.types() == ["session:new", "session:reconnect"]
    platform.at(7.0)
    assert platform.over() is None  # nobody counts the time of that one
    platform.ack(PAUSE)
    assert platform.call.next_due() == 16.0


def test_after_that_the_real_one_says_nothing_more_on_this_connection() -> None:
    platform = Platform(status_hook="/status").open().close(1006).at(0.5).open().ack(LISTEN, PAUSE)
    platform.add(platform.call.media_closed("gone", 1.0))
    assert platform.types() == ["session:new", "session:reconnect"]
    platform.close(1006).at(2.0).open().ack()
    assert platform.types()[2:] == ["session:reconnect", "verb:hook", "call:status", "call:status"]
    platform = Platform().open().close(1006).at(0.5).open().ack(LISTEN)
    platform.add(platform.call.caller_hung_up(1.0))
    assert platform.closes() == [1000]


def test_a_platform_that_does_not_reconnect_stays_without_its_application() -> None:
    platform = running(LISTEN, {"verb": "hangup"}, status_hook="/s", reconnects=False).close(1006).at(3.0)
    assert len(platform.of(OpenControl)) == 1
    platform.add(platform.call.media_closed("gone", 3.0))
    assert platform.over()
    assert ended(platform).why == "hangup"
    assert platform.call.quiet


def test_an_application_that_closes_with_1000_is_done() -> None:
    platform = running(LISTEN, PAUSE).close(1000).at(1.0)
    platform.add(platform.call.media_closed("gone", 1.0))
    assert platform.types() == ["session:new"]
    assert platform.call.next_due() == 10.0
    platform.at(10.0)
    assert platform.over()
    assert ended(platform).why == "no verbs left"
    assert len(platform.of(OpenControl)) == 1


def test_a_server_that_is_away_is_tried_again_while_the_call_lasts() -> None:
    platform = running({"verb": "answer"}, PAUSE).close(1006)
    for due in (0.5, 1.5, 3.5):
        platform.at(due)
        platform.add(platform.call.control_refused("ECONNREFUSED", due, retry=True))
    platform.at(7.5).open()
    assert platform.types()[-1] == "session:reconnect"


# --- the end ---


def test_when_the_caller_hangs_up_the_socket_is_closed_after_the_last_acknowledgement() -> None:
    platform = running(LISTEN, status_hook="/status")
    platform.add(platform.call.media_opened(0.0))
    platform.add(platform.call.caller_hung_up(2.0))
    assert platform.types()[-2:] == ["call:status", "verb:hook"]
    assert platform.closes() == []
    waits = not platform.call.quiet
    platform.ack({"verb": "say", "text": "too late"})
    assert platform.closes() == [1000]
    assert (waits, platform.call.quiet) == (True, True)
    assert isinstance(platform.of(OpenMedia)[0], OpenMedia)


def test_an_application_that_does_not_acknowledge_the_end_is_waited_for_5_seconds() -> None:
    platform = running(LISTEN)
    platform.add(platform.call.caller_hung_up(2.0))
    platform.at(7.0)
    assert platform.closes() == [1000]
