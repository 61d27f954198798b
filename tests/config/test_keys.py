import pytest

from tests.config.conftest import Load


@pytest.mark.claim("J7")
def test_a_missing_key_is_told_of_once_with_the_routes_that_want_it(loaded: Load) -> None:
    routes = "".join(
        f"  - {{name: r{n}, numbers: ['{n}'], verbs: [{{llm: openai}}, {{llm: openai}}], llm_fallback: [{spare}]}}\n"
        for n, spare in enumerate(["xai", "xai", "", "", "", "", ""])
    )
    assert list(loaded(f"store: memory://\nroutes:\n{routes}").warnings) == [
        (
            "no key for vendor 'openai', calls get `fallback` in routes 'r0', 'r1', 'r2', 'r3', 'r4' and 2 more: "
            "set OPENAI_API_KEY or vendors.openai.api_key"
        ),
        (
            "no key for vendor 'xai', nothing falls back on it in routes 'r0', 'r1': "
            "set XAI_API_KEY or vendors.xai.api_key"
        ),
    ]
