"""An `llm` verb that the platform carries out: how it leaves, what is refused of it, and what is told of it."""

from typing import Any

import pytest

from tests.verbs.seed import SEED
from verbs import DocumentError, lint, parse
from verbs.llm import Llm
from verbs.native import EVERYTHING, RECORDED, declared, events_asked, left_to_platform
from verbs.native_check import traps
from verbs.rewrite import leave

HOST = {"connectOptions": {"host": "beta.example.com"}}
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
DEEPGRAM = {"Settings": {"agent": {"think": {"provider": {"type": "open_ai", "model": "gpt-4o"}}}}}


def llm(**changes: Any) -> Llm:
    [verb] = parse([{"verb": "llm", "vendor": "openai", "llmOptions": {}, **changes}], strict=False)
    assert isinstance(verb, Llm)
    return verb


def leaving(verb: Llm, version: str = "0.9", auth: dict[str, Any] | None = None) -> dict[str, Any]:
    return left_to_platform(verb, version=version, auth=auth, hook=lambda kind: f"our {kind}")


def test_the_published_verb_leaves_as_it_is_but_with_our_hooks() -> None:
    [verb] = parse([SEED])
    assert isinstance(verb, Llm)
    told = leaving(verb, auth={"apiKey": "sk"})
    assert told["llmOptions"] == SEED["llmOptions"]
    ours = {"actionHook": "our action", "eventHook": "our event", "toolHook": "our tool", "auth": {"apiKey": "sk"}}
    assert told == {**SEED, **ours, "events": EVERYTHING}


@pytest.mark.parametrize(
    ("version", "later"),
    [("0.9", {}), ("10", {"hangup": {"reason": "x"}, "responseTimeoutMs": 500, "cancelOnBargeIn": True, "soon": 1})],
)
def test_only_what_its_version_knows_leaves(version: str, later: dict[str, Any]) -> None:
    verb = llm(
        id="v1",
        hangup={"reason": "x"},
        responseTimeoutMs=500,
        cancelOnBargeIn=True,
        soon=1,
        mcpServers=[{"url": "https://mcp.example.com", "transport": "sse"}],
        model=None,
    )
    told = leaving(verb, version)
    assert told.keys() == {
        *("verb", "id", "vendor", "llmOptions", "mcpServers", "actionHook", "toolHook", "eventHook", "events"),
        *later,
    }
    assert {name: told[name] for name in later} == later
    assert told["mcpServers"] == [{"url": "https://mcp.example.com"}]


@pytest.mark.parametrize(
    ("options", "version", "told"),
    [
        ({"host": "h", "path": "p", "headers": {"X": "1"}, "url": "wss://x"}, "0.9", {"host": "h", "path": "p"}),
        ({"headers": {"X": "1"}}, "0.9", None),
        ({"headers": {"X": "1"}}, "10", {"headers": {"X": "1"}}),
    ],
)
def test_an_older_platform_gets_the_connect_options_that_it_reads(
    options: dict[str, Any], version: str, told: dict[str, Any] | None
) -> None:
    assert leaving(llm(connectOptions=options), version).get("connectOptions") == told


@pytest.mark.parametrize(
    ("vendor", "options", "told"),
    [
        ("openai", {}, {"response_create": {}}),
        ("openai", {"response_create": None}, {"response_create": {}}),
        ("qwen", {}, {}),
        (
            "microsoft",
            {
                "response_create": {"voice": "a"},
                "extra": {"response_create": {"voice": "b"}, "session_update": {"x": 1}},
            },
            {"response_create": {"voice": "b"}, "session_update": {"x": 1}},
        ),
        (
            "openai",
            {"session_update": {"tools": [{"type": "function", "function": TOOL | {"meta": 1}}, {"type": "mcp"}]}},
            {"response_create": {}, "session_update": {"tools": [TOOL, {"type": "mcp"}]}},
        ),
        ("google", {"setup": {}, "extra": {"x": 1}}, {"setup": {}, "extra": {"x": 1}}),
    ],
)
def test_options_leave_in_the_vendors_words(vendor: str, options: dict[str, Any], told: dict[str, Any]) -> None:
    assert leaving(llm(vendor=vendor, llmOptions=options))["llmOptions"] == told


@pytest.mark.parametrize(
    ("events", "asked"),
    [
        (None, EVERYTHING),
        (["*"], EVERYTHING),
        (["conversation.item.*", "error"], EVERYTHING),
        (["-session.created", "-response.*"], [*EVERYTHING, "-session.created"]),
        (["all", "-response.done"], EVERYTHING),
        (["all", "-response.text.done"], [*EVERYTHING, "-response.text.done", "-response.output_text.done"]),
        ([], [*RECORDED]),
        (["error"], ["error", *RECORDED]),
        (
            ["response.audio_transcript.done", "error"],
            [*("response.audio_transcript.done", "response.output_audio_transcript.done", "error"), *RECORDED[:2]],
        ),
    ],
)
def test_the_platform_is_asked_for_every_event_that_the_verbs_filter_may_want(
    events: list[str] | None, asked: list[str]
) -> None:
    assert events_asked(llm(events=events, eventHook="/event")) == asked


def test_another_reading_of_the_filter_is_given_everything() -> None:
    verb = llm(events=[], eventHook="/event")
    asked = left_to_platform(verb, version="0.9", auth=None, hook=str, all_events=True)
    assert asked["events"] == EVERYTHING
    unheard = left_to_platform(llm(events=[]), version="0.9", auth=None, hook=str, all_events=True)
    assert unheard["events"] == [*RECORDED]


def test_a_verb_without_an_event_hook_gets_what_is_recorded_or_none() -> None:
    assert events_asked(llm(events=["all"])) == [*RECORDED]
    other = llm(vendor="ultravox", events=["all"])
    assert events_asked(other) == []
    assert leaving(other).keys() & {"events", "eventHook"} == set()
    assert events_asked(llm(vendor="ultravox", events=["transcript"], eventHook="/e")) == ["transcript"]


def test_what_a_verb_declares_is_known_where_its_vendor_is() -> None:
    tools = [TOOL, {"type": "function", "name": "bare"}, 5]
    assert declared(llm(llmOptions={"session_update": {"tools": tools[:2]}})) == {
        "get_weather": {"type": "object"},
        "bare": {},
    }
    assert declared(llm(llmOptions={"response_create": {"tools": tools[:1]}})) == {"get_weather": {"type": "object"}}
    assert declared(llm()) == {}
    assert declared(llm(vendor="google")) is None


def test_all_verbs_leave_and_each_llm_knows_whether_the_platform_comes_back() -> None:
    verbs = [
        {"verb": "say", "text": "x", "loop": None},
        llm().to_wire(),
        llm(id="2").to_wire(),
        {"verb": "say", "text": "y"},
    ]
    left = leave(
        parse(verbs, strict=False),
        item=lambda index, verb: leaving(verb) | {"id": f"{index}", "llmOptions": {"deepHook": "/not/ours"}},
        hook_url=lambda index: f"https://v.example/{index}",
        hooks_from=4,
    )
    assert [verb["verb"] for verb in left.document] == ["say", "llm", "llm", "say", "hangup"]
    assert left.document[1]["actionHook"] == "https://v.example/4"
    assert left.document[1]["llmOptions"] == {"deepHook": "/not/ours"}
    assert left.hooks == ["our action", "our event", "our tool"] * 2
    assert left.returns == [True, False]
    assert [verb.id for verb in left.llms] == [None, "2"]
    assert leave(parse([]), item=lambda *_: {}, hook_url=str, closed=False).document == []


@pytest.mark.claim("J2", "vendor")
@pytest.mark.parametrize(
    ("version", "changes", "complaint"),
    [
        ("0.9", {"vendor": "opena1"}, "verbs[0].vendor: the platform itself knows no vendor 'opena1' (did you mean"),
        ("0.9", {"vendor": "xai"}, "verbs[0].vendor: the platform itself knows no vendor 'xai'; it knows: openai, "),
        ("0.9", {"vendor": "qwen"}, "verbs[0].vendor: the platform itself knows no vendor 'qwen'"),
        ("0.9", {"connectOptions": {}}, "verbs[0].connectOptions.host: is missing: jambonz 0.9 speaks the beta"),
        ("0.9", {"hangup": {}}, "verbs[0].hangup: 'hangup' needs a later platform"),
        ("0.9", {"llmOptions": {"response_create": 5}}, "verbs[0].llmOptions.response_create: must be an object"),
        ("0.9", {"llmOptions": 5}, "verbs[0].llmOptions: must be an object"),
        ("0.9", {"events": [5]}, "verbs[0].events[0]: must be text"),
        ("0.9", {"vendor": "google"}, "verbs[0].llmOptions.setup: is missing"),
        ("0.9", {"vendor": "deepgram"}, "verbs[0].llmOptions.Settings.agent.think.provider: is missing"),
        ("0.9", {"vendor": "elevenlabs", "auth": {"apiKey": "k"}}, "verbs[0].auth.agent_id: is missing"),
        ("0.9", {"auth": {"api_key": "k"}}, "verbs[0].auth.apiKey: is missing"),
        ("10", {"handoff": {}}, "verbs[0].handoff.mode: is missing"),
    ],
)
def test_what_the_platform_would_refuse_is_refused_before(
    version: str, changes: dict[str, Any], complaint: str
) -> None:
    verb = {"verb": "llm", "vendor": "openai", "llmOptions": {}, **HOST, **changes}
    with pytest.raises(DocumentError) as caught:
        parse([verb], version=version, native=True)
    assert str(caught.value).startswith(complaint)


@pytest.mark.claim("J2", "vendor")
@pytest.mark.parametrize(
    ("version", "verb"),
    [
        ("0.9", {"vendor": "openai", **HOST}),
        ("10", {"vendor": "openai"}),
        ("0.9", {"vendor": "openai", "auth": {"apiKey": ""}, **HOST}),
        ("10", {"vendor": "qwen", "hangup": {}}),
        ("0.9", {"vendor": "ultravox", "events": ["ConversationText"], "auth": {"apiKey": "k", "agent_id": "a"}}),
        ("0.9", {"vendor": "elevenlabs", "auth": {"agent_id": "a"}}),
        ("10", {"vendor": "elevenlabs", "auth": {"apiKey": "k"}}),
        ("0.9", {"vendor": "voiceagent", "llmOptions": DEEPGRAM}),
        ("0.9", {"vendor": "google", "llmOptions": {"setup": {}}}),
    ],
)
def test_every_vendor_that_the_platform_knows_is_left_to_it(version: str, verb: dict[str, Any]) -> None:
    document = [{"verb": "llm", "llmOptions": {}, **verb}]
    assert lint([*document, {"verb": "hangup"}], version=version, native=True) == []
    assert bool(lint(document, version="0.9")) == (verb["vendor"] not in {"openai", "qwen"})


def test_a_verb_without_a_vendor_is_told_so_once() -> None:
    assert [str(told) for told in lint([{"verb": "llm", "llmOptions": {}}], version="0.9", native=True)] == [
        "verbs[0].vendor: is missing and required"
    ]


@pytest.mark.parametrize(
    ("version", "changes", "served", "told"),
    [
        ("0.9", {}, [], []),
        ("0.9", {"llmOptions": {"session_update": {"tools": [TOOL]}}}, [], ["there is no toolHook"]),
        ("0.9", {"llmOptions": {"session_update": {"tools": [TOOL]}}}, ["get_weather"], []),
        ("0.9", {"llmOptions": {"session_update": {"tools": [TOOL]}}, "toolHook": "/t"}, [], []),
        ("0.9", {"llmOptions": {"session_update": {"tools": 5}}}, [], []),
        (
            "0.9",
            {"llmOptions": {"response_create": {"instructions": "x"}}},
            [],
            ["`instructions` only in response_create"],
        ),
        (
            "0.9",
            {"llmOptions": {"response_create": {"instructions": "x"}, "session_update": {"instructions": "x"}}},
            [],
            [],
        ),
        ("0.9", {"llmOptions": {"session_update": {"audio": {}, "type": "realtime"}}}, [], ["audio: jambonz 0.9"]),
        ("10", {"llmOptions": {"session_update": {"audio": {}}}}, [], []),
        ("0.9", {"llmOptions": {"session_update": {"instructions": "a|b"}}}, [], ["a `|` in llmOptions"]),
        ("0.9", {"mcpServers": [{"url": "https://x"}]}, [], ["mcpServers: "]),
        ("0.9", {"connectOptions": {"host": "x", "url": "wss://x"}}, [], ["connectOptions.url: "]),
        ("10", {"connectOptions": {"url": "wss://x"}}, [], []),
        ("0.9", {"connectOptions": {"host": "API.openai.com:443"}}, [], ["connectOptions.host api.openai.com: "]),
        (
            "0.9",
            {"connectOptions": {"host": "us.API.openai.com.:443"}},
            [],
            ["connectOptions.host us.api.openai.com: "],
        ),
        ("0.9", {"connectOptions": {"host": "me.openai.azure.com"}}, [], ["connectOptions.host me.openai.azure.com: "]),
        ("10", {"connectOptions": {"host": "api.openai.com"}}, [], []),
        ("0.9", {"vendor": "ultravox"}, ["b", "a"], ["its tools a, b are declared to this vendor by nobody"]),
        ("0.9", {"vendor": "ultravox"}, [], []),
    ],
)
def test_what_the_platform_will_do_otherwise_is_told(
    version: str, changes: dict[str, Any], served: list[str], told: list[str]
) -> None:
    found = list(traps({"vendor": "openai", "llmOptions": {}, **changes}, version, served=served))
    assert [text[: len(start)] for text, start in zip(found, told, strict=True)] == told
