"""One scene from the first webhook to the verdict."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.agent_items import Account, accounts, hearing_fault, truncation_fault
from sim.caller import Story
from sim.director import Director, Verdict, following
from sim.happening import Happening
from sim.hooks import telling, undelivered
from sim.platform.bodies import identify
from sim.platform.client import LiveCall
from sim.platform.manner import Callee
from sim.platform.recording import RECORDED_HZ, channels
from sim.platform.sound import write_stereo
from sim.platform.stream import MediaStream
from sim.report import report
from sim.scene import Scene
from sim.stage import Stage

JsonObject = dict[str, Any]
LAST_HOOKS_S = 10.0
"How long after the call the last hooks may take."
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Played:
    """A scene that was played: its report, and the media sockets there were."""

    report: JsonObject
    streams: list[MediaStream]

    @property
    def passed(self) -> bool:
        return bool(self.report["passed"])

    def keep(self, folder: Path) -> None:
        """Write the recording and the report."""
        write_stereo(folder / "call.wav", *channels(self.streams), RECORDED_HZ)
        (folder / "report.json").write_text(json.dumps(self.report, indent=2) + "\n", encoding="utf-8")


async def play(scene: Scene, stage: Stage, story: Story) -> Played:
    """Place the scene's call on a stage, see it through, and judge it."""
    identity = identify(scene.call.from_, scene.call.to, lambda: str(uuid.uuid4()))
    call = scene.call
    callee = Callee() if call.answer_dials else None
    rooms = stage.rest.account.application.manner.rooms if stage.rest else None
    dial = stage.portal.dial(
        identity, drops_s=call.drop_control_s, reconnects=call.reconnect, callee=callee, rooms=rooms
    )
    live = LiveCall(dial, story.add)
    if stage.rest:
        stage.rest.calls[identity.call_sid] = live
    director = Director(scene, live, story)
    async with following([one for one in (stage.diary, stage.server_log) if one], story):
        running = asyncio.create_task(live.run())
        await director.play()
        await running
        await director.judge_all()
        missing = await _missing_hooks(scene, stage, story)
        # One more look: the last lines of the diary.
        await asyncio.sleep(POLL_S)
    items = list(stage.diary.items.values()) if stage.diary else []
    streams = [socket.stream for socket in live.media if socket.stream]
    told = accounts(items, streams[0] if streams else None)
    verdicts = [*director.verdicts, *_truncations(scene, story, told), *_hearings(scene, told), *missing]
    verdicts += _leaks(scene, stage, story)
    hooks = stage.receiver.received if stage.receiver else []
    return Played(report(scene.name, story.happenings, told, hooks, verdicts), streams)


async def _missing_hooks(scene: Scene, stage: Stage, story: Story) -> list[Verdict]:
    if not scene.delivered or stage.receiver is None:
        return []
    until_s = time.monotonic() + LAST_HOOKS_S
    while (missing := undelivered(stage.receiver.received, scene.delivered)) and time.monotonic() < until_s:
        await story.more(until_s)
    return [Verdict("delivered", ", ".join(scene.delivered), not missing, missing or "")]


def _leaks(scene: Scene, stage: Stage, story: Story) -> list[Verdict]:
    """Judge whether what is to stand nowhere stands in a hook or in the log."""
    hooks = stage.receiver.received if stage.receiver else []
    lines = [one for one in story.happenings if one.name.startswith("log:")]
    found = [(text, telling(hooks, lines, text)) for text in scene.nowhere]
    return [Verdict("nowhere", text, not where, where and f"it stands in {where}") for text, where in found]


def _truncations(scene: Scene, story: Story, told: list[Account]) -> list[Verdict]:
    """Judge every interruption by the scene's strictest wish; the n-th wish is for the n-th interruption."""
    wishes = [
        (f"turns[{place}]", expected.truncated_within_ms)
        for place, turn in enumerate(scene.turns)
        for expected in turn.expect
        if expected.truncated_within_ms is not None
    ]
    came = [one for one in story.happenings if one.name == "interrupted"]
    return [
        _truncation(where, within_ms, came[n] if n < len(came) else None, told)
        for n, (where, within_ms) in enumerate(wishes)
    ]


def _truncation(where: str, within_ms: int, interrupted: Happening | None, told: list[Account]) -> Verdict:
    fault = truncation_fault(interrupted, told, within_ms) if interrupted else "the agent was not interrupted"
    return Verdict(where, f"truncated_within_ms={within_ms}", not fault, fault)


def _hearings(scene: Scene, told: list[Account]) -> list[Verdict]:
    faults = [(str(wanted), hearing_fault(wanted, told)) for wanted in scene.heard]
    return [Verdict("heard", what, not fault, fault) for what, fault in faults]
