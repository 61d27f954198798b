from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from media.realtime.base import ModelError
from media.realtime.dial import Dial, Tls
from media.realtime.dialect import OPENAI
from media.realtime.dialling import dial, model_of
from media.realtime.openai import VENDOR
from verbs.llm import Llm

URL = "wss://api.openai.com/v1/realtime"


def verb(**fields: Any) -> Llm:
    return Llm.model_validate({"verb": "llm", "vendor": "openai", "llmOptions": {"response_create": {}}, **fields})


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


@pytest.mark.claim("J6", "J7", "model", "auth")
def test_the_configured_host_gets_the_configured_key() -> None:
    dialled = dial(verb(model="gpt-realtime-2.1"), url=URL, api_key="sk-ours")
    assert dialled.url == f"{URL}?model=gpt-realtime-2.1"
    assert dialled.headers == {"Authorization": "Bearer sk-ours"}
    assert "sk-ours" not in repr(dialled)


@pytest.mark.claim("J7", "auth.apiKey")
def test_the_verbs_own_key_goes_before_ours() -> None:
    dialled = dial(verb(auth={"apiKey": "sk-theirs"}), url=URL, api_key="sk-ours")
    assert dialled.headers["Authorization"] == "Bearer sk-theirs"


@pytest.mark.claim("J7", "auth.apiKey")
@pytest.mark.parametrize(
    "options",
    [{"host": "evil.example"}, {"url": "wss://evil.example/v1/realtime"}, {"url": "ws://api.openai.com/v1/realtime"}],
)
def test_our_key_never_goes_to_another_host_than_ours(options: dict[str, str]) -> None:
    with pytest.raises(ModelError, match=r"no key for \S+: set auth.apiKey") as refused:
        dial(verb(connectOptions=options), url=URL, api_key="sk-ours")
    assert "sk-ours" not in str(refused.value)
    dialled = dial(verb(connectOptions=options, auth={"apiKey": "sk-theirs"}), url=URL, api_key="sk-ours")
    assert dialled.headers["Authorization"] == "Bearer sk-theirs"


PROXY, TLS = "http://u:pw@proxy.example:3128", Tls(ca_file="/ca.pem", verify=False)


@pytest.mark.claim("J27", "connectOptions")
def test_what_is_configured_for_an_address_holds_for_it_and_for_no_other() -> None:
    ours: dict[str, Any] = {"url": URL, "api_key": "sk-ours", "proxy": PROXY, "tls": TLS}
    dialled = dial(verb(), **ours)
    assert (dialled.proxy, dialled.tls) == (PROXY, TLS)
    assert "pw" not in repr(dialled)
    theirs = dial(verb(connectOptions={"host": "other.example"}, auth={"apiKey": "sk-theirs"}), **ours)
    assert (theirs.proxy, theirs.tls) == ("", Tls())


CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


@pytest.mark.claim("J7", "J27", "connectOptions")
@pytest.mark.parametrize(
    ("options", "proxy", "tls"),
    [
        ({"proxy": "http://theirs.example"}, "http://theirs.example", Tls()),
        ({"tls": {"server_name": "theirs.example"}}, "", Tls(server_name="theirs.example")),
        ({"tls": {"ca": CA}}, "", Tls(ca_pem=CA)),
    ],
)
def test_a_verb_that_leads_elsewhere_gets_nothing_of_ours(options: dict[str, Any], proxy: str, tls: Tls) -> None:
    ours: dict[str, Any] = {"url": URL, "api_key": "sk-ours", "proxy": PROXY, "tls": TLS}
    with pytest.raises(ModelError, match=r"no key for api\.openai\.com: beside `proxy` and `tls` set auth\.apiKey"):
        dial(verb(connectOptions=options), **ours)
    dialled = dial(verb(connectOptions=options, auth={"apiKey": "sk-theirs"}), **ours)
    assert (dialled.headers["Authorization"], dialled.proxy, dialled.tls) == ("Bearer sk-theirs", proxy, tls)


@pytest.mark.claim("J27", "connectOptions")
def test_subprotocols_are_offered_in_the_verbs_order() -> None:
    assert dial(verb(connectOptions={"subprotocols": ["realtime", "x"]}), url=URL, api_key="k").subprotocols == (
        "realtime",
        "x",
    )


def test_without_any_key_nothing_is_dialled() -> None:
    with pytest.raises(ModelError, match=r"vendors\.openai\.api_key"):
        dial(verb(), url=URL, api_key="")


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"host": "127.0.0.1:9000"}, "ws://127.0.0.1:9000/v1/realtime"),
        ({"host": "localhost"}, "ws://localhost/v1/realtime"),
        ({"host": "[::1]:9000"}, "ws://[::1]:9000/v1/realtime"),
        ({"url": "wss://voice.example:8443/a/b?c=d"}, "wss://voice.example:8443/a/b"),
        ({"host": "voice.example"}, "wss://voice.example/v1/realtime"),
        ({"host": "voice.example", "path": "/openai/realtime?api-version=1"}, "wss://voice.example/openai/realtime"),
    ],
)
def test_a_verb_may_name_a_host_and_a_path(options: dict[str, str], url: str) -> None:
    dialled = dial(verb(connectOptions=options, auth={"apiKey": "k"}), url=URL, api_key="")
    assert dialled.url.partition("?")[0] == url
    assert query(dialled.url)["model"] == ["gpt-realtime-2.1"]


@pytest.mark.claim("J27", "connectOptions")
def test_a_path_keeps_its_query_and_the_verbs_own_is_added() -> None:
    options = {
        "host": "voice.example",
        "path": "realtime?a=1",
        "query": {"b": 2, "model": "mine"},
        "headers": {"X-A": 1},
    }
    dialled = dial(verb(connectOptions=options, auth={"apiKey": "k"}), url=URL, api_key="")
    assert query(dialled.url) == {"a": ["1"], "b": ["2"], "model": ["mine"]}
    assert dialled.headers["X-A"] == "1"


def test_j27_a_whole_url_goes_before_ours_and_keeps_its_query() -> None:
    dialled = dial(verb(connectOptions={"url": "wss://h.example/a?b=1"}, auth={"apiKey": "k"}), url=URL, api_key="")
    assert (dialled.url.partition("?")[0], query(dialled.url)["b"]) == ("wss://h.example/a", ["1"])


def test_without_an_address_there_is_nothing_to_dial() -> None:
    with pytest.raises(ModelError, match=r"no address: set vendors\.openai\.url, or connectOptions.host"):
        dial(verb(connectOptions={"url": ""}, auth={"apiKey": "k"}), url="", api_key="")


@pytest.mark.parametrize("options", [{"url": "wss://[::1"}, {"host": "[::1"}])
def test_an_address_that_is_none_names_no_model(options: dict[str, str]) -> None:
    assert model_of(verb(connectOptions=options), OPENAI) == ("gpt-realtime-2.1", None)


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, "gpt-realtime-2.1"),
        ({"model": "gpt-4o-realtime-preview-2024-10-01"}, "gpt-realtime-2.1"),
        ({"connectOptions": {"path": "v1/realtime?model=gpt-4o-realtime-preview", "host": "h"}}, "gpt-realtime-2.1"),
        ({"model": "gpt-realtime-1.5", "connectOptions": {"query": {"model": "mine"}}}, "mine"),
    ],
)
def test_j6_openai_is_asked_for_a_model_that_there_is(fields: dict[str, Any], asked: str) -> None:
    one = verb(auth={"apiKey": "k"}, **fields)
    assert query(VENDOR.dial(one, url=URL, api_key="").url)["model"] == [asked]
    assert model_of(one, OPENAI)[0] == asked


def test_a_vendor_without_a_default_must_be_told_the_model() -> None:
    local = verb(vendor="localai")
    with pytest.raises(ModelError, match="no model: set `model` in the verb, vendor localai has no default"):
        dial(local, url="ws://localhost:8080/v1/realtime", api_key="")
    named = dial(verb(vendor="localai", model="gpt"), url="ws://localhost:8080/v1/realtime", api_key="")
    assert (named.url, named.headers) == ("ws://localhost:8080/v1/realtime?model=gpt", {})


@pytest.mark.parametrize(
    "options",
    [
        {"host": "a..b"},
        {"host": "h:99999"},
        {"host": "["},
        {"host": "me:secret@h"},
        {"host": ["h"]},
        {"url": "https://"},
        {"url": "wss://me:secret@h/v1"},
        {"host": "h", "path": "a b"},
        {"headers": {"X-Key": "secret\r\nX: 1"}},
        {"headers": ["X-Key"]},
        {"query": {"a": ["b"]}},
    ],
)
def test_an_address_that_is_none_is_refused_by_its_fields_name_and_not_repeated(options: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"^connectOptions\.(host|url|path|headers|query) must be ") as refused:
        dial(verb(connectOptions=options, auth={"apiKey": "k"}), url=URL, api_key="")
    assert "secret" not in str(refused.value)


def test_a_key_that_no_header_can_carry_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^auth\.apiKey must be one line"):
        dial(verb(auth={"apiKey": "sk-theirs\n"}), url=URL, api_key="sk-ours")
    with pytest.raises(ModelError, match=r"^vendors\.openai\.api_key must be one line"):
        dial(verb(), url=URL, api_key="sk-ours\n")


ODD = st.text(st.sampled_from("aZ1.:/?#@[]%_ -\r\n\t\x00é\u20ac\ud800\uff0f"), max_size=12)
HEADER = st.text(st.sampled_from("aZ1-_: \r\né"), max_size=5)


@given(
    options=st.fixed_dictionaries(
        {},
        optional={
            "host": ODD | st.none(),
            "url": ODD.map("ws://{}".format) | ODD,
            "path": ODD,
            "headers": st.dictionaries(HEADER, ODD | st.integers(), max_size=2),
            "query": st.dictionaries(ODD, ODD | st.integers(), max_size=2),
        },
    )
)
def test_whatever_is_dialled_can_be_written_as_a_handshake(options: dict[str, Any]) -> None:
    try:
        dialled = dial(verb(connectOptions=options, auth={"apiKey": "k"}), url=URL, api_key="")
    except ModelError:
        return
    assert isinstance(dialled, Dial)
    core = ClientProtocol(parse_uri(dialled.url))
    request = core.connect()
    for name, value in dialled.headers.items():
        request.headers[name] = value
    assert request.serialize().count(b"\r\n") == len(list(request.headers.raw_items())) + 2
