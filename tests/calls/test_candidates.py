"""The models with which a call's verb can be carried out."""

from structlog.testing import capture_logs

from tests.calls.exchange import LLM, Exchange, in_virtual_time, settings_of


@in_virtual_time
async def test_a_call_has_the_models_that_can_be_had_and_of_the_others_it_is_told() -> None:
    spares = ["openai/gpt-realtime-mini", {"vendor": "xai"}]
    exchange = Exchange(settings_of({"verbs": [LLM], "llm_fallback": spares}))
    with capture_logs() as logged:
        line = await exchange.open(await exchange.ring())
    assert line
    _, *others = line._bridge._session._models
    assert [other.name for other in others] == ["gpt-realtime-mini"]
    [told] = [entry for entry in logged if entry["event"] == "fallback_not_configured"]
    assert told["vendor"] == "xai"
    assert "xai" in told["message"]
