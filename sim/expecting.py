"""Whether what happened is what a scene expects. Pure."""

from collections.abc import Iterable, Sequence

from sim.happening import Happening, JsonObject
from sim.scene import Expectation, WantedCall

_NOWHERE = object()


def fits(expected: Expectation, happened: Happening) -> bool:
    """Tell whether one happening is of the kind that is expected; `calls` are another question."""
    if expected.event not in {happened.name, happened.fields.get("type")}:
        return False
    if any(happened.fields.get(name, _NOWHERE) != value for name, value in expected.fields.items()):
        return False
    return (expected.text_contains or "").casefold() in happened.text.casefold()


def met(expected: Expectation, happenings: Iterable[Happening]) -> list[Happening] | None:
    """Return the happenings that meet an expectation together; None as long as some are missing."""
    fitting = [happened for happened in happenings if fits(expected, happened)]
    if not expected.calls:
        return fitting[:1] or None
    taken: list[Happening] = []
    for call in expected.calls:
        found = next((one for one in fitting if one not in taken and _is_call(call, one)), None)
        if found is None:
            return None
        taken.append(found)
    return taken


def _is_call(wanted: WantedCall, happened: Happening) -> bool:
    args = happened.fields.get("args")
    given = args if isinstance(args, dict) else {}
    return happened.fields.get("name") == wanted.name and wanted.args.items() <= given.items()


def nearest(expected: Expectation, happenings: Sequence[Happening]) -> str:
    """Say what came instead, for the report."""
    alike = [one for one in happenings if expected.event in {one.name, one.fields.get("type")}]
    if not alike:
        return f"no {expected.event} came"
    wanted = ("name", "args", *expected.fields)
    shown = [f"{one.text} {_some(one, expected.fields) or ''}".strip() or str(_some(one, wanted)) for one in alike[-3:]]
    return f"{len(alike)} of {expected.event} came, but: " + "; ".join(shown)


def _some(happened: Happening, names: Iterable[str]) -> JsonObject:
    return {name: happened.fields.get(name) for name in names}
