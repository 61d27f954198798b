"""The application that fails: each of its ways, as a client meets them by turns."""

import asyncio

import aiohttp

from bench.bad_sink import BOMB, FAULTS, FLOOD_BYTES, bad_sink


async def said(client: aiohttp.ClientSession, url: str) -> str:
    try:
        async with asyncio.timeout(0.5), client.post(url, data=b"{}", allow_redirects=False) as answer:
            return f"{answer.status} {len(await answer.read())}"
    except TimeoutError:
        return "slow"
    except aiohttp.ClientError:
        return "reset"


async def test_every_second_hook_is_taken_and_the_others_fail_in_each_way() -> None:
    async with bad_sink() as port, aiohttp.ClientSession(auto_decompress=False) as client:
        told = [await said(client, f"http://127.0.0.1:{port}/event") for _ in range(2 * len(FAULTS))]
    assert told[::2] == ["204 0"] * len(FAULTS)
    assert told[1::2] == ["reset", "slow", "307 0", "slow", f"200 {len(BOMB)}", f"200 {FLOOD_BYTES}", "503 0"]
