import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from api.trust import Facts, PathClass, Refusal, Secrets, decide, facts_of, is_authenticated, refused
from media.platforms.base import Signature
from tests.properties import edited

NOTHING = Secrets()
SIGNED = Secrets(signed_webhooks=True)
BASIC = Secrets(basic_auth=("jambonz", "pa:ss wörd"))
BOTH = Secrets(signed_webhooks=True, basic_auth=("jambonz", "pa:ss wörd"))
ADMIN = Secrets(admin_token="0123456789abcdef0123456789abcdef")

RIGHT_BASIC = "Basic " + b64encode("jambonz:pa:ss wörd".encode()).decode()
RIGHT_BEARER = "Bearer 0123456789abcdef0123456789abcdef"
GUARDED: list[PathClass] = ["webhook", "control", "discovery", "admin", "metrics"]


def local(path: PathClass) -> Facts:
    return Facts(path=path, peer="127.0.0.1", host="127.0.0.1:3000")


def remote(path: PathClass) -> Facts:
    return Facts(path=path, peer="198.51.100.7", host="voice.example.com")


def status(refusal: Refusal | None) -> int:
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_secret_a_direct_local_request_is_answered(path: PathClass) -> None:
    assert decide(local(path), NOTHING) is None


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_secret_another_machine_is_refused_and_told_the_key_to_set(path: PathClass) -> None:
    refusal = decide(remote(path), NOTHING)
    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.reason) == (403, "not_trusted", "another_machine")
    assert "another machine" in refusal.message
    key = "server.admin_token" if path in {"admin", "metrics"} else "platform.basic_auth"
    assert key in refusal.message


LOOPBACK_PEERS = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"]
OTHER_PEERS = [
    "10.0.0.1",
    "192.168.1.5",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "2001:db8::1",
    "0.0.0.0",  # noqa: S104  # an address to refuse, not one to bind
    "::",
    "",
    "localhost",
    "127.1",
    None,
]


@pytest.mark.parametrize("peer", LOOPBACK_PEERS)
def test_a_loopback_peer_is_local(peer: str) -> None:
    assert decide(replace(local("webhook"), peer=peer), NOTHING) is None


@pytest.mark.parametrize("peer", OTHER_PEERS)
def test_any_other_peer_is_not(peer: str | None) -> None:
    assert status(decide(replace(local("webhook"), peer=peer), NOTHING)) == 403


LOOPBACK_HOSTS = [
    "127.0.0.1",
    "127.0.0.1:3000",
    "localhost",
    "LocalHost:3000",
    "[::1]",
    "[::1]:3000",
    "127.0.0.2",
    "[::ffff:127.0.0.1]:3000",
]
OTHER_HOSTS = [
    "127.0.0.1.evil.com",
    "127.0.0.1.evil.com:3000",
    "localhost.evil.com",
    "evil.com",
    "evil.com:127",
    "evil@127.0.0.1",
    "127.0.0.1@evil.com",
    "127.0.0.1, evil.com",
    "127.0.0.1/evil.com",
    "127.0.0.1:3000:80",
    "127.0.0.1:",
    "127.0.0.1 ",
    "0x7f000001",
    "2130706433",
    "127.1",
    "0.0.0.0",  # noqa: S104
    "0.0.0.0:3000",
    "[::]",
    "[::1",
    "::1]",
    "10.0.0.1",
    "",
    ":3000",
    None,
]


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_a_loopback_host_is_local(host: str) -> None:
    assert decide(replace(local("admin"), host=host), NOTHING) is None


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_any_other_host_is_not(host: str | None) -> None:
    refusal = decide(replace(local("admin"), host=host), NOTHING)
    assert refusal is not None
    assert "Host" in refusal.message


@given(st.text(max_size=40))
def test_no_host_text_breaks_the_decision(host: str) -> None:
    assert status(decide(replace(local("admin"), host=host), NOTHING)) in {200, 403}


PIECES = ["Basic ", "basic ", "Bearer ", " ", "=", "é", "\udcff", "\0", "OnB3", "sé:crèt", "*"]


@given(header=edited([RIGHT_BASIC, RIGHT_BEARER, ""], PIECES) | st.text(), path=st.sampled_from(GUARDED))
def test_no_authorization_but_the_right_one_lets_anybody_in_and_none_is_repeated(header: str, path: PathClass) -> None:
    scheme, _, shown = header.partition(" ")
    shows = {"basic": shown.strip() == RIGHT_BASIC[6:], "bearer": shown.strip() == RIGHT_BEARER[7:]}
    proof = {"admin": "bearer", "metrics": "bearer", "discovery": ""}.get(path, "basic")
    secrets = Secrets(basic_auth=BASIC.basic_auth, admin_token=ADMIN.admin_token)
    refusal = decide(replace(remote(path), authorization=header), secrets)
    assert status(refusal) == (200 if not proof or (scheme.lower() == proof and shows[proof]) else 401)
    assert refusal is None or "sé:crèt" not in repr(refusal)


def test_a_proxy_is_not_a_friend() -> None:
    refusal = decide(replace(local("webhook"), proxied_by="X-Forwarded-For"), NOTHING)
    assert refusal is not None
    assert "X-Forwarded-For" in refusal.message


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"])
def test_a_page_of_this_machine_is_local(origin: str) -> None:
    assert decide(replace(local("admin"), origin=origin), NOTHING) is None


@pytest.mark.parametrize("origin", ["https://evil.com", "null", "", "http://localhost.evil.com", "file://", "http://"])
def test_a_page_of_another_origin_is_not(origin: str) -> None:
    refusal = decide(replace(local("admin"), origin=origin), NOTHING)
    assert refusal is not None
    assert "another origin" in refusal.message


@pytest.mark.parametrize("path", ["open", "ticket"])
@pytest.mark.parametrize("secrets", [NOTHING, BOTH, ADMIN])
def test_health_and_tickets_need_no_other_proof(path: PathClass, secrets: Secrets) -> None:
    assert decide(remote(path), secrets) is None


WRONG_BASIC = "Basic " + b64encode(b"jambonz:guess").decode()


@pytest.mark.parametrize(
    ("secrets", "signature", "authorization", "expected"),
    [
        (SIGNED, "valid", "", None),
        (SIGNED, "absent", "", "unsigned"),
        (SIGNED, "wrong", "", "wrong_signature"),
        (SIGNED, "absent", RIGHT_BASIC, "unsigned"),
        (BASIC, "absent", RIGHT_BASIC, None),
        (
            BASIC,
            "wrong",
            RIGHT_BASIC,
            None,
        ),  # it always signs; we have nothing to compare with
        (BASIC, "absent", "", "unauthorized"),
        (BASIC, "absent", WRONG_BASIC, "unauthorized"),
        (BASIC, "valid", "", "unauthorized"),
        (SIGNED, "stale", "", "stale_signature"),
        (BOTH, "valid", "", None),
        (BOTH, "absent", RIGHT_BASIC, None),
        (BOTH, "wrong", RIGHT_BASIC, "wrong_signature"),
        (BOTH, "stale", RIGHT_BASIC, "stale_signature"),
        (BOTH, "absent", "", "unauthorized"),
    ],
)
@pytest.mark.parametrize("facts", [local("webhook"), remote("webhook")], ids=["local", "remote"])
def test_a_webhook_proves_itself_by_signature_or_basic_auth(
    facts: Facts,
    secrets: Secrets,
    signature: Literal["valid", "stale", "wrong", "absent"],
    authorization: str,
    expected: str | None,
) -> None:
    asked = replace(facts, signature=Signature(signature), authorization=authorization)
    refusal = decide(asked, secrets)
    assert (refusal and refusal.code) == expected
    assert status(refusal) == (401 if expected else 200)


@pytest.mark.parametrize(
    ("secrets", "signature", "authorization", "shown"),
    [
        (Secrets(insecure=True), "absent", "", False),
        (Secrets(), "valid", RIGHT_BASIC, False),
        (SIGNED, "valid", "", True),
        (SIGNED, "absent", RIGHT_BASIC, False),
        (BASIC, "valid", "", False),
        (BASIC, "absent", WRONG_BASIC, False),
        (BASIC, "absent", RIGHT_BASIC, True),
        (BOTH, "absent", RIGHT_BASIC, True),
    ],
)
def test_who_may_be_told_a_key_has_shown_a_secret_and_is_not_just_near(
    secrets: Secrets, signature: Literal["valid", "absent"], authorization: str, *, shown: bool
) -> None:
    asked = replace(local("webhook"), signature=Signature(signature), authorization=authorization)
    assert is_authenticated(asked, secrets) is shown


@pytest.mark.parametrize(("skew_s", "when"), [(3600, "3600 s ago"), (-3600, "3600 s ahead of our clock")])
def test_a_stale_signature_says_how_far_the_clocks_are_apart(skew_s: int, when: str) -> None:
    refusal = decide(replace(remote("webhook"), signature=Signature("stale", skew_s)), SIGNED)
    assert refusal is not None
    assert (refusal.skew_s, when in refusal.message, "clocks" in refusal.message) == (skew_s, True, True)


@pytest.mark.parametrize(
    ("secrets", "authorization", "expected"),
    [(BASIC, RIGHT_BASIC, 200), (BASIC, "", 401), (BOTH, RIGHT_BASIC, 200), (SIGNED, RIGHT_BASIC, 403)],
)
def test_a_control_socket_proves_itself_by_basic_auth_alone(
    secrets: Secrets, authorization: str, expected: int
) -> None:
    assert status(decide(replace(remote("control"), authorization=authorization), secrets)) == expected


def test_a_control_socket_without_basic_auth_configured_is_for_this_machine() -> None:
    assert decide(local("control"), SIGNED) is None


@pytest.mark.parametrize("secrets", [SIGNED, BASIC, Secrets(insecure=True)])
def test_the_portal_may_ask_for_the_schema_unsigned(secrets: Secrets) -> None:
    assert decide(remote("discovery"), secrets) is None


def test_an_insecure_server_trusts_its_platform_but_not_its_operators() -> None:
    insecure = Secrets(insecure=True)
    paths: list[PathClass] = ["webhook", "control", "admin", "metrics"]
    assert [status(decide(remote(path), insecure)) for path in paths] == [200, 200, 403, 403]


def test_an_insecure_server_still_checks_the_secrets_it_has() -> None:
    assert status(decide(remote("webhook"), replace(SIGNED, insecure=True))) == 401
    assert status(decide(remote("control"), replace(BASIC, insecure=True))) == 401


@pytest.mark.parametrize("path", ["admin", "metrics"])
@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (RIGHT_BEARER, 200),
        (RIGHT_BEARER.replace("Bearer", "bearer"), 200),
        (RIGHT_BEARER[:-1], 401),
        (RIGHT_BEARER + "0", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer \udcff", 401),
        ("Bearer ключ", 401),
        (RIGHT_BEARER.replace("Bearer", "Basic"), 401),
        ("", 401),
    ],
)
@pytest.mark.parametrize("where", [local, remote], ids=["local", "remote"])
def test_operators_show_the_admin_token_wherever_they_are(
    where: Callable[[PathClass], Facts], path: PathClass, authorization: str, expected: int
) -> None:
    assert status(decide(replace(where(path), authorization=authorization), ADMIN)) == expected


def test_public_metrics_need_no_token() -> None:
    public = replace(ADMIN, metrics_public=True)
    assert status(decide(remote("metrics"), public)) == 200
    assert status(decide(remote("admin"), public)) == 401


@pytest.mark.parametrize("encoded", ["", "%%%", "amFtYm9ueg", "\udcff", "ключ", "===="])
def test_broken_basic_auth_is_wrong_basic_auth(encoded: str) -> None:
    assert status(decide(replace(remote("control"), authorization=f"Basic {encoded}"), BASIC)) == 401


def test_the_facts_of_a_request_are_read_from_it() -> None:
    request = make_mocked_request(
        "POST",
        "/call",
        headers={
            "Host": "h:1",
            "Origin": "o",
            "CF-Ray": "x",
            "X-Forwarded-For": "127.0.0.1",
            "Authorization": "A",
        },
    )
    facts = facts_of(request, "webhook", signature=Signature("valid"))
    assert facts == Facts(
        path="webhook",
        peer=request.remote,
        host="h:1",
        origin="o",
        proxied_by="CF-Ray",
        authorization="A",
        signature=Signature("valid"),
    )


@pytest.mark.parametrize(
    ("header", "is_a_proxys"),
    [
        ("Forwarded", True),
        ("x-forwarded-proto", True),
        ("CF-Connecting-IP", True),
        ("cf-ray", True),
        ("Via", True),
        ("X-Real-IP", True),
        ("True-Client-IP", True),
        ("X-Request-ID", False),
        ("Content-Type", False),
        ("X-CF-Thing", False),
    ],
)
def test_a_proxy_is_known_by_its_headers(header: str, *, is_a_proxys: bool) -> None:
    request = make_mocked_request("POST", "/call", headers={"Host": "localhost", header: "1"})
    assert facts_of(request, "webhook").proxied_by == (header if is_a_proxys else None)


def test_a_request_with_two_hosts_or_none_has_no_host() -> None:
    none = make_mocked_request("POST", "/call", headers=())
    two = make_mocked_request("POST", "/call", headers=[("Host", "localhost"), ("Host", "evil.com")])
    assert facts_of(none, "webhook").host is None
    assert facts_of(two, "webhook").host is None


def test_a_refusal_is_answered_with_its_challenge_and_its_reason() -> None:
    refusal = decide(remote("admin"), ADMIN)
    assert refusal is not None
    answer = refused(refusal)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/json"
    assert answer.text is not None
    message = "send the admin token: Authorization: Bearer <token>"
    assert json.loads(answer.text) == {"error": {"code": "unauthorized", "message": message}}


def test_where_no_secret_would_help_none_is_asked_for() -> None:
    refusal = decide(remote("admin"), NOTHING)
    assert refusal is not None
    answer = refused(refusal)
    assert (answer.status, answer.headers.get("WWW-Authenticate")) == (403, None)


@pytest.mark.claim("V7")
@pytest.mark.parametrize(
    ("shown", "tokens", "admin", "allowed"),
    [
        ("of-brains", ("of-brains", "of-one"), "of-admin", True),
        ("of-one", ("of-brains", "of-one"), "", True),
        ("of-admin", ("of-brains",), "of-admin", True),
        ("of-admin", (), "of-admin", True),
        ("another", ("of-brains",), "of-admin", False),
        ("", ("of-brains",), "", False),
        ("", (), "", True),  # this machine, straight
    ],
)
def test_v7_a_brain_is_asked_by_who_shows_its_token_or_the_admins(
    shown: str,
    tokens: tuple[str, ...],
    admin: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    facts = Facts("brain", "127.0.0.1", "localhost", authorization=f"Bearer {shown}" if shown else "")
    refusal = decide(facts, Secrets(brain_tokens=tokens, admin_token=admin))
    assert (refusal is None) == allowed
    assert refusal is None or (refusal.status, "token of this brain" in refusal.message) == (401, True)


def test_v7_without_a_token_a_stranger_is_told_which_key_to_set() -> None:
    refusal = decide(Facts("brain", "10.0.0.1", "voice.example.com"), Secrets())
    assert refusal is not None
    assert (refusal.status, "server.brains_token" in refusal.message) == (403, True)
