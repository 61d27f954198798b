"""The commands: serve, check, doctor, explain, outbox. Results on stdout, logs on stderr; exit codes 0, 1 and 2."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from calls import native_document
from calls.carrying import oddities
from calls.document import Place, Seat, extend, filled, new_call, route_verbs
from calls.extending import extensions
from calls.opening import opening
from calls.readers import READERS
from config import ConfigError, load
from config.report import check_lines, explain_lines
from config.settings import Route, Settings
from doctor import doctor_lines
from media.platforms import PLATFORMS
from store.errors import StoreError
from store.opening import Ledger, ledger
from verbs.base import JsonObject
from verbs.origin import from_origin

MAX_PORT = 65_535
EXAMPLES = """examples:
  python app.py serve --config config.yaml --port 0
  python app.py check
  python app.py doctor
  python app.py explain +15551230001 --from +15557654321
  python app.py outbox list
"""
OUTBOX = "What hooks could not be told, yet or for good. Works beside a running server."


class Serve(Protocol):
    def __call__(self, config: Path, *, host: str | None, port: int | None) -> int: ...


def main(arguments: Sequence[str], *, serve: Serve) -> int:
    """Run one command and return its exit code. argparse itself exits with 2 for wrong usage."""
    given = _parser().parse_args(arguments)
    found = extensions()
    if given.command == "serve":
        return serve(given.config, host=given.host, port=given.port)
    if given.command in {"explain", "outbox"}:
        print(*(f"warning: {one}\n" for one in found if one.fault), sep="", end="", file=sys.stderr)
    if given.command == "check":
        code, lines = check_lines(given.config, os.environ, read=READERS, oddities=oddities)
        lines += [f"{'warning: ' if one.fault else ''}{one}" for one in found if one.fault or not code]
    elif given.command == "doctor":
        code, lines = _doctor(given.config)
        lines[:0] = [f"{'warning' if one.fault else 'ok'}: {one}" for one in found]
    elif given.command == "outbox":
        code, lines = _outbox(given)
    else:
        code, lines = explain_lines(
            given.config,
            os.environ,
            number=given.number,
            caller=given.caller,
            document_for=document_for,
            read=READERS,
            oddities=oddities,
        )
    print(*lines, sep="\n", end="\n" if lines else "")
    return code


def _doctor(config: Path) -> tuple[int, list[str]]:
    try:
        settings = load(config, environ=os.environ, read=READERS)
    except ConfigError as error:
        return 2, [str(complaint) for complaint in error.complaints]
    return doctor_lines(config, settings)


def _outbox(given: argparse.Namespace) -> tuple[int, list[str]]:
    try:
        settings = load(given.config, environ=os.environ, read=READERS)
        with ledger(settings.store, given.config.parent) as rows:
            return _done(rows, given)
    except ConfigError as error:
        return 2, [str(complaint) for complaint in error.complaints]
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1, []


def _done(rows: Ledger, given: argparse.Namespace) -> tuple[int, list[str]]:
    match given.action:
        case "list":
            entries = list(rows.undelivered())
            return 0, [json.dumps(entries)] if given.json else [_entry(**entry) for entry in entries]
        case "replay":
            unknown = rows.replay(given.ids)
            for id_ in unknown:
                print(f"{id_}: neither dead nor pending", file=sys.stderr)
            count = len(given.ids) - len(unknown)
            return int(bool(unknown)), [f"{count} to be sent again: at once where a server runs, else when it starts"]
        case _:
            return 0, [f"{rows.purge()} dead deliveries forgotten"]


def _entry(*, last_error: str | None, **entry: Any) -> str:
    told = "{id}  {state}  {kind} {seq} of {call_sid}  {url}  attempts: {attempts}".format(**entry)
    return f"{told}  {last_error}" if last_error else told


def document_for(settings: Settings, route: Route, call: Mapping[str, Any]) -> list[JsonObject]:
    """Give the document that a call of this route would get, with tickets that open nothing."""
    server = settings.server
    place = Place(server.public_url or f"http://{server.host}:{server.port}", b"explained")
    explained = PLATFORMS[settings.platform.kind].call.parse(json.dumps(call).encode())
    row = new_call(explained, platform=settings.platform.kind, route=route.name, at_s=0.0)
    first = opening(route_verbs(route, call), route, settings, call)
    if first.problem:
        print("note: this is `fallback`:", *first.detail.values(), file=sys.stderr)
    if route.native:
        seat = Seat(place, authenticated=True)
        next_ = native_document.extend(row, first.verbs, route, settings, seat)
    else:
        next_ = extend(row, first.verbs, route, place, fallback=filled(route.fallback, call))
    return from_origin(next_.document, settings.hooks.base_url)


def port_number(text: str) -> int:
    """Read a port. ValueError: it is none."""
    port = int(text)
    if not 0 <= port <= MAX_PORT:
        raise ValueError(text)
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Hookswitch: call control for voice agents.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = _command(commands.add_parser, "serve", "serve calls until SIGTERM")
    serve.add_argument("--host", help="address to listen on (default: server.host)")
    serve.add_argument("--port", type=port_number, help="port to listen on; 0 picks a free one (default: server.port)")
    _command(commands.add_parser, "check", "validate the configuration without serving")
    _command(commands.add_parser, "doctor", "check, and try whether models and hooks can be reached")
    explain = _command(commands.add_parser, "explain", "show which route a call takes, and the document it gets")
    explain.add_argument("number", metavar="NUMBER", help="the number that is called")
    explain.add_argument("--from", dest="caller", default="", metavar="N", help="the caller's number")
    outbox = commands.add_parser("outbox", help="what hooks could not be told", description=OUTBOX)
    actions = outbox.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _command(actions.add_parser, "list", "list deliveries that are pending or dead")
    listing.add_argument("--json", action="store_true", help="one JSON array")
    replay = _command(actions.add_parser, "replay", "send dead deliveries again, each from the start of its schedule")
    replay.add_argument("ids", nargs="+", metavar="ID", help="as `outbox list` shows it")
    _command(actions.add_parser, "purge", "forget dead deliveries")
    return parser


def _command(add: Callable[..., argparse.ArgumentParser], name: str, summary: str) -> argparse.ArgumentParser:
    command = add(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.add_argument(
        "--config", type=Path, default=Path("config.yaml"), metavar="F", help="the configuration (default: config.yaml)"
    )
    return command
