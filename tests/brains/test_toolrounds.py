"""Tools that a brain has itself."""

from collections.abc import Sequence
from typing import Any

import pytest

from brains.base import Question
from brains.chunks import ChatChunk, Delta, ToolCall, ToolCallPart
from brains.errors import BrokenError
from brains.toolrounds import MAX_ROUNDS, ToolBrain
from tests.brains.asking import Scripted, answered, asked, context

JsonObject = dict[str, Any]
WORD, END = ChatChunk(delta=Delta(content="It is 72.")), ChatChunk(finish_reason="stop")


def tool(name: str) -> JsonObject:
    return {"type": "function", "function": {"name": name}}


def calls(*names: str) -> list[ChatChunk]:
    parts = [ToolCallPart(place, f"id-{name}", name, "{}") for place, name in enumerate(names)]
    return [*(ChatChunk(delta=Delta(tool_calls=(part,))) for part in parts), ChatChunk(finish_reason="tool_calls")]


class Box:
    declarations: Sequence[JsonObject] = (tool("weather"), {"type": "function", "name": "time"})

    def __init__(self) -> None:
        self.ran: list[list[ToolCall]] = []

    def has(self, name: str) -> bool:
        return name in {"weather", "time"}

    async def outputs(self, calls: Sequence[ToolCall], question: Question) -> list[str]:
        self.ran.append(list(calls))
        return [f"output of {call.name}" for call in calls]


@pytest.mark.claim("T14", "T5")
def test_t14_t5_its_own_tools_are_run_and_the_model_goes_on() -> None:
    model, box = Scripted(calls("weather", "time"), [WORD, END]), Box()
    question = Question(context("Hi"), tool_choice="auto")
    assert asked(ToolBrain(model, box), question) == [WORD, END]
    assert [call.name for call in box.ran[0]] == ["weather", "time"]
    second = model.asked_for[1].context.messages
    assert [message["role"] for message in second] == ["user", "assistant", "tool", "tool"]
    assert [message.get("content") for message in second[2:]] == ["output of weather", "output of time"]
    assert (model.asked_for[1].tool_choice, len(question.context.messages)) == ("auto", 1)


@pytest.mark.claim("V19")
def test_v19_tools_of_the_asker_go_back_to_the_asker_also_by_a_name_of_ours() -> None:
    model, box = Scripted(calls("endCall")), Box()
    back = asked(ToolBrain(model, box), Question(context("Hi"), (tool("endCall"),)))
    assert back == calls("endCall")
    assert [each.get("name") or each["function"]["name"] for each in model.asked_for[0].tools] == [
        "endCall",
        "weather",
        "time",
    ]
    model = Scripted(calls("weather"))
    assert asked(ToolBrain(model, box), Question(context("Hi"), (tool("weather"), {"type": "web_search"}))) == calls(
        "weather"
    )
    assert box.ran == []


def test_where_both_are_called_the_asker_sees_their_own_alone() -> None:
    box = Box()
    [chunk] = asked(ToolBrain(Scripted(calls("weather", "endCall")), box), Question(context("Hi"), (tool("endCall"),)))
    assert chunk.delta.tool_calls == (ToolCallPart(0, "id-endCall", "endCall", "{}"),)
    assert (chunk.finish_reason, box.ran) == ("tool_calls", [])


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_model_that_was_made_to_call_is_not_made_to_again(choice: Any) -> None:
    model = Scripted(calls("weather"), [WORD, END])
    assert answered(ToolBrain(model, Box()), "Hi", tool_choice=choice).content == "It is 72."
    assert [question.tool_choice for question in model.asked_for] == [choice, None]


def test_a_model_that_calls_without_end_is_stopped() -> None:
    box = Box()
    with pytest.raises(BrokenError, match="without end"):
        answered(ToolBrain(Scripted(calls("weather")), box), "Hi")
    assert len(box.ran) == MAX_ROUNDS
