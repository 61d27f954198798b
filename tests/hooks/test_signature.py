import base64
import hmac
import json
import string
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from hooks.signature import check, headers

# Computed with node's crypto over these bytes, U+2028 as UTF-8.
BODY = '{"call_sid":"c-1","from":"+15551230000","caller_name":"Zoë <script>","n":1,"big":1e+21,"u":"\u2028"}'.encode()
V1 = "23f39881b404fb77440aee52938381ec72bdc122f661984c350d1998b67c456c"
SECRETS = ["whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2)]


def test_the_jambonz_signature_is_that_of_node_over_the_bytes_sent() -> None:
    given = headers("msg_1", BODY, ["whsec_test_0001"], timestamp_s=1_700_000_000, call_sid="c-1", seq=7)
    assert given["Jambonz-Signature"] == f"t=1700000000,v1={V1}"
    again = json.dumps(json.loads(BODY)).encode()
    assert V1 not in headers("m", again, ["whsec_test_0001"], timestamp_s=1_700_000_000, call_sid="", seq=1)


def test_without_secrets_nothing_is_signed() -> None:
    assert headers("msg_1", BODY, [], timestamp_s=1_700_000_000, call_sid="c-1", seq=7) == {
        "Content-Type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "X-Call-Sid": "c-1",
        "X-Hook-Seq": "7",
    }


@pytest.mark.parametrize("secret", SECRETS)
def test_each_secret_alone_verifies_the_standard_signature(secret: str) -> None:
    now = int(datetime.now(UTC).timestamp())
    given = headers("msg_1", BODY, SECRETS, timestamp_s=now, call_sid="c-1", seq=1)
    Webhook(secret).verify(BODY, given)
    assert len(given["webhook-signature"].split(" ")) == 2


def test_jambonz_signatures_of_two_secrets_stand_in_one_header() -> None:
    given = headers("msg_1", BODY, SECRETS, timestamp_s=5, call_sid="c-1", seq=1)["Jambonz-Signature"]
    one, two = (
        headers("msg_1", BODY, [secret], timestamp_s=5, call_sid="c-1", seq=1)["Jambonz-Signature"]
        for secret in SECRETS
    )
    assert given == f"{one},{two.removeprefix('t=5,')}"


def test_the_secret_of_a_jambonz_account_signs_as_jambonz_does_and_stands_last() -> None:
    own = "wh_secret_cJqgtMDPzDhhnjmaJH6Mtk"
    alone = headers("msg_1", BODY, [own], timestamp_s=5, call_sid="c-1", seq=1)
    digest = hmac.new(own.encode(), b"5." + BODY, "sha256").hexdigest()
    assert (alone["Jambonz-Signature"], "webhook-signature" in alone) == (f"t=5,v1={digest}", False)
    both = headers("msg_1", BODY, [own, SECRETS[0]], timestamp_s=5, call_sid="c-1", seq=1)
    standard = headers("msg_1", BODY, [SECRETS[0]], timestamp_s=5, call_sid="c-1", seq=1)
    assert both["Jambonz-Signature"] == f"{standard['Jambonz-Signature']},v1={digest}"
    assert both["webhook-signature"] == standard["webhook-signature"]
    check([own, SECRETS[0]])


def test_a_hostile_call_sid_stays_inside_its_header() -> None:
    given = headers("m", b"{}", [], timestamp_s=5, call_sid="a\r\nX-Evil: Zoë", seq=1)["X-Call-Sid"]
    assert given == "a%0D%0AX-Evil:%20Zo%C3%AB"
    assert set(given) <= {*string.ascii_letters, *string.digits, *string.punctuation}


@pytest.mark.parametrize("bad", ["", "whsec_", "whsec_a", "whsec_é"])
def test_a_secret_that_cannot_sign_is_named_by_its_place(bad: str) -> None:
    with pytest.raises(ValueError, match=r"hooks\.secrets\[1\]: not base64 after 'whsec_'"):
        check([SECRETS[0], bad])


def test_good_secrets_pass() -> None:
    check(SECRETS)
