"""The verbs that this platform carries out, one file each; the others take their modelled time (timed.py)."""

from sim.platform.bodies import JsonObject
from sim.platform.manner import Manner
from sim.platform.tasks.base import Leg, Task
from sim.platform.tasks.conference import Conference
from sim.platform.tasks.dial import Dial
from sim.platform.tasks.gather import Gather
from sim.platform.tasks.listen import Listen
from sim.platform.tasks.llm import Llm
from sim.platform.tasks.timed import Timed

TASKS: dict[str, type[Task]] = {"listen": Listen, "gather": Gather, "llm": Llm}


def task_of(verb: JsonObject, leg: Leg, manner: Manner) -> Task:
    """Make what carries out a verb."""
    if verb["verb"] == "dial":
        return Dial(verb, leg, manner.callee)
    if verb["verb"] == "conference" and manner.rooms:
        return Conference(verb, leg, manner.rooms)
    return TASKS.get(verb["verb"], Timed)(verb, leg)
