from config import secret_values
from config.secrets import hidden
from tests.config.conftest import Load

TEXT = """
server: {admin_token: admin-token, ticket_secret: short}
platform: {webhook_secrets: [webhook-one, webhook-two], basic_auth: {username: username, password: basic-password}}
routes:
  - name: a
    verbs:
      - verb: llm
        vendor: openai
        model: gpt-realtime
        auth: {apiKey: key-of-the-verb}
        llmOptions:
          response_create: {instructions: instructions, max_output_tokens: 100}
          session_update:
            tools:
              - {type: function, name: look_up, parameters: {type: object, properties: {api_key: {type: string}}}}
              - {type: mcp, server_label: crm, authorization: authorization-of-mcp}
      - {verb: listen, url: "wss://x.example/${STREAM_TOKEN}", wsAuth: {username: ws-username, password: ws-password}}
    fallback: [{verb: say, text: "${GREETING} text"}]
"""


def test_every_secret_of_the_settings_is_known(loaded: Load) -> None:
    environ = {"OPENAI_API_KEY": "openai-key", "STREAM_TOKEN": "stream-token", "GREETING": "welcome"}
    assert secret_values(loaded(TEXT, environ)) == {
        *("admin-token", "webhook-one", "webhook-two", "basic-password", "key-of-the-verb", "authorization-of-mcp"),
        *("openai-key", "stream-token", "ws-username", "ws-password"),
    }


def test_the_key_of_a_model_that_is_fallen_back_on_is_a_secret(loaded: Load) -> None:
    route = "{name: a, verbs: [{verb: hangup}], llm_fallback: [{vendor: xai, auth: {apiKey: xai-secret}}]}"
    assert "xai-secret" in secret_values(loaded(f"routes: [{route}]", {}))


def test_the_password_of_an_applications_url_is_a_secret(loaded: Load) -> None:
    routes = (
        "routes: [{name: a, numbers: ['1'], url: 'https://user:p%40ssword@app.example.com'}, {name: b, url: 'ws://x'}]"
    )
    assert secret_values(loaded(routes)) == {"p%40ssword", "p@ssword"}


def test_secrets_are_hidden_the_longest_first() -> None:
    assert hidden("a secret-long and a secret", ["secret", "secret-long"]) == "a *** and a ***"
