"""Questions that are prepared."""

from typing import Any

import pytest

from brains.advanced import MAX_CONVERSATIONS, MAX_KEPT, AdvancedBrain, Preparation
from brains.base import Question
from brains.chunks import ChatChunk, Delta
from brains.context import ChatContext, picture
from brains.templates import MAX_VALUE_CHARS, filled
from tests.brains.asking import Scripted, asked, context

END = [ChatChunk(delta=Delta(content="Fine."), finish_reason="stop")]
SYSTEM = {"role": "system", "content": "Be short."}


def words(question: Question) -> list[Any]:
    return [message["content"] for message in question.context.messages]


@pytest.mark.claim("V16", "V3")
def test_v16_the_last_words_are_rewritten_by_a_template_with_what_is_known_of_the_call() -> None:
    model = Scripted(END)
    brain = AdvancedBrain(model, Preparation(template="{{prompt}} ({{customer.name}}, {{none}})"))
    question = Question(context("Hi", "Yes?", "Weather?"), facts={"customer": {"name": "Ada"}})
    asked(brain, question)
    assert words(model.asked_for[0]) == ["Hi", "Yes?", "Weather? (Ada, )"]
    assert words(question) == ["Hi", "Yes?", "Weather?"]


@pytest.mark.claim("V16")
def test_v16_a_model_may_rewrite_them_as_in_vapis_example() -> None:
    model = Scripted([ChatChunk(delta=Delta(content=" More detailed. "), finish_reason="stop")], END)
    asked(AdvancedBrain(model, Preparation(instructions="Expand this.")), Question(context("Weather?")))
    assert [words(question) for question in model.asked_for] == [["Expand this.", "Weather?"], ["More detailed."]]


@pytest.mark.claim("V16")
def test_v16_things_are_looked_up_and_a_function_may_rewrite() -> None:
    async def ask(prompt: str, question: Question) -> str:
        return f"{prompt} of {question.conversation}"

    async def nothing(_: str, __: Question) -> str:
        return ""

    model = Scripted(END)
    asked(AdvancedBrain(model, Preparation(rewrite=ask, lookup=ask)), Question(context("Weather?"), conversation="c"))
    assert words(model.asked_for[0]) == ["What was looked up for the next answer:\nWeather? of c", "Weather? of c"]
    asked(AdvancedBrain(model, Preparation(rewrite=nothing, lookup=nothing)), Question(context("Weather?")))
    assert words(model.asked_for[1]) == ["Weather?"]


@pytest.mark.parametrize(
    "last",
    [
        {"role": "tool", "content": "72", "tool_call_id": "c"},
        {"role": "user", "content": [picture("https://x/y.png")]},
    ],
)
def test_what_is_no_word_of_the_user_stays_as_it_is(last: dict[str, Any]) -> None:
    model = Scripted(END)
    asked(AdvancedBrain(model, Preparation(template="x")), Question(ChatContext([last])))
    asked(AdvancedBrain(model, Preparation(template="x")), Question(ChatContext([SYSTEM])))
    assert [question.context.messages for question in model.asked_for] == [[last], [SYSTEM]]


@pytest.mark.claim("V16")
def test_v16_a_conversation_is_remembered_for_who_sends_the_newest_words_alone() -> None:
    model = Scripted(END)
    brain = AdvancedBrain(model, Preparation())
    for messages in ([SYSTEM, *context("Hi").messages], [SYSTEM, *context("And now?").messages]):
        asked(brain, Question(ChatContext(messages), conversation="c-1"))
    assert words(model.asked_for[1]) == ["Be short.", "Hi", "Fine.", "And now?"]
    whole = ["Hi", "Fine.", "And now?", "Fine.", "Good."]
    asked(brain, Question(context(*whole), conversation="c-1"))  # who sends all of it gets no more than that
    assert words(model.asked_for[2]) == whole
    for other in ("", "c-2"):
        asked(brain, Question(context("Who are you?"), conversation=other))
        assert words(model.asked_for[-1]) == ["Who are you?"]


def test_no_more_is_remembered_than_may_be() -> None:
    model = Scripted(END)
    brain = AdvancedBrain(model, Preparation())
    asked(brain, Question(context(*["x"] * (MAX_KEPT + 50)), conversation="long"))
    asked(brain, Question(context("new"), conversation="long"))
    assert len(words(model.asked_for[-1])) == MAX_KEPT + 1
    for number in range(MAX_CONVERSATIONS):
        asked(brain, Question(context("x"), conversation=f"c-{number}"))
    asked(brain, Question(context("new"), conversation="long"))
    assert words(model.asked_for[-1]) == ["new"]


@pytest.mark.claim("V4", "V5")
def test_v4_v5_values_are_data_of_a_bounded_length() -> None:
    facts = {"customer": {"name": "Ada"}, "metadata": {"language": "German", "{{x}}": 1}, "long": "x" * 20_000}
    assert filled("Hello {{customer.name}}, speak {{ metadata.language }}.", facts) == "Hello Ada, speak German."
    assert filled("{{metadata}}{{customer.name.first}}{{nobody}}", facts) == '{"language": "German", "{{x}}": 1}'
    assert len(filled("{{long}}", facts)) == MAX_VALUE_CHARS
