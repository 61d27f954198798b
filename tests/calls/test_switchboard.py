"""The life of calls, in virtual time, without a socket."""

import asyncio
import gc
from weakref import ref

import pytest
from structlog.testing import capture_logs

from calls.course import REAP_AFTER_S
from calls.register import FORGET_AFTER_S
from hooks.transports.base import HookReply
from media.effects import End
from media.ends import TOO_LONG, media_lost
from store.base import CallRow, Change
from store.memory import MemoryStore
from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    SORRY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    listen_in,
    names,
    settings_of,
    settled,
    ticket_in,
    verbs_reply,
)

AGENT = End("normal conversation end", "agent_hung_up", "agent")
REST = {"verb": "dial", "target": [{"type": "phone", "number": "+15550000000"}]}
TALK = settings_of({"verbs": [LLM, REST]})
PATIENT = settings_of({"verbs": [SAY, LLM]})
"The media socket opens only after something was said."


def end_of(line: object, end: End) -> None:
    line.finish(end)  # type: ignore[attr-defined]


# A call begins


@pytest.mark.claim("J1")
@in_virtual_time
async def test_a_call_gets_its_routes_document_and_its_model_is_dialled_at_once() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    assert names(verbs) == ["listen", "say", "hangup"]
    assert len(exchange.lines.made) == 1
    row = await exchange.store.by_sid("c-1")
    assert row
    assert (row.route, row.state, row.caller, row.legs[0].media_state) == (
        "route-0",
        "ringing",
        "+15557654321",
        "unopened",
    )


@pytest.mark.claim("J29")
@in_virtual_time
async def test_no_model_is_dialled_while_something_else_is_still_to_be_heard() -> None:
    exchange = Exchange(PATIENT)
    verbs = await exchange.ring()
    assert exchange.lines.made == []
    assert await exchange.open(verbs) is exchange.lines.made[0]


@in_virtual_time
async def test_the_same_webhook_again_gets_the_same_bytes_and_starts_nothing() -> None:
    exchange = Exchange(TALK)
    with capture_logs() as logs:
        first = await asyncio.gather(exchange.ring(), exchange.ring())
        await asyncio.sleep(0.05)
        again = await exchange.ring()
    assert first[0] == first[1] == again
    assert (len(exchange.lines.made), exchange.counts.started, exchange.switchboard.active) == (1, 1, 1)
    assert [line["event"] for line in logs] == ["webhook_duplicate"] * 2


@in_virtual_time
async def test_a_repeated_webhook_is_not_called_busy_by_its_own_call() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}, server={"max_calls": 1}))
    first = await exchange.ring()
    with capture_logs() as logs:
        assert await exchange.ring() == first
    assert "call_refused_busy" not in {line["event"] for line in logs}


@in_virtual_time
async def test_a_number_without_a_route_is_declined_and_remembered() -> None:
    exchange = Exchange(settings_of({"numbers": ["+1999"], "verbs": [SAY]}))
    assert await exchange.ring() == [{"verb": "sip:decline", "status": 404}]
    row = await exchange.store.by_sid("c-1")
    assert row
    assert (row.route, row.state) == ("", "completed")
    exchange.status("completed")


@in_virtual_time
async def test_one_call_too_many_hears_the_routes_busy_verbs() -> None:
    busy: JsonObject = {"verb": "say", "text": "Sorry, {{from}}, all lines are busy."}
    exchange = Exchange(settings_of({"verbs": [LLM], "busy": [busy, HANGUP]}, server={"max_calls": 1}))
    first = await exchange.ring()
    assert exchange.switchboard.full
    assert await exchange.ring("c-2") == [busy | {"text": "Sorry, +15557654321, all lines are busy."}, HANGUP]
    assert exchange.switchboard.active == 1
    exchange.status("completed")
    await exchange.ended(first)
    assert "listen" in names(await exchange.ring("c-3"))


@in_virtual_time
async def test_a_platform_that_cannot_reach_us_gets_the_fallback_and_the_log_says_what_to_set() -> None:
    exchange = Exchange(TALK)
    with capture_logs() as logs:
        assert await exchange.ring(reachable_by="https://voice.example.com") == SORRY
    assert [line["event"] for line in logs] == ["public_url_missing"]
    assert "server.public_url" in logs[0]["remedy"]
    assert "https://voice.example.com" in logs[0]["remedy"]
    assert exchange.switchboard.active == 0


@pytest.mark.parametrize(
    ("verbs", "environ", "event"),
    [
        ([LLM], {}, "model_not_configured"),
        ([LLM | {"connectOptions": {"host": "other.example.com"}}], None, "model_not_configured"),
        ([LLM | {"connectOptions": {"host": "{{sip.headers.X-Host}}"}}], None, "document_refused"),
    ],
)
def test_a_call_that_cannot_be_carried_out_hears_the_fallback(
    verbs: list[JsonObject], environ: dict[str, str] | None, event: str
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": verbs}, environ=environ))
        with capture_logs() as logs:
            assert await exchange.ring(sip={"headers": {"X-Host": "no/host"}}) == SORRY
        assert [line["event"] for line in logs] == [event]
        assert exchange.lines.made == []

    story()


@in_virtual_time
async def test_the_portals_variables_fill_templates_and_are_not_kept() -> None:
    route = {"verbs": [LLM | {"auth": {"apiKey": "{{env.KEY}}"}}], "fallback": [SAY | {"text": "Key {{env.WHO}}"}]}
    exchange = Exchange(settings_of(route, environ={}))
    verbs = await exchange.ring(env_vars={"KEY": "sk-of-the-portal", "WHO": "Ann"})
    assert exchange.lines.made[0]._dials[0].headers["Authorization"] == "Bearer sk-of-the-portal"
    end_of(exchange.lines.made[0], media_lost("x"))
    assert await exchange.ended(verbs) == [SAY | {"text": "Key Ann"}, HANGUP]
    assert "sk-of-the-portal" not in repr(await exchange.store.by_sid("c-1"))


# Media


@in_virtual_time
async def test_a_media_ticket_opens_once() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    assert await exchange.open(verbs) is exchange.lines.made[0]
    assert await exchange.open(verbs) is None
    assert len(exchange.lines.made) == 1
    row = await exchange.store.by_sid("c-1")
    assert row
    assert row.state == "in_progress"


@in_virtual_time
async def test_a_media_ticket_opens_nothing_after_the_longest_time_of_a_call() -> None:
    exchange = Exchange(settings_of({"verbs": [SAY, LLM], "max_call_s": 30}))
    verbs = await exchange.ring()
    await asyncio.sleep(31)
    assert await exchange.open(verbs) is None
    assert exchange.lines.made == []


@in_virtual_time
async def test_a_media_ticket_opens_nothing_after_the_calls_end() -> None:
    exchange = Exchange(PATIENT)
    verbs = await exchange.ring()
    exchange.status("completed")
    await settled()
    assert await exchange.open(verbs) is None


# What comes next


@pytest.mark.claim("J8", "actionHook")
@in_virtual_time
async def test_the_end_is_told_once_and_its_answer_is_what_the_call_does() -> None:
    wanted = {"verb": "say", "text": "One moment."}
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(wanted)}))
    verbs = await exchange.ring()
    await exchange.open(verbs)
    end_of(exchange.lines.made[0], AGENT)
    first = await exchange.ended(verbs, call_status="in-progress", digits="5")
    assert first == [wanted, HANGUP]
    assert await exchange.ended(verbs, call_status="completed") == first
    [body] = exchange.applications.bodies("/final")
    assert (body["reason_code"], body["ended_by"], body["call_status"], body["digits"]) == (
        "agent_hung_up",
        "agent",
        "in-progress",
        "5",
    )
    assert exchange.counts.ended == [("route-0", "agent_hung_up")]


@pytest.mark.claim("J8")
@in_virtual_time
async def test_two_that_ask_at_once_get_one_answer() -> None:
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(SAY, after_s=1)}))
    verbs = await exchange.ring()
    one, other = await asyncio.gather(exchange.ended(verbs), exchange.ended(verbs))
    assert one == other == [SAY, HANGUP]
    assert len(exchange.applications.bodies("/final")) == 1


@pytest.mark.claim("J8", "J29", "J30")
@pytest.mark.parametrize(
    ("end", "verbs"),
    [
        (AGENT, ["dial", "hangup"]),
        (TOO_LONG, ["dial", "hangup"]),
        (media_lost("broken"), ["say", "hangup"]),
        (End("normal conversation end", "caller_hung_up", "caller"), []),
    ],
)
def test_what_comes_next_depends_on_the_end(end: End, verbs: list[str]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(TALK)
        document = await exchange.ring()
        await exchange.open(document)
        end_of(exchange.lines.made[0], end)
        assert names(await exchange.ended(document)) == verbs

    story()


@in_virtual_time
async def test_an_action_hook_that_is_too_slow_is_not_waited_for() -> None:
    exchange = Exchange(
        settings_of({"verbs": [LLM, SAY]}, hooks={"action_timeout_s": 3}),
        Applications({"/final": verbs_reply(SAY, after_s=20)}),
    )
    verbs = await exchange.ring()
    await exchange.open(verbs)
    end_of(exchange.lines.made[0], AGENT)
    began = asyncio.get_running_loop().time()
    assert await exchange.ended(verbs) == [SAY, HANGUP]
    assert asyncio.get_running_loop().time() - began == pytest.approx(3)
    await asyncio.sleep(30)
    assert await exchange.ended(verbs) == [SAY, HANGUP]


@in_virtual_time
async def test_verbs_that_are_none_are_as_if_the_action_hook_had_said_nothing() -> None:
    exchange = Exchange(TALK, Applications({"/final": verbs_reply({"verb": 7})}))
    verbs = await exchange.ring()
    end_of(exchange.lines.made[0], AGENT)
    with capture_logs() as logs:
        assert names(await exchange.ended(verbs)) == ["dial", "hangup"]
    assert "action_hook_verbs_refused" in {line["event"] for line in logs}


NEWER: JsonObject = {"verb": "say", "text": "x", "streamingMode": True, "say2": 1}


@in_virtual_time
async def test_what_the_platform_may_not_know_is_told_once_and_leaves() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    applications = Applications({"/final": verbs_reply({"verb": "sway"}, LLM, menu, {"verb": "swing"})})
    exchange = Exchange(settings_of({"verbs": [LLM]}), applications)
    verbs = await exchange.ring()
    end_of(exchange.lines.made[0], AGENT)
    with capture_logs() as logs:
        sway, again, *_ = await exchange.ended(verbs)
    assert (sway, again["verb"]) == ({"verb": "sway"}, "listen")
    [told] = [line for line in logs if line["event"] == "hook_verbs_unknown"]
    assert (told["log_level"], told["call_sid"], told["version"]) == ("warning", "c-1", "0.9")
    assert "verbs[0].verb: unknown verb 'sway'" in told["complaint"]
    assert "verbs[3].verb: unknown verb 'swing'" in told["complaint"]
    applications.answers = {}
    await exchange.open([again])
    end_of(exchange.lines.made[1], AGENT)
    with capture_logs() as logs:
        gather, swing, _ = await exchange.ended([sway, again])
    assert (swing, [line for line in logs if line["event"] == "hook_verbs_unknown"]) == ({"verb": "swing"}, [])
    applications.answers = {"/menu": verbs_reply(NEWER)}
    with capture_logs() as logs:
        assert await exchange.hook(gather["actionHook"]) == [NEWER, HANGUP]
    [told] = [line for line in logs if line["event"] == "hook_verbs_unknown"]
    assert "verbs[0].say2: unknown property 'say2'" in told["complaint"]


@pytest.mark.parametrize(
    "options", [{"host": "a..b"}, {"host": "h:99999"}, {"url": "https://"}, {"host": "["}, {"headers": {"X": "a\r\nb"}}]
)
def test_an_action_hooks_llm_at_no_address_is_the_fallback(options: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        wanted = LLM | {"connectOptions": options, "auth": {"apiKey": "sk-own"}}
        exchange = Exchange(TALK, Applications({"/final": verbs_reply(wanted)}))
        verbs = await exchange.ring()
        end_of(exchange.lines.made[0], AGENT)
        with capture_logs() as logs:
            assert await exchange.ended(verbs) == SORRY
        [told] = [line for line in logs if line["event"] == "model_not_configured"]
        assert told["message"].startswith(f"connectOptions.{next(iter(options))} must be ")
        assert len(exchange.lines.made) == 1

    story()


@pytest.mark.claim("J7")
@in_virtual_time
async def test_a_second_llm_keeps_the_key_that_it_brought_and_the_row_has_none() -> None:
    second = LLM | {"auth": {"apiKey": "sk-of-the-second"}, "connectOptions": {"query": {"api-key": "key-in-query"}}}
    exchange = Exchange(settings_of({"verbs": [LLM | {"auth": {"apiKey": "sk-of-the-first"}}, second]}))
    verbs = await exchange.ring()
    end_of(exchange.lines.made[0], AGENT)
    again = await exchange.ended(verbs)
    assert await exchange.open(again) is exchange.lines.made[1]
    assert exchange.lines.made[1]._dials[0].headers["Authorization"] == "Bearer sk-of-the-second"
    assert "api-key=key-in-query" in exchange.lines.made[1]._dials[0].url
    kept = repr(await exchange.store.by_sid("c-1"))
    assert [key for key in ("sk-of-the-first", "sk-of-the-second", "key-in-query") if key in kept] == []


@pytest.mark.claim("J7", "auth.apiKey")
@in_virtual_time
async def test_the_log_hides_a_verbs_keys_as_long_as_they_are_used() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM | {"auth": {"apiKey": "sk-own"}}]}))
    calls = [await exchange.ring("c-1"), await exchange.ring("c-2")]
    assert exchange.hidden == ["sk-own", "sk-own"]
    for verbs, line in zip(calls, exchange.lines.made, strict=True):
        end_of(line, AGENT)
        await exchange.ended(verbs)
    await settled()
    assert exchange.hidden == []


@in_virtual_time
async def test_a_conversation_whose_media_never_came_is_a_connection_failure() -> None:
    exchange = Exchange(PATIENT)
    verbs = await exchange.ring()
    assert await exchange.ended(verbs, call_status="in-progress") == SORRY
    [body] = exchange.applications.bodies("/final")
    assert (body["completion_reason"], body["reason_code"]) == ("connection failure", "media_no_show")


@pytest.mark.claim("J8", "J29")
@in_virtual_time
async def test_an_action_hooks_llm_is_carried_out_with_tickets_of_its_own() -> None:
    second = LLM | {"actionHook": "/final2", "llmOptions": {"response_create": {"instructions": "Second."}}}
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(second), "/final2": verbs_reply(SAY)}))
    first = await exchange.ring()
    await exchange.open(first)
    end_of(exchange.lines.made[0], AGENT)
    again = await exchange.ended(first, call_status="in-progress")
    assert ticket_in(listen_in(again)["url"]).nth == 1
    assert exchange.switchboard.active == 1
    assert await exchange.open(first) is None
    assert await exchange.open(again) is exchange.lines.made[1]
    end_of(exchange.lines.made[1], AGENT)
    assert await exchange.ended(again, call_status="in-progress") == [SAY, HANGUP]
    assert (len(exchange.lines.made), exchange.switchboard.active) == (2, 0)
    assert [len(exchange.applications.bodies(path)) for path in ("/final", "/final2")] == [1, 1]


@in_virtual_time
async def test_no_model_is_dialled_for_a_caller_who_is_gone() -> None:
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(LLM)}))
    verbs = await exchange.ring()
    await exchange.open(verbs)
    assert "listen" in names(await exchange.ended(verbs, call_status="completed"))
    assert (len(exchange.lines.made), exchange.switchboard.active) == (1, 0)


@in_virtual_time
async def test_a_later_llm_that_cannot_be_carried_out_is_the_fallback() -> None:
    stranger = LLM | {"connectOptions": {"host": "other.example.com"}}
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(stranger)}))
    verbs = await exchange.ring()
    end_of(exchange.lines.made[0], AGENT)
    assert await exchange.ended(verbs) == SORRY


@in_virtual_time
async def test_an_unknown_conversation_is_answered_with_nothing() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    ticket = ticket_in(listen_in(verbs)["actionHook"])
    stranger = type(ticket)(bytes(12), 0, "ended")
    later = type(ticket)(ticket.row, 1, "ended")
    assert [await exchange.switchboard.ended(wrong, {}) for wrong in (stranger, later)] == [b"[]", b"[]"]
    assert await exchange.switchboard.hook(stranger, {}) == b"[]"


@in_virtual_time
async def test_a_call_of_long_ago_is_answered_with_a_hangup_or_as_it_was() -> None:
    exchange = Exchange(TALK)
    asked, unasked = await exchange.ring(), await exchange.ring("c-2")
    first = await exchange.ended(asked)
    await asyncio.sleep(3600 + FORGET_AFTER_S)
    assert await exchange.ended(asked) == first
    assert await exchange.ended(unasked) == [HANGUP]


# Other hooks


@in_virtual_time
async def test_another_hook_is_passed_to_its_owner_and_its_verbs_translated() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    exchange = Exchange(settings_of({"verbs": [menu]}), Applications({"/menu": verbs_reply(LLM, HANGUP)}))
    [gather, _] = await exchange.ring()
    assert exchange.switchboard.active == 1
    verbs = await exchange.hook(gather["actionHook"], digits="5", reason="dtmfDetected")
    assert exchange.applications.bodies("/menu") == [{"digits": "5", "reason": "dtmfDetected"}]
    assert await exchange.open(verbs) is exchange.lines.made[0]


@in_virtual_time
async def test_a_hook_after_the_conversation_may_begin_another() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    exchange = Exchange(settings_of({"verbs": [LLM, menu]}), Applications({"/menu": verbs_reply(LLM)}))
    first = await exchange.ring()
    await exchange.open(first)
    end_of(exchange.lines.made[0], AGENT)
    [gather, _] = await exchange.ended(first, call_status="in-progress")
    again = await exchange.hook(gather["actionHook"], digits="1")
    assert await exchange.open(again) is exchange.lines.made[1]


@in_virtual_time
async def test_a_hooks_last_verbs_end_our_part_in_the_call() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    exchange = Exchange(settings_of({"verbs": [menu]}), Applications({"/menu": verbs_reply(SAY)}))
    [gather, _] = await exchange.ring()
    assert await exchange.hook(gather["actionHook"]) == [SAY, HANGUP]
    await settled()
    assert (exchange.switchboard.active, exchange.counts.ended) == (0, [("route-0", "no_conversation")])


@in_virtual_time
async def test_what_a_wait_hook_says_is_heard_beside_the_document_and_ends_nothing() -> None:
    wait = {"verb": "enqueue", "name": "support", "waitHook": "/wait", "actionHook": "/done"}
    exchange = Exchange(settings_of({"verbs": [wait]}), Applications({"/wait": verbs_reply(SAY)}))
    [enqueue, _] = await exchange.ring()
    assert await exchange.hook(enqueue["waitHook"]) == [SAY]
    assert exchange.switchboard.active == 1


@pytest.mark.parametrize(
    "reply",
    [HookReply(204), HookReply(500), HookReply(200, "application/json", b"{"), verbs_reply({"verb": 7})[1]],
)
def test_a_hook_that_says_nothing_useful_is_answered_with_nothing(reply: HookReply) -> None:
    @in_virtual_time
    async def story() -> None:
        menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
        exchange = Exchange(settings_of({"verbs": [menu]}), Applications({"/menu": (0.0, reply)}))
        [gather, _] = await exchange.ring()
        assert await exchange.hook(gather["actionHook"]) == []
        assert exchange.switchboard.active == 1

    story()


@in_virtual_time
async def test_a_hook_of_an_application_without_a_place_is_answered_with_nothing() -> None:
    gather = {"verb": "gather", "input": ["digits"], "actionHook": "menu"}
    settings = settings_of({"verbs": [{"verb": "redirect", "actionHook": "https://app.example.com/go"}]})
    bare = settings.model_copy(update={"hooks": settings.hooks.model_copy(update={"base_url": None})})
    exchange = Exchange(bare, Applications({"/go": verbs_reply(gather)}))
    [redirect] = await exchange.ring()
    [again, _] = await exchange.hook(redirect["actionHook"])
    assert await exchange.hook(again["actionHook"]) == []


# The platform's word on it


@pytest.mark.parametrize(
    ("verbs", "by", "reason"),
    [
        ([LLM], "caller", "caller_hung_up"),
        ([LLM], "jambonz", "platform_hung_up"),
        ([SAY, LLM], "caller", "caller_hung_up"),
    ],
)
def test_a_call_that_is_over_before_its_media_socket_has_an_end(verbs: list[JsonObject], by: str, reason: str) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": verbs}))
        await exchange.ring()
        exchange.status("completed", call_termination_by=by)
        await asyncio.sleep(2.5)
        [body] = exchange.applications.bodies("/final")
        assert (body["completion_reason"], body["reason_code"]) == ("normal conversation end", reason)
        row = await exchange.store.by_sid("c-1")
        assert row
        assert row.end
        assert (row.state, row.end.reason_code, exchange.switchboard.active) == ("completed", reason, 0)
        assert exchange.counts.ended == [("route-0", reason)]

    story()


@pytest.mark.claim("J8")
@in_virtual_time
async def test_the_question_after_the_status_is_answered_with_nothing_and_one_end() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    await exchange.open(verbs)
    exchange.status("completed", call_termination_by="caller")
    assert await exchange.ended(verbs, call_status="completed") == []
    exchange.status("completed", call_termination_by="caller")
    await asyncio.sleep(60)
    assert len(exchange.applications.bodies("/final")) == 1
    assert exchange.counts.ended == [("route-0", "caller_hung_up")]


@in_virtual_time
async def test_every_status_is_passed_on_also_a_child_legs_and_after_the_end() -> None:
    exchange = Exchange(settings_of({"verbs": [SAY], "status_hook": "/status", "max_call_s": 7200}))
    await exchange.ring()
    assert exchange.switchboard.active == 0
    exchange.status("in-progress")
    exchange.status("completed", "c-1-b", parent_call_sid="c-1")
    exchange.status("completed", "c-9")
    await asyncio.sleep(FORGET_AFTER_S * 2)
    exchange.status("completed")
    await asyncio.sleep(1)
    sent = [(body["call_sid"], body["call_status"]) for body in exchange.applications.bodies("/status")]
    assert sent == [("c-1", "in-progress"), ("c-1-b", "completed"), ("c-1", "completed")]


@in_virtual_time
async def test_a_status_that_is_no_news_is_not_passed_on() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM], "status_hook": "/status"}))
    await exchange.ring()
    with capture_logs() as logs:
        for status in ("in-progress", "in-progress", "ringing", "completed", "in-progress", "completed", "failed"):
            exchange.status(status, sip_status=200)
        await asyncio.sleep(3)
    assert [body["call_status"] for body in exchange.applications.bodies("/status")] == ["in-progress", "completed"]
    told = [line for line in logs if line["event"] == "status.out_of_order"]
    assert [(line["call_sid"], line["status"], line["why"]) for line in told] == [
        ("c-1", "in-progress", "repeated"),
        ("c-1", "ringing", "late"),
        ("c-1", "in-progress", "repeated"),
        ("c-1", "completed", "repeated"),
        ("c-1", "failed", "late"),
    ]
    assert len(exchange.applications.bodies("/final")) == 1
    assert exchange.counts.ended == [("route-0", "caller_hung_up")]


@in_virtual_time
async def test_an_unasked_end_tells_what_the_platform_last_said_of_the_call() -> None:
    exchange = Exchange(TALK)
    await exchange.ring(call_status="trying", sip_status=100, customerData={"a": 1})
    exchange.status("in-progress", sip_status=200)
    exchange.status("completed", "c-1-b", parent_call_sid="c-1", sip_status=486)
    exchange.status("completed", sip_status=200, duration=7, call_termination_by="caller", env_vars={"KEY": "k"})
    exchange.status("in-progress", sip_status=199)
    await asyncio.sleep(3)
    [body] = exchange.applications.bodies("/final")
    assert (body["call_status"], body["sip_status"], body["duration"]) == ("completed", 200, 7)
    assert (body["call_termination_by"], body["customerData"]) == ("caller", {"a": 1})
    assert "env_vars" not in body


@pytest.mark.claim("J8")
@in_virtual_time
async def test_an_end_that_nobody_asks_for_is_told_after_two_seconds() -> None:
    exchange = Exchange(TALK)
    await exchange.ring()
    end_of(exchange.lines.made[0], AGENT)
    await asyncio.sleep(1.9)
    assert exchange.applications.bodies("/final") == []
    await asyncio.sleep(0.2)
    assert len(exchange.applications.bodies("/final")) == 1
    assert exchange.switchboard.active == 1
    await asyncio.sleep(30)
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_late_question_gets_the_answer_that_is_already_asked_for() -> None:
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(SAY, after_s=5)}))
    verbs = await exchange.ring()
    end_of(exchange.lines.made[0], AGENT)
    await asyncio.sleep(4)
    assert await exchange.ended(verbs) == [SAY, HANGUP]
    assert len(exchange.applications.bodies("/final")) == 1


@in_virtual_time
async def test_a_call_of_which_nothing_is_heard_any_more_is_given_up() -> None:
    exchange = Exchange(settings_of({"verbs": [SAY, LLM], "max_call_s": 30}))
    await exchange.ring()
    await asyncio.sleep(30 + REAP_AFTER_S + 3)
    assert exchange.switchboard.active == 0
    [body] = exchange.applications.bodies("/final")
    assert body["reason_code"] == "media_no_show"


@in_virtual_time
async def test_a_call_lasts_no_longer_than_its_route_says_however_many_conversations_it_has() -> None:
    exchange = Exchange(settings_of({"verbs": [SAY, LLM], "max_call_s": 30}))
    verbs = await exchange.ring()
    await asyncio.sleep(25)
    line = await exchange.open(verbs)
    assert line
    await asyncio.sleep(6)
    assert line.end == TOO_LONG


@pytest.mark.claim("J8")
@in_virtual_time
async def test_a_fault_in_one_call_ends_that_call_with_the_fallback() -> None:
    exchange = Exchange(TALK)
    broken, sound = await exchange.ring(), await exchange.ring("c-2")
    exchange.lines.made[0]._failure = ZeroDivisionError()
    exchange.lines.made[0].over.set()
    with capture_logs() as logs:
        assert await exchange.ended(broken) == SORRY
    assert "call_failed" in {line["event"] for line in logs}
    end_of(exchange.lines.made[1], AGENT)
    assert names(await exchange.ended(sound)) == ["dial", "hangup"]
    [first, _] = exchange.applications.bodies("/final")
    assert (first["completion_reason"], first["error"]) == ("server error", {"message": "internal error"})


class Failing(MemoryStore):
    """A store that fails as often as it is told to."""

    failures = 0

    async def update(self, row_id: bytes, change: Change) -> CallRow:
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        return await super().update(row_id, change)


@in_virtual_time
async def test_an_answer_that_fails_is_the_fallback_and_may_be_asked_for_again() -> None:
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(SAY)}), store=Failing())
    verbs = await exchange.ring()
    end_of(exchange.lines.made[0], AGENT)
    await settled()
    exchange.store.failures = 1  # type: ignore[attr-defined]
    with capture_logs() as logs:
        assert await exchange.ended(verbs) == SORRY
    [told] = [line for line in logs if line["event"] == "call_ended_failed"]
    assert (told["call_sid"], told["exc_info"]) == ("c-1", True)
    assert await exchange.ended(verbs) == [SAY, HANGUP]
    assert len(exchange.applications.bodies("/final")) == 1


@in_virtual_time
async def test_a_store_that_fails_for_good_leaves_nobody_waiting() -> None:
    exchange = Exchange(TALK, store=Failing())
    verbs = await exchange.ring()
    exchange.store.failures = 1000  # type: ignore[attr-defined]
    end_of(exchange.lines.made[0], AGENT)
    for _ in range(2):
        with capture_logs(), pytest.raises(OSError, match="disk full"):
            await exchange.ended(verbs)
    with capture_logs() as logs:
        await asyncio.sleep(60)
    assert "task_failed" in {line["event"] for line in logs}
    assert (exchange.switchboard.active, exchange.counts.ended) == (0, [("route-0", "no_conversation")])
    assert len(exchange.applications.bodies("/final")) == 1


@in_virtual_time
async def test_an_end_that_is_lost_leaves_nobody_waiting() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()

    def broken(now: float) -> float:
        raise ZeroDivisionError

    exchange.lines.made[0]._bridge.record.duration_s = broken  # type: ignore[method-assign]
    end_of(exchange.lines.made[0], AGENT)
    with capture_logs() as logs:
        assert await exchange.ended(verbs) == SORRY
        await asyncio.wait_for(exchange.switchboard.hurry(), 1)
        await settled()
    assert {"task_failed", "call_ended_failed"} <= {line["event"] for line in logs}
    assert (exchange.switchboard.active, exchange.applications.bodies("/final")) == (0, [])


@in_virtual_time
async def test_an_end_that_cannot_be_kept_is_told_all_the_same() -> None:
    exchange = Exchange(TALK)
    await exchange.ring()
    exchange.store._rows.clear()
    end_of(exchange.lines.made[0], AGENT)
    with capture_logs() as logs:
        await asyncio.sleep(3)
    assert "end_not_kept" in {line["event"] for line in logs}
    assert len(exchange.applications.bodies("/final")) == 1
    await exchange.switchboard.close()


@in_virtual_time
async def test_nothing_of_a_call_stays_in_memory() -> None:
    exchange = Exchange(TALK)
    for number in range(5):
        verbs = await exchange.ring(f"c-{number}")
        await exchange.open(verbs)
        exchange.status("completed", f"c-{number}")
        await exchange.ended(verbs, call_status="completed")
    kept = [ref(live) for live in exchange.switchboard._calls]
    exchange.lines.made.clear()
    assert (len(kept), len(exchange.switchboard._calls.legs())) == (5, 0)
    await asyncio.sleep(FORGET_AFTER_S + 60)
    gc.collect()
    assert [live() for live in kept] == [None] * 5


@in_virtual_time
async def test_every_line_about_a_call_says_which() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    applications = Applications({"/final": verbs_reply({"verb": 7}), "/menu": verbs_reply({"verb": 7})})
    exchange = Exchange(settings_of({"verbs": [LLM | {"model": "gpt-4o-realtime-preview"}, menu]}), applications)
    with capture_logs() as logs:
        verbs = await exchange.ring()
        await exchange.ring()
        end_of(exchange.lines.made[0], AGENT)
        [gather, _] = await exchange.ended(verbs)
        assert await exchange.hook(gather["actionHook"]) == []
        applications.answers["/menu"] = (0.0, HookReply(500))
        await exchange.hook(gather["actionHook"])
        await exchange.ring("c-2")
        exchange.lines.made[1]._failure = ZeroDivisionError()
        exchange.lines.made[1].over.set()
        await settled()
    events = [line["event"] for line in logs]
    assert [line["event"] for line in logs if line.get("call_sid") not in {"c-1", "c-2"}] == []
    ours = [line for line in logs if not line["event"].startswith("hook.")]
    assert {line["route"] for line in ours} == {"route-0"}
    assert set(events) == {
        *("llm_options_translated", "webhook_duplicate", "conversation_ended", "action_hook_verbs_refused"),
        *("hook_verbs_refused", "hook.forward_failed", "hook_reply_ignored", "call_failed"),
    }


# Another configuration


@in_virtual_time
async def test_a_call_keeps_the_configuration_with_which_it_began() -> None:
    exchange = Exchange(TALK)
    first = await exchange.ring()
    others = Exchange(settings_of({"verbs": [LLM], "fallback": [HANGUP]}))
    exchange.switchboard.take_up(others.switchboard.settings, others.dispatcher)
    second = await exchange.ring("c-2")
    for line in exchange.lines.made:
        end_of(line, media_lost("x"))
    assert await exchange.ended(first) == SORRY
    assert await exchange.ended(second) == [HANGUP]
    told = [[body["call_sid"] for body in each.applications.bodies("/final")] for each in (exchange, others)]
    assert told == [["c-1"], ["c-2"]]


# The server stops


@in_virtual_time
async def test_a_server_with_nothing_to_do_stops_at_once() -> None:
    exchange = Exchange(TALK)
    await exchange.switchboard.drain(300)
    assert asyncio.get_running_loop().time() == pytest.approx(1000, abs=0.01)
    assert names(await exchange.ring()) == ["sip:decline"]


@in_virtual_time
async def test_a_server_waits_for_its_calls_and_answers_what_comes_next() -> None:
    route = {"verbs": [LLM], "media": {"open_timeout_s": 200}}
    exchange = Exchange(settings_of(route), Applications({"/final": verbs_reply(LLM)}))
    first = await exchange.ring()
    draining = asyncio.create_task(exchange.switchboard.drain(300))
    await exchange.open(first)
    end_of(exchange.lines.made[0], AGENT)
    second = await exchange.ended(first, call_status="in-progress")
    await exchange.open(second)
    await asyncio.sleep(100)
    assert not draining.done()
    exchange.applications.answers.clear()
    end_of(exchange.lines.made[1], AGENT)
    assert await exchange.ended(second, call_status="in-progress") == [HANGUP]
    await asyncio.wait_for(draining, 0.1)


@in_virtual_time
async def test_calls_that_outlast_the_drain_are_ended_and_told_of() -> None:
    exchange = Exchange(TALK)
    asked, _unasked = await exchange.ring(), await exchange.ring("c-2")
    for line in exchange.lines.made:
        line.closing_s = 0.5
    draining = asyncio.create_task(exchange.switchboard.drain(9))
    await asyncio.sleep(9.1)
    assert await exchange.ended(asked, call_status="in-progress") == SORRY
    await draining
    bodies = exchange.applications.bodies("/final")
    assert [body["reason_code"] for body in bodies] == ["server_restart"] * 2
    assert asyncio.get_running_loop().time() < 1000 + 9 + 5


@in_virtual_time
async def test_a_hurried_stop_takes_less_than_a_second_and_tells_the_ends() -> None:
    exchange = Exchange(TALK)
    await exchange.ring()
    await exchange.ring("c-2")
    exchange.lines.made[1].closing_s = 60
    draining = asyncio.create_task(exchange.switchboard.drain(300))
    await asyncio.sleep(1)
    draining.cancel()
    await exchange.switchboard.hurry()
    await settled()
    bodies = exchange.applications.bodies("/final")
    assert [body["reason_code"] for body in bodies] == ["server_restart"] * 2
    assert asyncio.get_running_loop().time() < 1000 + 2
    await exchange.switchboard.close()


@in_virtual_time
async def test_a_closed_switchboard_leaves_no_task_behind() -> None:
    exchange = Exchange(TALK)
    before = asyncio.all_tasks()
    await exchange.ring()
    await settled()
    await exchange.switchboard.close()
    assert asyncio.all_tasks() == before
