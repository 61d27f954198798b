"""What leaves: a `listen` for an `llm`, our hooks for theirs, and always a way out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verbs.seed import SEED
from verbs import parse, serialise
from verbs.rewrite import Rewritten, rewrite

LISTEN: dict[str, Any] = {
    "verb": "listen",
    "url": "wss://v.example/media/jambonz/t",
    "actionHook": "https://v.example/call/ended/t",
    "mixType": "mono",
    "sampleRate": 24000,
    "bidirectionalAudio": {"enabled": True, "streaming": True, "sampleRate": 24000},
    "passDtmf": True,
}
HANGUP = {"verb": "hangup"}
SORRY: dict[str, Any] = {"verb": "say", "text": "Sorry."}


def ours(index: int) -> str:
    return f"https://v.example/call/hook/{index}"


def rewritten(*verbs: Any, fallback: Any = (SORRY, HANGUP), hooks_from: int = 0, closed: bool = True) -> Rewritten:
    return rewrite(
        parse(list(verbs), strict=False),
        media_url=LISTEN["url"],
        ended_url=LISTEN["actionHook"],
        hook_url=ours,
        fallback=parse(list(fallback), strict=False),
        sample_rate_hz=24000,
        hooks_from=hooks_from,
        closed=closed,
    )


@pytest.mark.claim("J1")
def test_the_llm_becomes_a_listen_then_the_fallback() -> None:
    made = rewritten({"verb": "answer"}, SEED, {"say": {"text": "Bye"}}, {"verb": "redirect", "actionHook": "/next"})
    assert made.document == [{"verb": "answer"}, LISTEN, SORRY, HANGUP]
    assert made.llm is not None
    assert made.llm.to_wire() == SEED
    assert made.remaining == [{"say": {"text": "Bye"}}, {"verb": "redirect", "actionHook": "/next"}]
    assert (made.hooks, made.hook_names) == ([], [])


@pytest.mark.claim("J29")
def test_only_the_first_llm_is_carried_out_now() -> None:
    made = rewritten(SEED, {**SEED, "id": "second"})
    assert made.document == [LISTEN, SORRY, HANGUP]
    assert made.remaining == [{**SEED, "id": "second"}]


def test_the_llm_comes_out_under_its_own_name_whatever_its_form() -> None:
    made = rewritten({"openai_s2s": {"llmOptions": {}, "auth": {"apiKey": "k"}, "later": 1}})
    assert made.llm is not None
    assert made.llm.to_wire() == {
        "verb": "llm",
        "vendor": "openai",
        "llmOptions": {},
        "auth": {"apiKey": "k"},
        "later": 1,
    }


def test_the_verbs_id_comes_back_in_the_hooks_of_the_listen() -> None:
    [listen, *_] = rewritten({**SEED, "id": "v1"}).document
    assert listen == {**LISTEN, "id": "v1"}


@pytest.mark.claim("J29")
@pytest.mark.parametrize(
    ("last", "closed"),
    [
        ({"verb": "hangup"}, True),
        ({"hangup": {}}, True),
        ({"verb": "leave"}, True),
        ({"verb": "redirect", "actionHook": "/x"}, True),
        ({"verb": "sip:decline", "status": 486}, True),
        ({"verb": "sip:refer", "referTo": "sip:x@y"}, False),
        ({"verb": "say", "text": "x"}, False),
        ({"verb": "unheard_of"}, False),
    ],
)
def test_a_document_ends_in_an_explicit_last_verb(last: dict[str, Any], *, closed: bool) -> None:
    document = rewritten({"verb": "say", "text": "x"}, last).document
    assert len(document) == (2 if closed else 3)
    assert closed or document[-1] == HANGUP
    assert rewritten(SEED, fallback=[last]).document[1:] == rewritten(last).document


def test_of_nothing_a_hangup_is_left() -> None:
    assert rewritten().document == [HANGUP]
    assert rewritten(SEED, fallback=[]).document == [LISTEN, HANGUP]


def test_what_the_call_waits_to_has_no_last_verb() -> None:
    assert rewritten({"verb": "play", "url": "x"}, closed=False).document == [{"verb": "play", "url": "x"}]


def test_every_hook_is_one_of_ours() -> None:
    made = rewritten(
        {"verb": "config", "amd": {"actionHook": "/amd"}, "referHook": {"url": "https://a.example/r", "method": "GET"}},
        {
            "verb": "dial",
            "actionHook": "/dialled",
            "confirmHook": "/all",
            "target": [{"type": "phone", "number": "+1", "confirmHook": {"url": "/one"}}],
        },
        SEED,
        fallback=[{"verb": "gather", "actionHook": "/sorry"}],
        hooks_from=5,
    )
    assert made.document == [
        {"verb": "config", "amd": {"actionHook": ours(5)}, "referHook": ours(6)},
        {
            "verb": "dial",
            "actionHook": ours(7),
            "confirmHook": {"url": ours(8)},
            "target": [{"type": "phone", "number": "+1", "confirmHook": {"url": ours(9)}}],
        },
        LISTEN,
        {"verb": "gather", "actionHook": ours(10)},
        HANGUP,
    ]
    assert made.hooks == ["/amd", "https://a.example/r", "/dialled", "/all", "/one", "/sorry"]
    assert made.hook_names == ["actionHook", "referHook", "actionHook", "confirmHook", "confirmHook", "actionHook"]


def test_hooks_of_verbs_that_nobody_here_knows_are_ours_too() -> None:
    made = rewritten({"verb": "later", "x": [{"someHook": "/a"}], "tag": {"aHook": "/data"}, "bHook": "", "cHook": [1]})
    [later, _] = made.document
    assert later == {
        "verb": "later",
        "x": [{"someHook": ours(0)}],
        "tag": {"aHook": "/data"},
        "bHook": "",
        "cHook": [1],
    }
    assert made.hooks == ["/a"]


def test_nulls_stay_behind_but_in_data() -> None:
    made = rewritten(
        {"verb": "say", "text": "x", "loop": None, "synthesizer": {"vendor": "v", "voice": None}},
        {"verb": "tag", "data": {"k": None}},
        {
            "verb": "dial",
            "target": [{"type": "sip", "proxy": None}],
            "dub": [{"action": "x", "track": "t", "gain": None}],
        },
        {"later": {"k": None}},
        {"verb": "dial", "target": [{"type": "sip"}], "dub": None, "unheard": None},
    )
    assert made.document[:-1] == [
        {"verb": "say", "text": "x", "synthesizer": {"vendor": "v"}},
        {"verb": "tag", "data": {"k": None}},
        {"verb": "dial", "target": [{"type": "sip"}], "dub": [{"action": "x", "track": "t"}]},
        {"verb": "later", "k": None},
        {"verb": "dial", "target": [{"type": "sip"}], "unheard": None},
    ]


@given(st.lists(st.sampled_from(["/a", "/b", "https://c.example/d"]), max_size=5), st.integers(0, 9))
def test_as_many_hooks_come_out_as_went_in(targets: list[str], first: int) -> None:
    made = rewritten(*({"verb": "gather", "actionHook": target} for target in targets), hooks_from=first)
    assert made.hooks == targets
    assert [verb["actionHook"] for verb in made.document[:-1]] == [ours(first + i) for i in range(len(targets))]


def test_the_verbs_themselves_stay_as_they_are() -> None:
    verbs = parse([{"verb": "gather", "actionHook": "/a", "timeout": None}, SEED])
    rewrite(verbs, media_url="", ended_url="", hook_url=ours, fallback=(), sample_rate_hz=8000)
    assert serialise(verbs) == [{"verb": "gather", "actionHook": "/a", "timeout": None}, SEED]


def test_a_redirect_has_hooks_of_its_own_first_the_one_that_is_asked() -> None:
    away = {"verb": "redirect", "statusHook": {"url": "/status"}, "actionHook": "/next"}
    made = rewrite(
        parse([{"verb": "conference", "name": "c", "statusHook": "/events", "waitHook": "/wait"}, away], strict=False),
        media_url="",
        ended_url="",
        hook_url=ours,
        redirect_url=lambda index: f"/relative/{index}",
        fallback=(),
        sample_rate_hz=8000,
    )
    assert (made.hooks, made.hook_names) == (
        ["/wait", "/events", "/next", "/status"],
        ["conference.waitHook", "statusHook", "redirect", "redirect.statusHook"],
    )
    assert (made.document[0]["waitHook"], made.document[0]["statusHook"]) == (ours(0), ours(1))
    assert made.document[1] == {"verb": "redirect", "actionHook": "/relative/2", "statusHook": "/relative/3"}
