"""What pipecat's OpenAI Realtime service is documented to do, line by line, and what of that we claim to do.

Read off its page (pipecat.services.openai.realtime.llm) and its source (src/pipecat/services/settings.py and
services/openai/realtime/llm.py, August 2026). Tests are marked with the ids (`@pytest.mark.claim("P4")`).
"""

from tests.claims import Claim

NO_PYTHON = "this is a server: what is a Python class there is a key of the YAML or a path of the API here"
NO_VIDEO = "phone calls have no video; pictures are items of the conversation (`POST /api/calls/{sid}/items`)"

PIPECAT = (
    Claim("P1", "a realtime model over a websocket, of any vendor"),
    Claim("P2", "how much of the agent's voice was heard, by the media's own clock, to 20 ms (`CurrentAudioResponse`)"),
    Claim("P3", "each item of a response is measured for itself"),
    Claim("P4", "`model`: fixed as long as a connection lasts; with `recycle` a new session, told what was said"),
    Claim("P5", "`extra`: what nobody knows is kept, merged and told of", "S"),
    Claim("P6", "`system_instruction`, or `instructions`"),
    Claim("P7", "`temperature`, `max_tokens`, `top_p` …: for models that have them; told of where they have not", "S"),
    Claim("P8", "`filter_incomplete_user_turns`: told, with what does it here (`semantic_vad`)", "C"),
    Claim("P9", "`session_properties`: the session of today, or in the beta's words; unknown names reach the model"),
    Claim("P10", "three states: absent stays, null clears, a value sets"),
    Claim("P11", "model and instructions are one truth in two views"),
    Claim("P12", "what was changed is told with old and new; where nothing is, nothing is sent"),
    Claim("P13", "`session_properties` take the place of those that were, or are merged (`?merge=deep`)"),
    Claim("P14", "what is given on top wins over `session_properties`, also where it says what is so already"),
    Claim("P15", "flat names go where they belong: on top, into the session, or to `extra`; the model never into it"),
    Claim("P16", "a constructor with keywords only", "C", lacking=NO_PYTHON),
    Claim("P17", "`api_key`, which nobody sees"),
    Claim("P18", "old words work, and are told of once, with the new ones", "S"),
    Claim("P19", "`base_url`: OpenAI's unless another is said; the web's scheme is put right, and told of"),
    Claim("P20", "`session_properties` as an argument of the constructor", "C", lacking=NO_PYTHON),
    Claim("P21", "the settings that can be changed are those of `Settings`, all of them"),
    Claim("P22", "`start_paused`: the caller is not heard until somebody says so"),
    Claim("P23", "`start_video_paused`", "C", lacking=NO_VIDEO),
    Claim("P24", "`video_frame_detail`", "C", lacking=NO_VIDEO),
    Claim(
        "P25",
        "what the caller says while the model is being reached, at first or again, is heard by it",
        "S",
        lacking="where the agent speaks first, what the caller says before is not heard by the model: it would cut the "
        "greeting short",
    ),
    Claim("P26", "class attributes `Settings` and `adapter_class`", "C", lacking=NO_PYTHON),
    Claim("P27", "flags that say what a vendor's models can do, and the tables above made of them", "S"),
    Claim(
        "P28",
        "the caller's audio is paused and resumed",
        lacking="no tool or verb of its own: a tool in Python says `call.agent.pause_input()`, an application by "
        "websocket `llm:input`",
    ),
    Claim("P29", "`set_video_input_paused`", "C", lacking=NO_VIDEO),
    Claim("P30", "`set_video_frame_detail`", "C", lacking=NO_VIDEO),
    Claim("P31", "an item of the conversation is retrieved", "S"),
    Claim("P32", "the model is being reached before the media socket is there", "S"),
    Claim("P33", "an end that lets the agent finish what it says"),
    Claim("P34", "an end at once where the caller hangs up, told once, with nothing left running"),
    Claim(
        "P35",
        "frames pushed through a pipeline, in two directions",
        "C",
        lacking="there is no pipeline: a conversation takes events in and gives effects out (docs/architecture.md)",
    ),
    Claim("P36", "what the model answers to a request with an error comes back to who made it"),
    Claim("P37", "words that are written down late stand where they were said"),
    Claim("P38", "the conversation is begun anew, from any task"),
    Claim(
        "P39",
        "of its source: session first, errors of no consequence, no more heard than was received, usage with what was "
        "cached, reasoning only for models that reason; not its giving up at a drop",
    ),
)
