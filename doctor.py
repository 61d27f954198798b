"""`doctor`: tries what calls will need. It connects, and says nothing to anybody."""

import asyncio
import os
import socket
import ssl
from pathlib import Path

from calls.diagnosis import (
    Line,
    Place,
    Trial,
    application_places,
    application_sockets,
    application_told,
    brain_places,
    brain_told,
    hook_places,
    hooks_told,
    model_told,
    place_of,
    public_told,
    settled,
    trials,
)
from config.secrets import hidden, secret_values
from config.settings import Settings
from egress.door import connected as plugged
from egress.guard import TRUSTED, BlockedError
from hooks.applications.line import connected
from hooks.transports.base import HookFailure
from hooks.transports.http import client_session
from media.sockets.reach import tried

TRY_S = 5.0


def doctor_lines(config: Path, settings: Settings) -> tuple[int, list[str]]:
    """Say how it is with everything, a line each. Exit code 0, or 1 where something fails."""
    found = asyncio.run(examined(settings))
    failures = sum(line.grade == "failure" for line in found)
    told = hidden("\n".join(f"{line.grade}: {line.text}" for line in found), secret_values(settings)).splitlines()
    return (1 if failures else 0), [*told, f"{config}: {failures or 'no'} failure{'' if failures == 1 else 's'}"]


async def examined(settings: Settings) -> list[Line]:
    """Try everything at once."""
    tls = ssl.create_default_context()
    public = place_of(settings.server.public_url) if settings.server.public_url else None
    tries = [
        *(_model(trial, tls) for trial in trials(settings)),
        *(_hooks(place, routes, tls) for place, routes in hook_places(settings).items()),
        *(_application(place, routes, tls) for place, routes in application_places(settings).items()),
        *(_brain(place, names, tls) for place, names in brain_places(settings).items()),
        *(_socket(url, routes, tls) for url, routes in application_sockets(settings).items()),
        *([_public(public, tls)] if public else []),
    ]
    return [*settled(settings), *await asyncio.gather(*tries)]


async def _model(trial: Trial, tls: ssl.SSLContext) -> Line:
    failure = await tried(trial.dial, trial.model, tls=tls, timeout_s=TRY_S, session_timeout_s=trial.timeout_s)
    return model_told(trial, failure.blocked or failure.message if failure else "")


async def _hooks(place: Place, routes: list[str], tls: ssl.SSLContext) -> Line:
    return hooks_told(place, routes, await _why_not(place, tls))


async def _application(place: Place, routes: list[str], tls: ssl.SSLContext) -> Line:
    return application_told(place, routes, await _why_not(place, tls))


async def _brain(place: Place, names: list[str], tls: ssl.SSLContext) -> Line:
    return brain_told(place, names, await _why_not(place, tls))


async def _socket(url: str, routes: list[str], tls: ssl.SSLContext) -> Line:
    place = place_of(url)
    assert place  # noqa: S101  # those without one are not among them
    return application_told(place, routes, await _why_not(place, tls) or await _why_not_taken(url))


async def _why_not_taken(url: str) -> str:
    """Say why an application does not take our socket; nothing where it does. It hears of no call."""
    try:
        async with asyncio.timeout(TRY_S), client_session(TRUSTED) as http:
            socket = await connected(http, url, heartbeat_s=TRY_S)
            await socket.close()
    except TimeoutError:
        return f"no answer within {TRY_S:g} s"
    except HookFailure as failure:
        return str(failure)
    return ""


async def _public(place: Place, tls: ssl.SSLContext) -> Line:
    return public_told(place, await _why_not(place, tls))


async def _why_not(place: Place, tls: ssl.SSLContext) -> str:
    """Say why no connection can be made; nothing where one can."""
    try:
        async with asyncio.timeout(TRY_S):
            secured = tls if place.scheme in {"https", "wss"} else None
            plug = await plugged(place.host, place.port, TRUSTED)
            name = place.host if secured else None
            _, writer = await asyncio.open_connection(sock=plug, ssl=secured, server_hostname=name)
    except socket.gaierror:
        return "the name does not resolve"
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted: {error.verify_message}"
    except ssl.SSLError:
        return "it does not speak TLS"
    except TimeoutError:
        return f"no answer within {TRY_S:g} s"
    except OSError as error:
        return _no_connection(error)
    writer.transport.abort()
    return ""


def _no_connection(error: OSError) -> str:
    if isinstance(error, BlockedError):
        return f"{error.address} {error.why}"
    return f"no connection ({os.strerror(error.errno) if error.errno else type(error).__name__})"
