"""Azure OpenAI: a verb for jambonz names its preview, and is led to the address of today."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from media.audio import AudioFormat
from media.realtime.base import ModelError
from media.realtime.microsoft import Realtime, dial
from verbs.llm import Llm

PCM = AudioFormat("pcm16", 24000)
HOST = "r.openai.azure.com"
URL = f"wss://{HOST}/openai/v1/realtime"
PREVIEW = "openai/realtime?api-version=2024-10-01-preview&deployment=voice"


def verb(model: str | None = "voice", session: dict[str, Any] | None = None, **connect: Any) -> Llm:
    told = {"vendor": "microsoft", "model": model, "llmOptions": {"session_update": session or {}}}
    return Llm.model_validate({**told, "auth": {"apiKey": "k"}, "connectOptions": connect or None})


@pytest.mark.parametrize(
    ("model", "connect"),
    [
        ("voice", {}),
        ("voice", {"host": HOST}),
        ("voice", {"host": HOST, "path": "openai/v1/realtime"}),
        (None, {"host": HOST, "query": {"model": "voice"}}),
        (None, {"host": HOST, "query": {"deployment": "voice", "api-version": "2025-04-01-preview"}}),
        (None, {"host": HOST, "path": PREVIEW}),
        (None, {"host": HOST, "path": f"/{PREVIEW}"}),
        ("voice", {"host": HOST, "path": "/openai/realtime"}),
        ("voice", {"host": HOST, "path": "/openai/realtime/?api-version=2025-04-01-preview"}),
        ("voice", {"url": f"wss://{HOST}/{PREVIEW}"}),
    ],
)
def test_every_way_to_name_a_deployment_leads_to_the_address_of_today(
    model: str | None, connect: dict[str, Any]
) -> None:
    dialled = dial(verb(model, **connect), url=URL, api_key="")
    assert dialled.url == f"{URL}?model=voice"
    assert dialled.headers == {"api-key": "k"}


@pytest.mark.parametrize("path", ["voice-live/realtime", "openai/v1/realtime"])
def test_an_address_that_is_not_the_previews_keeps_its_query(path: str) -> None:
    query = {"api-version": "2026-04-10", "model": "voice"}
    for connect in ({"path": path, "query": query}, {"path": f"{path}?api-version=2026-04-10&model=voice"}):
        one = verb(None, host="r.services.ai.azure.com", **connect)
        dialled = dial(one, url=URL, api_key="")
        assert dialled.url == f"wss://r.services.ai.azure.com/{path}?api-version=2026-04-10&model=voice"
        assert Realtime(one, audio=PCM).warnings == []


def test_the_configured_address_may_be_the_previews() -> None:
    ours = f"wss://{HOST}/openai/realtime?api-version=2025-04-01-preview&deployment=voice"
    dialled = dial(verb(None).model_copy(update={"auth": None}), url=ours, api_key="k-1")
    assert (dialled.url, dialled.headers) == (f"{URL}?model=voice", {"api-key": "k-1"})


def test_an_entra_token_goes_in_place_of_a_key() -> None:
    dialled = dial(verb(host=HOST, headers={"Authorization": "Bearer ey"}), url="", api_key="k-1")
    assert dialled.headers == {"Authorization": "Bearer ey"}


@pytest.mark.parametrize(
    ("model", "connect", "complaint"),
    [
        ("voice", {}, "no address: set vendors.microsoft.url, or connectOptions.host"),
        (None, {"host": HOST}, "no model: "),
    ],
)
def test_what_is_missing_is_told(model: str | None, connect: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        dial(verb(model, **connect), url="", api_key="")


@pytest.mark.parametrize(
    ("model", "connect", "warning"),
    [
        ("voice", {}, None),
        ("voice", {"host": HOST, "path": PREVIEW}, "Azure's preview is gone"),
        (
            "gpt-4o-realtime-preview",
            {},
            "the model gpt-4o-realtime-preview is gone; the deployment of that name is asked",
        ),
        ("gpt-realtime", {}, "the model gpt-realtime ceases to answer on 2027-01-20, where the deployment is"),
    ],
)
def test_j6_a_deployment_is_asked_for_by_its_name(model: str, connect: dict[str, Any], warning: str | None) -> None:
    one = verb(model, **connect)
    told = Realtime(one, audio=PCM).warnings
    assert [line[: len(warning or "")] for line in told] == ([warning] if warning else [])
    assert parse_qs(urlsplit(dial(one, url=URL, api_key="").url).query)["model"] == [model]


@pytest.mark.parametrize(("model", "may"), [("voice", True), ("gpt-realtime-2.1", True), ("gpt-realtime-1.5", False)])
def test_a_deployment_may_reason_unless_its_name_speaks_against_it(model: str, *, may: bool) -> None:
    session = json.loads(Realtime(verb(model, {"reasoning": {"effort": "low"}}), audio=PCM).configure())["session"]
    assert ("reasoning" in session) is may


def test_a_deployment_in_the_address_is_the_one_that_is_judged() -> None:
    path = PREVIEW.replace("voice", "gpt-realtime-1.5")
    one = verb(None, {"reasoning": {"effort": "low"}}, host=HOST, path=path)
    assert "reasoning" not in json.loads(Realtime(one, audio=PCM).configure())["session"]


def test_a_key_that_no_header_can_carry_goes_nowhere() -> None:
    with pytest.raises(ModelError, match=r"^vendors\.microsoft\.api_key must be one line"):
        dial(Llm.model_validate({"vendor": "microsoft", "model": "m", "llmOptions": {}}), url=URL, api_key="k\n")
