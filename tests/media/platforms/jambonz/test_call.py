import hashlib
import hmac
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.platforms.base import Call, CallStatus, PlatformError, Signature, Stage, read_json
from media.platforms.jambonz.call import JambonzCalls
from tests.properties import NEARLY_JSON, changed, edited, json_values, tried_with
from verbs.handoff import Outcome

SAMPLES = Path(__file__).parents[3] / "samples" / "jambonz" / "webhooks.jsonl"
BODIES: list[dict[str, Any]] = [json.loads(line) for line in SAMPLES.read_text().splitlines()[1:]]
INBOUND, OUTBOUND = (line["body"] for line in BODIES if line["kind"] == "call")
STATUSES = [line["body"] for line in BODIES if line["kind"] == "status"]

NOW_S = 1_795_208_771.0
SECRET = "wh_secret_é"
FULL_WIDTH = "\uff11795208771"
BODY = b'{"call_sid":"abc",  "from":"\xc3\xa9"}'

calls = JambonzCalls()


def v1(body: bytes = BODY, at: str = "1795208771", secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


VALID, WRONG, ABSENT = Signature("valid"), Signature("wrong"), Signature("absent")


def test_a_signature_over_the_raw_bytes_is_taken() -> None:
    assert calls.verify(BODY, f"t=1795208771,v1={v1()}", [SECRET], now_s=NOW_S) == VALID


@pytest.mark.parametrize("drift_s", [-300, -1, 0, 299, 300])
def test_clocks_may_differ_by_five_minutes(drift_s: int) -> None:
    assert calls.verify(BODY, f"t=1795208771,v1={v1()}", [SECRET], now_s=NOW_S + drift_s) == VALID


@pytest.mark.parametrize(("drift_s", "skew_s"), [(-301, -301), (300.7, 301), (86_400, 86_400)])
def test_an_old_or_early_signature_is_stale_by_so_much(drift_s: float, skew_s: int) -> None:
    told = calls.verify(BODY, f"t=1795208771,v1={v1()}", [SECRET], now_s=NOW_S + drift_s)
    assert told == Signature("stale", skew_s)


def test_an_old_signature_that_is_not_ours_is_wrong() -> None:
    assert calls.verify(BODY, f"t=1795208771,v1={v1(secret='x')}", [SECRET], now_s=NOW_S + 9999) == WRONG


def test_any_of_several_secrets_and_signatures_will_do() -> None:
    header = f"t=1795208771, v1={'0' * 64}, v1={v1(secret='new')}, v0=x"
    assert calls.verify(BODY, header, ["old", "new"], now_s=NOW_S) == VALID
    assert calls.verify(BODY, header, ["old"], now_s=NOW_S) == WRONG


def test_an_empty_secret_verifies_nothing() -> None:
    header = f"t=1795208771,v1={v1(secret='')}"
    assert calls.verify(BODY, header, [""], now_s=NOW_S) == WRONG
    assert calls.verify(BODY, header, [], now_s=NOW_S) == WRONG


def test_another_body_is_refused() -> None:
    assert calls.verify(BODY + b" ", f"t=1795208771,v1={v1()}", [SECRET], now_s=NOW_S) == WRONG


def test_a_webhook_without_the_header_is_unsigned() -> None:
    assert calls.verify(BODY, None, [SECRET], now_s=NOW_S) == ABSENT


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1795208771",
        f"v1={v1()}",
        f"t=,v1={v1(at='')}",
        f"t=1795208771.0,v1={v1(at='1795208771.0')}",
        f"t=+1795208771,v1={v1(at='+1795208771')}",
        f"t={FULL_WIDTH},v1={v1(at=FULL_WIDTH)}",
        f"t={'9' * 5000},v1={v1()}",
        f"t=nan,v1={v1(at='nan')}",
        "t=1795208771,v1=",
        "t=1795208771,v1=é",
        "t=1795208771,v1=\udcff",
        f"t=1795208771,v1={v1()[:-1]}",
        f"t=1795208771;v1={v1()}",
        "=,=,,==",
    ],
)
def test_an_odd_header_is_refused(header: str) -> None:
    assert calls.verify(BODY, header, [SECRET], now_s=NOW_S) == WRONG


@given(st.text(), st.binary(max_size=50))
def test_no_header_and_no_body_make_verifying_fail(header: str, body: bytes) -> None:
    assert calls.verify(body, header, [SECRET], now_s=NOW_S) == WRONG


def test_an_inbound_call_is_read() -> None:
    call = calls.parse(encoded(INBOUND))
    assert (call.call_sid, call.direction, call.caller_name) == (INBOUND["call_sid"], "inbound", "Alice")
    assert (call.caller, call.called) == ("+15551230001", "+15551230002")


def test_the_copies_of_the_sip_message_are_left_out_and_all_else_is_kept() -> None:
    attributes = calls.parse(encoded(INBOUND)).attributes
    assert set(attributes["sip"]) == {"headers", "method", "version", "uri"}
    assert {k: v for k, v in attributes.items() if k != "sip"} == {k: v for k, v in INBOUND.items() if k != "sip"}


def test_an_outbound_call_has_no_sip_and_keeps_its_customer_data() -> None:
    call = calls.parse(encoded(OUTBOUND))
    assert (call.direction, call.caller_name) == ("outbound", "")
    assert call.attributes == OUTBOUND


def test_hooks_are_told_what_the_platforms_own_hooks_tell() -> None:
    told = calls.hook_attributes(calls.parse(encoded(INBOUND)).attributes)
    later = STATUSES[0]
    assert set(later) - set(told) == {"api_base_url"}
    assert set(told) - set(later) == {"caller_name", "has_recording", "service_provider_sid"}
    assert told["fs_sip_address"] == INBOUND["local_sip_address"]
    assert "sk-example" not in json.dumps(told)


def test_every_field_but_the_sid_may_be_missing() -> None:
    call = calls.parse(b'{"call_sid":"abc","caller_name":null,"sip":null,"future":{"x":[1]}}')
    assert (call.caller, call.called, call.direction, call.caller_name) == ("", "", "inbound", "")
    assert call.attributes["future"] == {"x": [1]}


def test_half_a_character_costs_no_call_and_no_end_of_one() -> None:
    body = b'{"call_sid":"abc","call_status":"completed","caller_name":"A\\ud83dB","\\udc00":1}'
    assert calls.parse(body).attributes["caller_name"] == "A?B"
    assert calls.status(body).call_sid == "abc"


def test_a_number_that_came_as_one_is_its_digits() -> None:
    assert calls.parse(b'{"call_sid":"abc","from":15551230001}').caller == "15551230001"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "call webhook: not JSON"),
        (b"null", "call webhook: not a JSON object"),
        (b"[]", "call webhook: not a JSON object"),
        (b'"x"', "call webhook: not a JSON object"),
        (b"{}", "call webhook: field 'call_sid' is missing or not usable"),
        (b'{"call_sid":""}', "call webhook: field 'call_sid' is missing or not usable"),
        (b'{"call_sid":"a/b"}', "call webhook: field 'call_sid' is missing or not usable"),
        (b'{"call_sid":"a\\r\\nX: y"}', "call webhook: field 'call_sid' is missing or not usable"),
        (b'{"call_sid":"a\\n"}', "call webhook: field 'call_sid' is missing or not usable"),
        (b'{"call_sid":true}', "call webhook: field 'call_sid' is missing or not usable"),
        (b'{"call_sid":"%s"}' % (b"a" * 129), "call webhook: field 'call_sid' is missing or not usable"),
        (b'{"call_sid":"abc","from":["x"]}', "call webhook: field 'from' is missing or not usable"),
        (b'{"call_sid":"abc","to":{}}', "call webhook: field 'to' is missing or not usable"),
        (b'{"call_sid":"abc","to":"%s"}' % (b"1" * 513), "call webhook: field 'to' is missing or not usable"),
        (b'{"call_sid":"abc","call_sid":"abd"}', "call webhook: JSON with the same key twice in an object"),
        (b'{"call_sid":"abc","x":NaN}', "call webhook: JSON with a number that is none (NaN or Infinity)"),
        (b'{"call_sid":"abc","x":"\xff"}', "call webhook: text that is not UTF-8"),
        (b'"%s"' % (b"a" * 300_000), "call webhook: body longer than 262144 bytes"),
    ],
)
def test_a_body_that_announces_no_call_is_refused_without_repeating_it(body: bytes, fault: str) -> None:
    with pytest.raises(PlatformError) as refused:
        calls.parse(body)
    assert str(refused.value) == fault


@given(st.dictionaries(st.sampled_from(list(INBOUND)), st.none() | st.booleans() | st.integers() | st.text()))
def test_no_change_of_types_raises_anything_but_platform_error(changed: dict[str, Any]) -> None:
    try:
        call = calls.parse(encoded(INBOUND | changed))
    except PlatformError:
        return
    assert isinstance(call.caller + call.called + call.direction + call.caller_name, str)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (STATUSES[0], ("in-progress", Stage.ANSWERED, False)),
        (STATUSES[1], ("completed", Stage.OVER, False)),
        (STATUSES[2], ("busy", Stage.OVER, False)),
        ({"call_sid": "abc"}, ("", None, False)),
        ({"call_sid": "abc", "call_status": "early-media"}, ("early-media", Stage.RINGING, False)),
        ({"call_sid": "abc", "call_status": "tomorrow's"}, ("tomorrow's", None, False)),
        (
            {"call_sid": "abc", "call_status": "completed", "call_termination_by": "jambonz"},
            ("completed", Stage.OVER, True),
        ),
    ],
)
def test_a_status_tells_how_far_the_call_has_come(body: dict[str, Any], told: tuple[str, Stage | None, bool]) -> None:
    status = calls.status(encoded(body))
    assert (status.status, status.stage, status.by_platform) == told
    assert (status.call_sid, status.attributes) == (body["call_sid"], body)
    assert calls.is_over(body) == (told[1] is Stage.OVER)


def test_a_status_of_a_leg_names_its_call_and_what_sip_said() -> None:
    status = calls.status(b'{"call_sid":"b","parent_call_sid":"a","call_status":"ringing","sip_status":180}')
    assert (status.parent_sid, status.sip_status) == ("a", "180")
    assert not calls.is_over({"call_status": ["completed"]})


def test_a_status_that_cannot_be_read_says_so() -> None:
    with pytest.raises(PlatformError, match="status webhook: not JSON"):
        calls.status(b"")


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"dial_call_status": "completed", "dial_sip_status": 200}, "completed"),
        ({"dial_call_status": "no-answer", "dial_sip_status": 487}, "no-answer"),
        ({"dial_call_status": "busy", "dial_sip_status": 486}, "busy"),
        ({"dial_call_status": "failed", "dial_sip_status": 603}, "declined"),
        ({"dial_call_status": "failed", "dial_sip_status": 480}, "no-answer"),
        ({"dial_call_status": "failed", "dial_sip_status": 503}, "error"),
        ({"dial_call_status": "failed", "dial_sip_status": 200}, "error"),
        ({"dial_call_status": "failed"}, "error"),
        ({"dial_call_status": ["completed"]}, "error"),
        ({"refer_status": 202, "final_referred_call_status": "200"}, "completed"),
        ({"refer_status": 202, "final_referred_call_status": "486"}, "busy"),
        ({"refer_status": 202, "final_referred_call_status": 603}, "declined"),
        ({"refer_status": 405}, "error"),
        ({"refer_status": 408}, "no-answer"),
        ({"call_status": "in-progress"}, "error"),
    ],
)
def test_what_a_dial_or_a_refer_tells_is_how_the_transfer_went(told: dict[str, Any], outcome: str) -> None:
    assert calls.transferred({"call_sid": "abc", **told}) == outcome


SHOWN = "s3cr3t +15557654321"
"Stands in every body that is tried; no fault may repeat it."


def attributes_of(body: bytes) -> dict[str, Any]:
    try:
        value = read_json(body)
    except PlatformError:
        return {}
    return value if isinstance(value, dict) else {}


@tried_with("body", NEARLY_JSON)
@given(body=changed([{**line["body"], "x": SHOWN} for line in BODIES], json_values()).map(encoded))
def test_whatever_is_changed_in_a_webhook_it_is_read_or_refused_and_not_repeated(body: bytes) -> None:
    attributes = attributes_of(body)
    reads: list[Callable[[bytes], Call | CallStatus]] = [calls.parse, calls.status]
    for read in reads:
        try:
            told = read(body)
        except PlatformError as error:
            fault = str(error)
            assert fault.startswith(("call webhook: ", "status webhook: "))
            assert len(fault) < 120
            assert "s3cr3t" not in fault
        else:
            assert re.fullmatch(r"[A-Za-z0-9._:@+-]{1,128}", told.call_sid)
            assert str(attributes["call_sid"]) == told.call_sid
            sip = told.attributes.get("sip")
            assert isinstance(told, CallStatus) or not isinstance(sip, dict) or not {"raw", "body", "payload"} & {*sip}
    assert calls.is_over(attributes) in {True, False}
    assert calls.transferred(attributes) in get_args(Outcome)
    assert json.dumps(calls.hook_attributes(attributes))


@given(
    header=edited([f"t=1795208771,v1={v1()}", f"t=1795208771, v1=0, v1={v1()}"], ["t=", "v1=", ",", "=", " ", "é", ""]),
    body=st.sampled_from([BODY, BODY + b" ", b""]),
)
def test_a_header_is_valid_only_where_its_own_time_and_body_were_signed(header: str, body: bytes) -> None:
    parts = [part.strip() for part in header.split(",")]
    signed = next((part for part in parts if part.startswith("t=")), "") == "t=1795208771" and f"v1={v1()}" in parts
    assert calls.verify(body, header, [SECRET], now_s=NOW_S) == (VALID if signed and body == BODY else WRONG)
