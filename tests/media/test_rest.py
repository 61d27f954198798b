"""The door to a platform's REST API, on loopback."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from media.remote import Access, RemoteRequest, RemoteUnreachable
from media.rest import MAX_REPLY_BYTES, RestClient

REQUEST = RemoteRequest("PUT", "/Accounts/a%2F1/Calls/c-1", {"call_status": "completed"})


class Api:
    """A REST server that answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, object]] = []
        self.encodings: list[str] = []
        self.answer: Callable[[], web.Response] = lambda: web.Response(status=202, text="Accepted")
        self.after_s = 0.0

    async def serve(self, request: web.Request) -> web.Response:
        self.encodings.append(request.headers["Accept-Encoding"])
        key = request.headers["Authorization"]
        self.asked.append((request.method, request.raw_path, key, await request.json()))
        await asyncio.sleep(self.after_s)
        return self.answer()


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def access(api: Api, aiohttp_client: AiohttpClient) -> Access:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.serve)
    client = await aiohttp_client(application)
    return Access(f"{str(client.make_url('')).rstrip('/')}/v1", "a/1", "key-1", timeout_s=5)


@pytest.fixture
async def rest() -> AsyncIterator[RestClient]:
    client = RestClient()
    yield client
    await client.close()


async def test_a_request_arrives_as_it_was_made_with_the_key(api: Api, access: Access, rest: RestClient) -> None:
    for _ in range(2):
        reply = await rest.ask(access, REQUEST)
        assert (reply.status, reply.body) == (202, b"Accepted")
    path = "/v1/Accounts/a%2F1/Calls/c-1"
    assert api.asked == [("PUT", path, "Bearer key-1", {"call_status": "completed"})] * 2


async def test_no_redirect_is_followed_and_no_long_answer_read(api: Api, access: Access, rest: RestClient) -> None:
    api.answer = lambda: web.Response(status=302, headers={"Location": "/elsewhere"})
    assert (await rest.ask(access, REQUEST)).status == 302
    api.answer = lambda: web.Response(body=b"x" * (3 * MAX_REPLY_BYTES))
    assert len((await rest.ask(access, REQUEST)).body) == MAX_REPLY_BYTES
    assert len(api.asked) == 2


async def test_nothing_compressed_is_asked_for_or_inflated(api: Api, access: Access, rest: RestClient) -> None:
    def bomb() -> web.Response:
        return web.Response(body=gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"})

    api.answer = bomb
    assert (await rest.ask(access, REQUEST)).body.startswith(b"\x1f\x8b")
    assert api.encodings == ["identity"]


async def test_where_clouds_hand_out_credentials_no_platform_is(rest: RestClient) -> None:
    with pytest.raises(RemoteUnreachable, match="cannot be reached"):
        await rest.ask(Access("http://169.254.169.254/v1", "a", "key-1", timeout_s=1), REQUEST)


async def test_no_answer_in_time_is_told_without_the_key(api: Api, access: Access, rest: RestClient) -> None:
    api.after_s = 5
    hasty = Access(access.base_url, access.account_sid, access.api_key, timeout_s=0.05)
    with pytest.raises(RemoteUnreachable, match=r"no answer within 0\.05 s"):
        await rest.ask(hasty, REQUEST)


@pytest.mark.parametrize(
    ("base_url", "key"), [("http://127.0.0.1:1", "key-1"), (None, "key\r\nX: 1"), ("nonsense", "key-1")]
)
async def test_an_api_that_cannot_be_reached_is_told_without_the_key(
    access: Access, rest: RestClient, base_url: str | None, key: str
) -> None:
    wrong = Access(base_url or access.base_url, access.account_sid, key)
    with pytest.raises(RemoteUnreachable) as caught:
        await rest.ask(wrong, REQUEST)
    assert key not in str(caught.value)


async def test_a_client_that_was_never_used_has_nothing_to_close() -> None:
    await RestClient().close()
