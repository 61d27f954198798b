import pytest

from config import ConfigError
from tests.config.conftest import Load

VERBS = "verbs: [{verb: llm, vendor: openai, llmOptions: {}}]"
FRONT = "{name: front, instructions: Greet.}"
BILLING = (
    "{name: billing, instructions: Bill., tools: refund, hands_over_to: [front], voice: cedar, description: money, "
    "model: m}"
)


def test_agents_are_read_in_their_order(loaded: Load) -> None:
    [route] = loaded(f"routes: [{{name: a, agents: [{FRONT}, {BILLING}], {VERBS}}}]").routes
    front, billing = route.agents
    assert (front.name, front.tools, front.hands_over_to, front.voice) == ("front", None, None, None)
    assert (billing.tools, billing.hands_over_to, billing.voice) == (("refund",), ("front",), "cedar")
    assert (billing.description, billing.model, front.model, route.max_handovers) == ("money", "m", None, 10)


@pytest.mark.parametrize(
    ("agents", "path", "sentence"),
    [
        (f"[{FRONT}]", "agents[0].name", "one agent has nobody to hand over to"),
        (f"[{FRONT}, {FRONT}]", "agents[1].name", "there is an agent front already"),
        (
            f"[{FRONT}, {{name: b, instructions: x, hands_over_to: [frnt]}}]",
            "[1].hands_over_to",
            "did you mean 'front'",
        ),
        (f"[{FRONT}, {{name: b, instructions: x, hands_over_to: b}}]", "[1].hands_over_to", "is this agent itself"),
        (f"[{FRONT}, {{name: 'a b', instructions: x}}]", "agents[1].name", "letters, digits, _ and -"),
        (f"[{FRONT}, {{name: b, instructions: ' '}}]", "agents[1].instructions", "what this agent is to do"),
        (f"[{FRONT}, {{name: b}}]", "agents[1].instructions", "missing"),
        (f"[{FRONT}, {{name: b, instructions: x, tool: y}}]", "agents[1].tool", "did you mean 'tools'"),
    ],
)
def test_agents_that_cannot_be_are_complained_of_at_their_place(
    loaded: Load, agents: str, path: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(f"routes: [{{name: a, agents: {agents}, {VERBS}}}]")
    assert any(path in str(one) and sentence in str(one) for one in error.value.complaints), error.value


def test_an_application_has_agents_of_its_own(loaded: Load) -> None:
    with pytest.raises(ConfigError, match="are those of a route's `verbs`"):
        loaded(f"routes: [{{name: a, agents: [{FRONT}, {BILLING}], url: 'https://app.example.com'}}]")
