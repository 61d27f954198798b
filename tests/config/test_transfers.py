import pytest

from config import ConfigError
from tests.config.conftest import Load

HANDOFF = "handoff: {mode: warm, target: [{type: phone, number: '+1'}]}"
LLM = f"{{verb: llm, vendor: openai, llmOptions: {{}}, {HANDOFF}}}"
API = "{base_url: 'https://jambonz.example.com/api/v1', account_sid: a, api_key: k}"
LACKING = "a warm transfer calls the human by the platform's REST API: set platform.api, or mode: blind"


@pytest.mark.parametrize(
    ("verbs", "path"),
    [
        (f"[{LLM}]", "routes[0].verbs[0].handoff.mode"),
        (f"[{{verb: answer}}, {{llm: {{vendor: openai, llmOptions: {{}}, {HANDOFF}}}}}]", "routes[0].verbs[1].llm.h"),
        (LLM, "routes[0].verbs.handoff.mode"),
    ],
)
def test_a_warm_transfer_without_the_rest_api_is_complained_of_at_its_place(
    loaded: Load, verbs: str, path: str
) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(f"routes: [{{name: a, verbs: {verbs}}}]")
    [complaint] = error.value.complaints
    assert path in str(complaint)
    assert LACKING in str(complaint)


@pytest.mark.parametrize(
    "config",
    [
        f"platform: {{api: {API}}}\nroutes: [{{name: a, verbs: [{LLM}]}}]",
        f"platform: {{version: '10'}}\nroutes: [{{name: a, llm_mode: native, verbs: [{LLM}]}}]",
        f"routes: [{{name: a, verbs: [{LLM.replace('warm', 'blind')}]}}]",
        "routes: [{name: a, url: 'https://app.example.com'}]",
        "routes: [{name: a, verbs: [{verb: hangup}]}]",
    ],
)
def test_other_transfers_need_none(loaded: Load, config: str) -> None:
    assert loaded(config).routes
