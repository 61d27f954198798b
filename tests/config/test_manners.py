"""What a route says of its conversation and can never come to pass is told."""

from typing import Any

import pytest

from config.manners import Conversation, without_effect


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, []),
        ({"protect_greeting": True}, []),
        ({"first_speaker": "caller"}, []),
        ({"first_speaker": "caller", "protect_greeting": True}, ["protect_greeting"]),
        ({"idle": [{"after_s": 9, "say": "x"}, {"after_s": 9, "end": True}]}, []),
        ({"idle": [{"after_s": 9, "end": True}, {"after_s": 9, "say": "x"}]}, ["idle"]),
        ({"warn_before_end_s": 599}, []),
        ({"warn_before_end_s": 600}, ["warn_before_end_s"]),
        ({"tool_fillers_s": [1.5, 6]}, []),
        ({"tool_fillers_s": [1.5, 8]}, []),
        ({"tool_fillers_s": [2, 9]}, ["tool_fillers_s"]),
    ],
)
def test_what_has_no_effect_is_told_where_somebody_asked_for_it(said: dict[str, Any], told: list[str]) -> None:
    lines = without_effect(Conversation.model_validate(said), max_call_s=600, tool_timeout_s=8)
    assert [line.partition(":")[0].removeprefix("conversation.") for line in lines] == told
