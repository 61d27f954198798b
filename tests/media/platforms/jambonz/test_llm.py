"""The hooks of jambonz' own `llm` verb: what a tool is asked, the one answer that each vendor takes, how it ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.native import ToolAsked, ToolOutput
from media.platforms import PLATFORMS

LLM = PLATFORMS["jambonz"].llm
ASKED = ToolAsked("call_9", "get_weather", '{"cityName": "Rome"}')
SUNNY = ToolOutput("sunny", failed=False)
FAILED = ToolOutput('{"error":"x"}', failed=True)


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"tool_call_id": "call_9", "name": "get_weather", "args": {"cityName": "Rome"}}, [ASKED]),
        (
            {
                "tool_call_id": "function_call_id",
                "type": "toolCall",
                "function_calls": [{"id": "call_9", "name": "get_weather", "args": {"cityName": "Rome"}}, 5],
            },
            [ASKED],
        ),
        ({"function_calls": []}, []),
        ({"function_calls": [{}] * 17}, [ToolAsked("", "", "{}")] * 16),
        ({}, [ToolAsked("", "", "{}")]),
        ({"tool_call_id": 5, "name": ["x"], "args": "text"}, [ToolAsked("", "", '"text"')]),
    ],
)
def test_what_a_tool_is_asked_is_read_whatever_it_is(body: dict[str, Any], asked: list[ToolAsked]) -> None:
    assert LLM.tool_calls(body) == asked


@pytest.mark.claim("J10", "toolHook")
@pytest.mark.parametrize(
    ("vendor", "output", "reply"),
    [
        *(
            (
                vendor,
                SUNNY,
                {
                    "type": "conversation.item.create",
                    "item": {"type": "function_call_output", "call_id": "call_9", "output": "sunny"},
                },
            )
            for vendor in ("openai", "microsoft", "qwen")
        ),
        ("ultravox", SUNNY, {"type": "client_tool_result", "invocation_id": "call_9", "result": "sunny"}),
        *(
            (
                "elevenlabs",
                output,
                {
                    "data": {
                        "type": "client_tool_result",
                        "tool_call_id": "call_9",
                        "result": output.text,
                        "is_error": output.failed,
                    }
                },
            )
            for output in (SUNNY, FAILED)
        ),
        *(
            (
                vendor,
                SUNNY,
                {"data": {"type": "FunctionCallResponse", "id": "call_9", "name": "get_weather", "content": "sunny"}},
            )
            for vendor in ("deepgram", "voiceagent")
        ),
        (
            "google",
            FAILED,
            {
                "toolResponse": {
                    "functionResponses": [
                        {"id": "call_9", "name": "get_weather", "response": {"error": '{"error":"x"}'}}
                    ]
                }
            },
        ),
    ],
)
def test_each_vendor_gets_the_one_shape_that_its_part_of_the_platform_takes(
    vendor: str, output: ToolOutput, reply: dict[str, Any]
) -> None:
    assert LLM.tool_reply(vendor, [(ASKED, output)]) == reply


def test_several_tools_at_once_get_one_answer() -> None:
    reply = LLM.tool_reply("google", [(ASKED, SUNNY), (ASKED._replace(call_id="2"), SUNNY)])
    assert [answer["id"] for answer in reply["toolResponse"]["functionResponses"]] == ["call_9", "2"]
    assert LLM.tool_reply("google", []) == {"toolResponse": {"functionResponses": []}}


@pytest.mark.claim("J30", "actionHook")
@pytest.mark.parametrize(
    ("attributes", "end"),
    [
        ({}, ("normal conversation end", "platform_ended", "platform", None)),
        (
            {"completion_reason": 5, "call_status": "in-progress"},
            (*("normal conversation end", "platform_ended"), "platform", None),
        ),
        ({"call_status": "completed"}, ("normal conversation end", "caller_hung_up", "caller", None)),
        (
            {"call_status": "completed", "call_termination_by": "jambonz"},
            ("normal conversation end", "platform_hung_up", "platform", None),
        ),
        (
            {"completion_reason": "connection failure"},
            ("connection failure", "connect_failed", "model", {"message": "connection failure"}),
        ),
        (
            {"completion_reason": "connection failure - Error: 402"},
            (
                *("connection failure - Error: 402", "connect_failed", "model"),
                {"message": "connection failure - Error: 402"},
            ),
        ),
        (
            {"completion_reason": "server error", "error": {"code": "invalid_api_key"}, "call_status": "in-progress"},
            ("server error", "invalid_api_key", "model", {"code": "invalid_api_key"}),
        ),
        (
            {"completion_reason": "server error", "error": {"code": 5}},
            ("server error", "model_error", "model", {"code": 5}),
        ),
        (
            {"completion_reason": "server failure", "error": {}},
            ("server failure", "response_failed", "model", {"message": "server failure"}),
        ),
        (
            {"completion_reason": "disconnect from remote end"},
            ("disconnect from remote end", "model_disconnected", "model", {"message": "disconnect from remote end"}),
        ),
        (
            {"completion_reason": "client error calling function", "error": {"code": "x", "status_code": 500}},
            ("client error calling function", "tool_failed", "server", {"code": "x", "status_code": 500}),
        ),
        (
            {"completion_reason": "client error calling mcp function", "error": "x"},
            (
                "client error calling mcp function",
                "mcp_tool_failed",
                "server",
                {"message": "client error calling mcp function"},
            ),
        ),
        ({"completion_reason": "no_response"}, ("no_response", "unknown", "platform", {"message": "no_response"})),
    ],
)
def test_the_platforms_reason_is_kept_word_for_word_and_has_a_code_of_ours(
    attributes: dict[str, Any], end: tuple[Any, ...]
) -> None:
    told = LLM.ended(attributes)
    assert (told.completion_reason, told.reason_code, told.ended_by, told.error) == end
    assert told.abnormal == (end[0] != "normal conversation end")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("tool_call_id", "name", "args", "function_calls", "completion_reason", "error", "call_status")
bodies = st.dictionaries(st.sampled_from(KEYS), json_values)


@given(bodies, st.sampled_from(["openai", "google", "deepgram", "unheard"]))
def test_no_body_raises(body: dict[str, Any], vendor: str) -> None:
    asked = LLM.tool_calls(body)
    assert isinstance(LLM.tool_reply(vendor, [(call, SUNNY) for call in asked]), dict)
    assert LLM.ended(body).completion_reason
