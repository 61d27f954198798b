"""What a call does after the agent, by how the agent's session ended: one actionHook."""

import logging
import re
from typing import Any

from aiohttp import web

PEOPLE = {"type": "phone", "number": "+15551230099"}
HANGUP = {"verb": "hangup"}

log = logging.getLogger("reasons")


def next_verbs(end: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer with what the call does next; nothing: the rest of the document, or the route's fallback after a fault."""
    match end["completion_reason"], end["reason_code"]:
        case (("server failure" | "server error"), "rate_limit_exceeded"):
            return [say(f"Sorry, we are very busy. Please try again{_in(end['error'])}."), HANGUP]
        case (("server failure" | "server error"), _):
            return [say("Sorry, there was an error processing your request."), HANGUP]
        case (("connection failure" | "disconnect from remote end"), _):
            return [
                say("One moment, I will put you through to a person."),
                {"verb": "dial", "target": [PEOPLE]},
                HANGUP,
            ]
        case "normal conversation end", "caller_silent":
            return [say("Nobody seems to be there. Goodbye."), HANGUP]
        case _:
            return []


def say(text: str) -> dict[str, Any]:
    return {"verb": "say", "text": text}


def _in(error: dict[str, Any] | None) -> str:
    """Say what the model said about when to come back: "Please try again in 1.5s"."""
    told = re.search(r"try again in ([0-9.]+) ?s", (error or {}).get("message", ""))
    return f" in {round(float(told[1]) + 0.5)} seconds" if told else " later"


async def final(request: web.Request) -> web.Response:
    end = await request.json()
    log.info("end %s (%s), by %s", end["completion_reason"], end["reason_code"], end["ended_by"])
    return web.json_response(next_verbs(end))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    application = web.Application()
    application.add_routes([web.post("/final", final)])
    web.run_app(application, host="127.0.0.1", port=8080, access_log=None)
