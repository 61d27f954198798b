"""The door of webhooks: one signed POST, and what came back."""

import time
from collections.abc import Callable

import aiohttp

from sim.platform.bodies import wire
from sim.platform.effects import Note, Post
from sim.platform.replies import HttpReply, NoReply
from sim.platform.signature import signed

HOOK_TIMEOUT_S = 10.0
"JAMBONES_HTTP_TIMEOUT"


async def posted(
    session: aiohttp.ClientSession, post: Post, secret: str, note: Callable[[Note], None]
) -> HttpReply | NoReply:
    """Send it, signed with the account's secret, and tell of it."""
    body = wire(post.body)
    headers = {"Content-Type": "application/json"}
    headers["Jambonz-Signature"] = signed(body, secret, int(time.time()))
    headers |= {"Authorization": aiohttp.encode_basic_auth(*post.auth)} if post.auth else {}
    timeout = aiohttp.ClientTimeout(total=HOOK_TIMEOUT_S)
    began_s = time.monotonic()
    try:
        request = session.post(post.url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
        async with request as response:
            reply = HttpReply(response.status, response.headers.get("Content-Type", ""), await response.read())
    except TimeoutError:
        return _failed(post, "Headers Timeout Error", note)
    except aiohttp.ClientError as error:
        return _failed(post, f"{type(error).__name__}: {error}", note)
    took_ms = round((time.monotonic() - began_s) * 1000)
    fields = {"url": post.url, "kind": post.kind, "status": reply.status, "took_ms": took_ms, "body": post.body}
    told = f"{post.body['call_status']}: " if post.lane == "status" else ""
    name = "status" if post.lane == "status" else "webhook"
    note(Note(name, f"{told}POST {post.url} → {reply.status} in {took_ms} ms", fields))
    return reply


def _failed(post: Post, why: str, note: Callable[[Note], None]) -> NoReply:
    note(Note("hook_failed", f"POST {post.url}: {why}", {"url": post.url}))
    return NoReply(why)
