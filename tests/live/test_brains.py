"""Brains as they are served, asked by OpenAI's own client, with a stub of a model's server behind them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.brains.model_server import HANG, ModelServer, Refusal, called, piece, said
from tests.hooks.modules import Write
from tests.live.serving import Running, serving

JsonObject = dict[str, Any]
SAMPLES = Path(__file__).parent.parent / "samples" / "brains"
QUESTION: list[Any] = [{"role": "user", "content": "What is the weather in Boston?"}]
KEY = "sk-of-the-model-0001"
TOKEN = "token-of-the-askers"
PERSONA = "You sell boats to {{caller_name}}, who calls from {{from}}, in {{customerData.language}}."
ROUTE: JsonObject = {
    "name": "sales",
    "numbers": ["2"],
    "brain": "proxy",
    "tools": {"get_weather": {"python": "my_tools:get_weather"}},
    "verbs": [
        {
            "verb": "llm",
            "vendor": "openai",
            "model": "gpt-realtime-2.1",
            "llmOptions": {"response_create": {"instructions": PERSONA}},
        }
    ],
}
TOOLS = """
    import asyncio
    from hooks.tools import Call

    def get_weather(location: str) -> dict:
        return {'temp_f': 72, 'at': location}

    async def slow() -> str:
        await asyncio.Event().wait()
        return ''

    def look_up(prompt: str, call: Call) -> str:
        return f'{call.caller} asked: {prompt}'

    def fails(prompt: str) -> str:
        raise LookupError(prompt)

    async def words(context):
        yield 'Hello '
        yield context.messages[-1]['content']

    async def broken(context):
        yield 'Well, '
        raise LookupError('+15557654321')
"""
WEATHER: JsonObject = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
    },
}


class Hall:
    """A server with brains, and the model's server behind them."""

    def __init__(self, running: Running, model: ModelServer) -> None:
        self.running = running
        self.model = model

    def client(self, path: str = "/v1", token: str = TOKEN) -> Any:
        from openai import AsyncOpenAI

        return AsyncOpenAI(base_url=self.running.url + path, api_key=token, max_retries=0)


@pytest.fixture(autouse=True)
def _tools(write: Write) -> None:
    """Write the modules that the configurations here name."""
    write("my_tools.py", TOOLS)


@asynccontextmanager
async def hall(folder: Path, model: ModelServer, **brains: JsonObject) -> AsyncIterator[Hall]:
    async with model.serving() as url:
        behind = {"model": "m-1", "base_url": url, "api_key": KEY}
        written = {
            name: brain if "python" in brain else behind | brain for name, brain in {"proxy": {}, **brains}.items()
        }
        config = {
            "server": {"brains_token": TOKEN, "body_timeout_s": 0.2},
            "hooks": {"tool_timeout_s": 0.2},
            "brains": written,
            "routes": [ROUTE, {"name": "plain", "numbers": ["1"], "verbs": ROUTE["verbs"]}],
        }
        async with serving(folder, config) as running:
            yield Hall(running, model)


@pytest.mark.claim("V7", "V9", "V14", "V15", "T2", "T10", "L3")
async def test_v14_t2_openais_client_reads_an_answer_piece_by_piece_and_as_a_whole(tmp_path: Path) -> None:
    async with hall(tmp_path, ModelServer()) as served, served.client() as client:
        stream = await client.chat.completions.create(model="proxy", messages=QUESTION, stream=True)
        chunks = [chunk async for chunk in stream]
        assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "Hel", "lo.", None]
        assert {chunk.id for chunk in chunks} == {"chatcmpl-up"}
        assert all(chunk.usage is None for chunk in chunks)
        stream = await client.chat.completions.create(
            model="proxy", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        usage = [chunk.usage for chunk in [chunk async for chunk in stream]][-1]
        assert usage.total_tokens == 12
        for streaming in ({"stream": False}, {}):
            whole = await client.chat.completions.create(model="proxy", messages=QUESTION, temperature=0.5, **streaming)
            assert (whole.choices[0].message.content, whole.usage.total_tokens) == ("Hello.", 12)
        assert served.model.asked[-1] == {"model": "m-1", "messages": QUESTION, "temperature": 0.5, "stream": False}
        assert served.model.headers[-1]["Authorization"] == f"Bearer {KEY}"
        assert [model.id async for model in client.models.list()][:2] == ["proxy", "basic"]
        assert KEY not in served.running.journal.getvalue()


@pytest.mark.claim("V12", "V13")
async def test_v13_basic_answers_without_any_key_and_vapi_in_one_piece(tmp_path: Path) -> None:
    async with hall(tmp_path, ModelServer()) as served, served.client("/brains/basic") as client:
        whole = await client.chat.completions.create(model="any", messages=QUESTION)
        assert whole.choices[0].message.content == "You said: What is the weather in Boston?"
        stream = await client.chat.completions.create(model="any", messages=QUESTION, stream=True)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(words) == "You said: What is the weather in Boston?"
        async with bearing() as http:
            body = json.loads((SAMPLES / "vapi.json").read_text())
            async with http.post(f"{served.running.url}/brains/basic/chat/completions", json=body) as answer:
                assert (answer.content_type, (await answer.json())["choices"][0]["message"]["content"]) == (
                    "application/json",
                    "You said: Yeah. I can hear you.",
                )
    assert served.model.asked == []


@pytest.mark.claim("V14")
async def test_v14_whoever_leaves_closes_the_connection_to_the_model_at_once(tmp_path: Path) -> None:
    model = ModelServer([[piece({"content": "Once upon"}), HANG]])
    async with hall(tmp_path, model) as served, served.client() as client:
        stream = await client.chat.completions.create(model="proxy", messages=QUESTION, stream=True)
        assert (await anext(stream)).choices[0].delta.content == "Once upon"
        await model.hanging.wait()
        await stream.close()  # the client's own way to abort
        async with asyncio.timeout(1):
            await model.left.wait()
        model.hanging.clear()
        model.left.clear()
        model.scripts = [[HANG]]
        streaming = asyncio.create_task(client.chat.completions.create(model="proxy", messages=QUESTION, stream=True))
        await model.hanging.wait()
        streaming.cancel()  # before the first word
        async with asyncio.timeout(1):
            await model.left.wait()
        await asyncio.gather(streaming, return_exceptions=True)
        assert "brain.left" in served.running.journal.events()


@pytest.mark.claim("T5", "T14", "L20")
async def test_t14_l20_tools_of_the_asker_go_back_to_them_and_those_of_the_brain_are_run(tmp_path: Path) -> None:
    model = ModelServer([called("get_weather", '{"location": "Boston"}'), said("It is 72.")])
    tools = {"get_weather": {"python": "my_tools:get_weather"}}
    async with hall(tmp_path, model, own={"tools": tools}) as served, served.client() as client:
        stream = await client.chat.completions.create(model="proxy", messages=QUESTION, tools=[WEATHER], stream=True)
        chunks = [chunk async for chunk in stream]
        assert chunks[0].choices[0].delta.tool_calls[0].function.name == "get_weather"
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
        model.scripts = [called("get_weather", '{"location": "Boston"}'), said("It is 72.")]
        answer = await client.chat.completions.create(model="own", messages=QUESTION, tool_choice="required")
        assert answer.choices[0].message.content == "It is 72."
        first, second = model.asked[-2:]
        assert [tool["function"]["name"] for tool in first["tools"]] == ["get_weather"]
        assert (first["tool_choice"], "tool_choice" in second) == ("required", False)
        assert json.loads(second["messages"][-1]["content"]) == {"temp_f": 72, "at": "Boston"}


@pytest.mark.claim("V7", "V8")
async def test_v8_refusals_are_told_as_openai_tells_them_and_no_secret_is_logged(tmp_path: Path) -> None:
    import openai

    refused = Refusal(400, {"error": {"message": "Too long.", "code": "context_length_exceeded"}})
    async with hall(tmp_path, ModelServer([refused])) as served, served.client() as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="proxy", messages=QUESTION, stream=True)
        assert caught.value.code == "context_length_exceeded"
        with pytest.raises(openai.NotFoundError, match="did you mean 'proxy'"):
            await client.chat.completions.create(model="proxi", messages=QUESTION)
        with pytest.raises(openai.BadRequestError, match="messages must be a list"):
            await client.chat.completions.create(model="proxy", messages=[])
        async with served.client(token="another") as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.chat.completions.create(model="proxy", messages=QUESTION)
        served.model.scripts = [Refusal(401, {"error": {"message": f"Wrong key {KEY}"}})]
        with pytest.raises(openai.APIStatusError) as wrong:
            await client.chat.completions.create(model="proxy", messages=QUESTION)
        assert (wrong.value.status_code, KEY in wrong.value.message) == (502, False)
        served.model.scripts = [[piece({"content": "Once"}), {"error": {"message": "Overloaded.", "code": 503}}]]
        stream = await client.chat.completions.create(model="proxy", messages=QUESTION, stream=True)
        with pytest.raises(openai.APIError, match="Overloaded"):
            [chunk async for chunk in stream]
        async with bearing() as http:
            served.model.scripts = [said("Yes.")]
            body = json.loads((SAMPLES / "vapi.json").read_text())
            async with http.post(f"{served.running.url}/brains/proxy/chat/completions", json=body) as answer:
                assert (answer.content_type, (await answer.text()).endswith("data: [DONE]\n\n")) == (
                    "text/event-stream",
                    True,
                )
            async with http.get(f"{served.running.url}/brains/proxy/chat/completions") as answer:
                assert answer.status == 405
    told = served.running.journal.getvalue()
    assert not [
        secret for secret in (KEY, "token-of-the-carrier-0001", "+15557654321", "I can hear you") if secret in told
    ]
    assert not {"call", "phoneNumber", "customer", "metadata", "timestamp"} & served.model.asked[-1].keys()


@pytest.mark.claim("L7")
async def test_l7_another_provider_is_asked_where_one_fails(tmp_path: Path) -> None:
    model = ModelServer([Refusal(503, {}), said("Hel", "lo.")])
    async with hall(tmp_path, model, first={"fallback": ["proxy", "basic"]}) as served, served.client() as client:
        answer = await client.chat.completions.create(model="first", messages=QUESTION)
        assert answer.choices[0].message.content == "Hello."
        model.scripts = [Refusal(503, {})]
        answer = await client.chat.completions.create(model="first", messages=QUESTION)
        assert answer.choices[0].message.content == "You said: What is the weather in Boston?"
        assert served.running.journal.events().count("brain.fallback") == 3


@pytest.mark.claim("V2", "V3", "V4", "V5", "L2")
async def test_v2_v3_v4_v5_l2_a_route_is_asked_in_text_with_its_instructions_and_tools(tmp_path: Path) -> None:
    model = ModelServer([called("get_weather", '{"location": 5}'), said("Hel", "lo.")])
    async with hall(tmp_path, model) as served, served.client() as client:
        facts = {"customer": {"name": "Ada", "number": "+15557654321"}, "metadata": {"language": "German"}}
        answer = await client.chat.completions.create(model="sales", messages=QUESTION, extra_body=facts)
        assert answer.choices[0].message.content == "Hello."
        first, second = model.asked
        persona = "You sell boats to Ada, who calls from +15557654321, in German."
        assert first["messages"] == [{"role": "system", "content": persona}, *QUESTION]
        assert "the arguments do not fit" in second["messages"][-1]["content"]
        answer = await client.chat.completions.create(model="plain", messages=QUESTION)  # by rules: there is no key
        assert answer.choices[0].message.content == "You said: What is the weather in Boston?"
        assert [model.id async for model in client.models.list()][-2:] == ["sales", "plain"]


@pytest.mark.claim("V18")
async def test_v18_a_server_that_is_not_there_or_says_nothing_is_told_of_in_time(tmp_path: Path) -> None:
    import openai

    others: dict[str, JsonObject] = {"silent": {"timeout_s": 0.1}, "nowhere": {"base_url": "http://127.0.0.1:9"}}
    async with hall(tmp_path, ModelServer([[HANG]]), **others) as served, served.client() as client:
        with pytest.raises(openai.APIStatusError, match=r"said nothing more for 0\.1 s") as caught:
            await client.chat.completions.create(model="silent", messages=QUESTION, stream=True)
        assert caught.value.status_code == 504
        served.model.scripts = [HANG]
        with pytest.raises(openai.APIStatusError, match=r"no answer within 0\.6 s"):
            await client.chat.completions.create(model="silent", messages=QUESTION)
        with pytest.raises(openai.APIStatusError, match="cannot be reached"):
            await client.chat.completions.create(model="nowhere", messages=QUESTION)


@pytest.mark.claim("V16", "T4", "L18")
async def test_v16_a_question_is_looked_up_rewritten_and_cut_to_its_limit(tmp_path: Path) -> None:
    advanced = {
        "form": "openai-advanced",
        "rewrite": {"template": "{{prompt}} ({{customer.name}})"},
        "lookup": {"python": "my_tools:look_up"},
        "context": {"soft_tokens": 100, "hard_tokens": 900},
    }
    failing = {"form": "openai-advanced", "lookup": {"python": "my_tools:fails"}}
    async with hall(tmp_path, ModelServer(), advanced=advanced, failing=failing) as served, served.client() as client:
        old: list[Any] = [{"role": "user", "content": "x" * 4000}, {"role": "assistant", "content": "y"}]
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        seen = [{"role": "user", "content": [picture]}, {"role": "assistant", "content": "A hat."}]
        facts = {"customer": {"name": "Ada", "number": "+15557654321"}}
        messages = [*old, *seen, {"role": "user", "content": "Weather?"}]
        await client.chat.completions.create(model="advanced", messages=messages, extra_body=facts)
        looked_up = "What was looked up for the next answer:\n+15557654321 asked: Weather?"
        assert served.model.asked[0]["messages"] == [
            *seen,
            {"role": "system", "content": looked_up},
            {"role": "user", "content": "Weather? (Ada)"},
        ]
        await client.chat.completions.create(model="failing", messages=QUESTION)
        assert served.model.asked[1]["messages"] == QUESTION
        assert "brain.long_context" in served.running.journal.events()


@pytest.mark.claim("L15", "L13")
async def test_l15_a_function_answers_in_place_of_a_model(tmp_path: Path) -> None:
    import openai

    others: dict[str, JsonObject] = {"mine": {"python": "my_tools:words"}, "broken": {"python": "my_tools:broken"}}
    async with hall(tmp_path, ModelServer(), **others) as served, served.client() as client:
        stream = await client.chat.completions.create(model="mine", messages=QUESTION, stream=True)
        said_ = [chunk.choices[0].delta.content for chunk in [chunk async for chunk in stream]]
        assert said_ == ["Hello ", QUESTION[0]["content"], None]
        with pytest.raises(openai.APIStatusError, match="failed: LookupError"):
            await client.chat.completions.create(model="broken", messages=QUESTION)
        assert "+15557654321" not in served.running.journal.getvalue()


async def test_a_tool_that_hangs_is_told_to_the_model_and_a_list_of_tools_is_the_askers(tmp_path: Path) -> None:
    model = ModelServer([called("slow", "{}"), said("Sorry.")])
    tools: dict[str, JsonObject] = {
        "slow": {"tools": {"slow": {"python": "my_tools:slow"}}},
        "listed": {"tools": [WEATHER]},
    }
    async with hall(tmp_path, model, **tools) as served, served.client() as client:
        await client.chat.completions.create(model="slow", messages=QUESTION)
        assert "did not answer in time" in model.asked[1]["messages"][-1]["content"]
        await client.chat.completions.create(model="listed", messages=QUESTION)
        assert model.asked[-1]["tools"] == [WEATHER]
        assert "tool.timeout" in served.running.journal.events()


async def test_a_request_that_breaks_off_or_is_too_long_is_none(tmp_path: Path) -> None:
    async with hall(tmp_path, ModelServer()) as served, bearing() as http:
        assert "408" in await first_line(served.running.url, "{", length=100)
        async with http.post(f"{served.running.url}/v1/chat/completions", data=BytesIO(bytes(9 << 20))) as answer:
            assert answer.status == 413


async def test_who_is_gone_is_no_fault_and_a_connection_is_its_own_again_after_a_stream(tmp_path: Path) -> None:
    async with hall(tmp_path, ModelServer()) as served, bearing() as http:
        body = json.dumps({"model": "proxy", "messages": QUESTION, "stream": True})
        assert "200 OK" in await first_line(served.running.url, body, length=len(body))
        for _ in range(2):
            async with http.post(f"{served.running.url}/v1/chat/completions", data=body) as answer:
                assert (await answer.read()).endswith(b"[DONE]\n\n")
        assert "request_failed" not in served.running.journal.events()


def bearing() -> ClientSession:
    return ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})


async def first_line(url: str, body: str, *, length: int) -> str:
    """Post a body that is said to be so long, and leave when the answer begins."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    writer.write(f"{head}Content-Length: {length}\r\n\r\n{body}".encode())
    line = await reader.readline()
    writer.close()
    return line.decode()


async def test_one_without_a_key_says_so_and_a_token_of_its_own_opens_nothing_else(tmp_path: Path) -> None:
    import openai

    own = {"form": "basic", "tokens": ["own-token"]}
    brains = {"mute": "groq/m", "spared": {"model": "groq/m", "fallback": "basic"}, "own": own}
    async with serving(tmp_path, {"brains": brains, "routes": [ROUTE | {"brain": "own"}]}) as running:
        served = Hall(running, ModelServer())
        local, its = served.client(token="none"), served.client(token="own-token")
        with pytest.raises(openai.APIStatusError, match="has no key for Groq"):
            await local.chat.completions.create(model="mute", messages=QUESTION)
        for client, model in ((local, "spared"), (local, "basic"), (its, "own"), (its, "sales")):
            answer = await client.chat.completions.create(model=model, messages=QUESTION)
            assert answer.choices[0].message.content.startswith("You said")
        for model in ("own", "sales"):
            with pytest.raises(openai.AuthenticationError):
                await local.chat.completions.create(model=model, messages=QUESTION)
        await asyncio.gather(local.close(), its.close())
