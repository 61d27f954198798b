"""The generator and the minimal bridge, once, for a second: no figure is judged, only that all of it works."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from bench import report
from bench.events import Response, created, updated
from bench.plan import MINIMAL, OURS, WHOLE, Capacity, Outcome
from bench.python_load import PythonLoad
from bench.servers import Doors, ServerError, command, running
from bench.variant import Variant

PLAIN = Variant()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_the_minimal_bridge_loses_nothing_of_two_calls(tmp_path: Path) -> None:
    load = PythonLoad(PLAIN)
    async with load.open():
        doors = Doors(PLAIN, load.model_port, load.sink_port)
        async with running(MINIMAL, tmp_path, doors, []) as server:
            await load.hold(server, 2)
            window = await load.measure(server, 1.0)
            await load.hold(server, 0)
    assert (window.calls, window.lost, window.dropped_calls) == (2, 0, 0)
    assert window.frames >= 2 * 2 * 40
    assert 0 < window.to_caller.p50 <= window.to_caller_whole.p99
    assert window.cpu_ms_per_call_s > 0
    assert window.configured.p50 > 0

    outcome = Outcome(steady=[window], capacity=[Capacity(2, None, 0.9)], memory_kb=[50.0])
    found = report.results({MINIMAL: outcome}, WHOLE, PLAIN, {"cpu": "x", "cores": 1, "python": "3"})
    assert found["cpu_vs_minimal"] is None
    assert found["servers"][MINIMAL]["lost"] == 0
    assert "lower bound" in report.table(found)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pins processes")
async def test_a_server_that_does_not_start_is_reported_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "not a port")
    with pytest.raises(ServerError, match="invalid literal for int"):
        async with running(MINIMAL, tmp_path, Doors(PLAIN, 1, 1), []):
            pass


def test_the_configuration_names_the_loads_own_doors(tmp_path: Path) -> None:
    arguments = command(OURS, tmp_path, Doors(Variant(rate_hz=8000, tls=True), 11, 22))
    text = (tmp_path / "bench.yaml").read_text()
    assert "wss://127.0.0.1:11/v1/realtime" in text
    assert "http://127.0.0.1:22" in text
    assert "sample_rate_hz: 8000" in text
    assert arguments[2:] == ["serve", "--config", str(tmp_path / "bench.yaml"), "--port", "0"]


def test_the_model_says_only_what_the_published_types_know() -> None:
    from openai.types.realtime import RealtimeServerEvent

    known: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    answer = Response(1, 1, None)
    spoken = [*answer.before(), answer.transcript(), answer.other_item(), answer.delta("AAAA"), *answer.after()]
    for event in [created(1), updated(1, {}), *spoken, *answer.interrupted(), answer.truncated()]:
        assert known.validate_python({"event_id": "event_1", **event}).type == event["type"]
