"""What Tavus tells of what is seen."""

from typing import Any

import pytest

from brains.context import ChatContext
from brains.perception import perceived

JsonObject = dict[str, Any]


@pytest.mark.claim("T21")
def test_t21_the_tags_of_raven_0_are_read_and_stay_where_they_are() -> None:
    content = "<user_appearance>A red coat.</user_appearance> <user_emotions>\nGlad. </user_emotions>"
    content += " <user_screenshare></user_screenshare>"
    context = ChatContext([{"role": "system", "content": content}])
    seen = perceived(context)
    assert seen.facts == {"user_appearance": "A red coat.", "user_emotions": "Glad.", "user_screenshare": ""}
    assert seen.context.messages == context.messages


@pytest.mark.claim("T22")
@pytest.mark.parametrize(
    ("content", "speech", "scene"),
    [
        ("USER_SPEECH: Hello there. VISUAL_SCENE: A person waves.", "Hello there.", "A person waves."),
        ("USER_SPEECH: Hello there.", "Hello there.", ""),
        ("VISUAL_SCENE: A person waves.", "", "A person waves."),
        ("USER_SPEECH:\nHello\nthere. VISUAL_SCENE:", "Hello\nthere.", ""),
    ],
)
def test_t22_speech_and_scene_are_told_apart(content: str, speech: str, scene: str) -> None:
    seen = perceived(ChatContext([{"role": "user", "content": content, "name": "u"}]))
    assert seen.facts == {"visual_scene": scene}
    assert seen.context.messages[-1] == {"role": "user", "content": speech, "name": "u"}
    told = [message["content"] for message in seen.context.messages[:-1]]
    assert told == ([f"What is seen of the user at this moment, which they have not said: {scene}"] if scene else [])


@pytest.mark.claim("T23")
@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "My user_speech: no"},
        {"role": "assistant", "content": "USER_SPEECH: a VISUAL_SCENE: b"},
        {"role": "system", "content": "Use <b>no</b> markup, and never <user_name>."},
    ],
)
def test_t23_without_perception_nothing_is_changed(message: JsonObject) -> None:
    context = ChatContext([message])
    assert perceived(context) == (context, {})
    assert perceived(context).context is context
