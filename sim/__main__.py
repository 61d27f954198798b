"""`python -m sim`: a telephony platform, a realtime model and their rehearsals, on this machine."""

import argparse
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from sim import demo, placing, run, scene_runner, serving_platform
from sim.model import ScriptError, run_model
from sim.model_log import keeping_diary

EPILOG = {
    "call": "Exit 0: the call was answered and ended normally. Example: "
    'python -m sim call --url http://127.0.0.1:3000 --say "Hello, who are you?" --record call.wav. As a platform '
    "with a websocket application: --transport ws; --drop-control 10 breaks its socket at second 10.",
    "platform": "Prints where it listens (.../v1) and its two sids; the calls go to stderr. As platform.api of "
    "config.yaml: base_url, account_sid and api_key (--api-key).",
    "model": "A server of the OpenAI Realtime API (GA shape) at /v1/realtime. It is not an AI; it understands no "
    "speech and follows a script. Any key will do.",
    "scene": "Events that a scene can name: agent_started_speaking, agent_stopped_speaking, user_started_speaking, "
    "user_stopped_speaking, interrupted, dtmf, user_transcription, response, function_call, action_hook, answered, "
    "media_open, media_closed, media_refused, call_ended, hook_failed, rejected, control_open, control_closed, "
    "control_refused, to_app:<type> for what went over the control socket and command for what came, any event type "
    "that the eventHook got, to_model:<type> for what the model was sent, and log:<event> for what the server logged. "
    "Keys: sim/scene.py.",
    "demo": "Exit 0: every expectation of the scene held.",
    "run": "With no OPENAI_API_KEY the rehearsal model answers. Exit code: the server's.",
}


def parser() -> ArgumentParser:
    whole = ArgumentParser(prog="python -m sim", description="Both ends of a phone call, on this machine.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, says, add_arguments, main in (
        ("call", "place one call, in real time, to any running server", placing.add_arguments, placing.main),
        ("platform", "serve a fake REST API that places calls", serving_platform.add_arguments, serving_platform.main),
        ("model", "serve the rehearsal model", _model_arguments, _model),
        ("scene", "play scene files and judge them", scene_runner.add_arguments, scene_runner.main),
        ("demo", "one whole spoken call: no key, no phone, no network", demo.add_arguments, demo.main),
        ("run", "serve config.yaml, with a rehearsal model if there is no key", run.add_arguments, run.main),
    ):
        one = commands.add_parser(name, help=says, description=f"{says.capitalize()}.", epilog=EPILOG[name])
        add_arguments(one)
        one.set_defaults(main=main)
    return whole


def _model_arguments(one: argparse.ArgumentParser) -> None:
    one.add_argument("--port", type=int, default=0, metavar="P", help="0, the default, takes a free one")
    one.add_argument("--scene", type=Path, metavar="F", help="a script, or a scene with one under `model`")
    says = "ga, or the beta's, which OpenAI has switched off and jambonz 0.9 speaks by itself (default: %(default)s)"
    one.add_argument("--wire", choices=["ga", "beta"], default="ga", help=says)
    one.add_argument("--log", type=Path, metavar="F", help="write what passes as JSON lines")


def _model(options: Namespace) -> int:
    try:
        if options.log is None:
            return run_model(options.port, options.scene, beta=options.wire == "beta")
        with keeping_diary(options.log) as opens:
            return run_model(options.port, options.scene, opens=opens, beta=options.wire == "beta")
    except (ScriptError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        code: int = options.main(options)
    except KeyboardInterrupt:
        return 130  # as a shell says it
    except OSError as error:  # a file that is not there, a port that is taken
        print(f"error: {error}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main())
