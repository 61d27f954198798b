"""The rehearsal model: a server of the OpenAI Realtime API (GA shape) that speaks from a script, without any AI."""

from sim.model.agenda import Close
from sim.model.script import Script, ScriptError, load
from sim.model.server import run_model, serve
from sim.model.session import RehearsalSession

__all__ = ["Close", "RehearsalSession", "Script", "ScriptError", "load", "run_model", "serve"]
