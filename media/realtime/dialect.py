"""What a vendor says otherwise than OpenAI, as data: where a setting stands, what it is called, what is unknown.

Verbs are first translated into the words of OpenAI's API of today (`legacy.py`), whatever the vendor; then each
setting is put where the vendor has it. So a vendor's file lists differences, and nothing else.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from media.realtime import models
from verbs.base import copied

JsonObject = dict[str, Any]
Path = tuple[str, ...]

TURN_DETECTION: Final[Path] = ("audio", "input", "turn_detection")
TRANSCRIPTION: Final[Path] = ("audio", "input", "transcription")

SESSION_PATHS: Final[dict[str, Path]] = {
    "modalities": ("output_modalities",),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "input_audio_transcription": TRANSCRIPTION,
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": TURN_DETECTION,
    "max_response_output_tokens": ("max_output_tokens",),
}
"The beta's name of each setting of a session that stands elsewhere today."
RESPONSE_PATHS: Final[dict[str, Path]] = {
    name: SESSION_PATHS[name] for name in ("modalities", "voice", "max_response_output_tokens")
}
FLAT: Final[Mapping[Path, Path]] = {path: (name,) for name, path in SESSION_PATHS.items()}
"For a vendor that still speaks as the beta did."
FORMATS: Final = ("audio.input.format", "audio.output.format")
OURS: Final = frozenset({"type", *FORMATS})
"Settings that are made here: nobody who wrote a verb misses them."
EITHER_VAD: Final = ("create_response", "interrupt_response")
"What turn detection knows of whatever type it is."
NO_SEMANTIC_VAD: Final = (
    "session_update.turn_detection: semantic_vad is not known to this vendor; server_vad is used in its place"
)
REASONING: Final = ("reasoning", "parallel_tool_calls")
SAMPLING: Final = frozenset(
    {"temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed"}
)
"Settings that chat models have; of realtime models those that say so."
OF_OPENAI: Final = frozenset({"include", "prompt", "tracing", "truncation"})
"Settings of services around OpenAI's models, which nobody else has."


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where nothing is declared, all is said as OpenAI says it."""

    moved: Mapping[Path, Path] = field(default_factory=dict)
    "Settings of a session that stand elsewhere."
    unknown: frozenset[str] = frozenset()
    "Settings that it does not know, by their dotted names: left out."
    keeps: frozenset[str] = frozenset()
    "Words of the beta that OpenAI has dropped and this vendor has not."
    response: Mapping[str, str] | None = None
    "The settings of a response that it knows, and its own names for them; None: all of OpenAI's."
    turns: JsonObject | None = None
    "The turn detection of a verb that says nothing of it; None: the vendor's own default."
    server_vad: JsonObject | None = None
    "What must be said with every `server_vad`: an absent field would not be its default."
    semantic_vad: bool = True
    "Whether it can tell by the words that a turn has ended."
    tool: Callable[[JsonObject], JsonObject] | None = None
    "How a function is declared."
    of_openai: bool = False
    "Whether its models are OpenAI's, whose names come and go."
    reasons: Callable[[str], bool] | None = None
    "Whether a model takes `reasoning` and `parallel_tool_calls`; None: all do, or the vendor does not mind."
    text_part: str = "output_text"
    "The type of an assistant's text."
    cancels_by_name: bool = True
    "Whether a cancel names its response."
    pause_ms: float = 500.0
    "The silence that ends a turn, where a session says nothing of it: OpenAI's documented silence_duration_ms."
    benign: tuple[str, ...] = ()
    "Texts by which an error of no consequence is known."

    def at(self, path: Path) -> Path:
        """Say where a setting of OpenAI's stands."""
        return self.moved.get(path, path)

    def lacks(self, path: Path, *, model: str, known: AbstractSet[str] = frozenset()) -> bool:
        """Tell whether `model` has no such setting; `known` are those of this vendor's sessions beyond OpenAI's."""
        if path[0] in SAMPLING:
            return path[0] not in self.keeps | known
        too_old = path[0] in REASONING and self.reasons is not None and not self.reasons(model)
        return too_old or ".".join(path) in self.unknown

    def place(self, session: JsonObject) -> JsonObject:
        """Put a session into the vendor's words."""
        placed: JsonObject = copied(session)
        self._complete_turns(placed)
        for name in self.unknown:
            take(placed, tuple(name.split(".")))
        for path, target in self.moved.items():
            if (value := take(placed, path)) is not MISSING:
                place_of(placed, target[:-1])[target[-1]] = both(value) if target[-1] == "modalities" else value
        if self.tool and isinstance(placed.get("tools"), list):
            placed["tools"] = [self.tool(tool) if isinstance(tool, dict) else tool for tool in placed["tools"]]
        return placed

    def missed(self, session: JsonObject, response: JsonObject) -> list[str]:
        """Say what is asked for and not known to this vendor."""
        asked = {name: find(session, tuple(name.split("."))) for name in self.unknown - OURS}
        lost = [f"session_update.{name}" for name, value in asked.items() if value not in (MISSING, ["audio"])]
        if self.response is not None:
            lost += [f"response_create.{name}" for name in response.keys() - self.response.keys()]
        told = [f"{name} is not known to this vendor; it was left out" for name in sorted(lost)]
        return [*told, *([NO_SEMANTIC_VAD] if self._lacks(find(session, TURN_DETECTION)) else [])]

    def word(self, response: JsonObject, as_it_is: frozenset[str] = frozenset()) -> JsonObject:
        """Put a request for a response into the vendor's words; what stands in `as_it_is` needs none."""
        if self.response is None:
            return response
        known = {**self.response, **{name: name for name in as_it_is}}
        named = {known[name]: value for name, value in response.items() if name in known}
        if "modalities" in named:
            named["modalities"] = both(named["modalities"])
        return named

    def _complete_turns(self, session: JsonObject) -> None:
        *parents, leaf = TURN_DETECTION
        listening = place_of(session, tuple(parents))
        if self.turns:
            listening.setdefault(leaf, dict(self.turns))
        if isinstance(asked := listening.get(leaf), dict):
            listening[leaf] = self._turns(asked)

    def _turns(self, asked: JsonObject) -> JsonObject:
        """Give the nearest turn detection that it takes."""
        if self._lacks(asked):
            asked = {"type": "server_vad", **{name: asked[name] for name in EITHER_VAD if name in asked}}
        return {**(self.server_vad or {}), **asked} if asked.get("type", "server_vad") == "server_vad" else asked

    def _lacks(self, turns: Any) -> bool:
        """Tell whether this turn detection is of a type that it does not know."""
        return not self.semantic_vad and isinstance(turns, dict) and turns.get("type") == "semantic_vad"


OPENAI: Final = Dialect(of_openai=True, reasons=models.reasons)

MISSING: Any = object()


def find(tree: Any, path: Path) -> Any:
    """Return what stands at a place, MISSING where nothing does."""
    for name in path:
        tree = tree.get(name, MISSING) if isinstance(tree, dict) else MISSING
    return tree


def take(tree: JsonObject, path: Path) -> Any:
    """Return what stands at a place, and leave neither it nor an object that held nothing else."""
    name, *rest = path
    if not rest:
        return tree.pop(name, MISSING)
    inner = tree.get(name)
    if not isinstance(inner, dict):
        return MISSING
    taken = take(inner, tuple(rest))
    if not inner:
        del tree[name]
    return taken


def objects_copied(tree: Any) -> Any:
    """Copy an object and those in it, but share the lists: of many tools, say, which nobody changes in place."""
    return {name: objects_copied(value) for name, value in tree.items()} if isinstance(tree, dict) else tree


def place_of(tree: JsonObject, path: Path) -> JsonObject:
    """Return the object at this place, made where there is none."""
    for name in path:
        tree[name] = tree[name] if isinstance(tree.get(name), dict) else {}
        tree = tree[name]
    return tree


def both(modalities: Any) -> Any:
    """Speech is named together with its text where the beta's words are spoken."""
    return ["text", "audio"] if modalities == ["audio"] else modalities
