"""The ways in which a conversation ends, in the platform's words and in ours.

`completion_reason` holds jambonz' own strings (feature-server lib/tasks/llm), so that applications written for
it keep working; `reason_code` says what really happened.
"""

from media.effects import End, Report

HUNG_UP = End("normal conversation end", "caller_hung_up", "caller")
TOO_LONG = End("normal conversation end", "max_duration", "server")
BUDGET_SPENT = End("normal conversation end", "budget_spent", "server")
PLATFORM_ENDED = End("normal conversation end", "platform_hung_up", "platform")
CALLER_SILENT = End("normal conversation end", "caller_silent", "server")
HANGUP = End("normal conversation end", "agent_hung_up", "agent")
HANDOFF = End("normal conversation end", "handoff", "agent")
OPERATOR_HUNG_UP = End("normal conversation end", "operator_hung_up", "operator")
REDIRECTED = End("normal conversation end", "redirected", "operator")
RESTART = End("connection failure", "server_restart", "server", {"message": "the server is restarting"})
NO_SHOW = End("connection failure", "media_no_show", "platform")
NO_SESSION = End("connection failure", "session_timeout", "model", {"message": "no session in time"})
TIMEOUT = Report("response.timeout", {"type": "response.timeout"})
"jambonz' name for the silence before that end, which the eventHook gets (schema: components/llm-base)."
SILENT = End("server failure", "response_timeout", "model", {"message": "the model fell silent"})
TOOL_LOOP = End("server failure", "tool_loop", "model", {"message": "the model calls tools and does not speak"})
NO_METADATA = End("connection failure", "media_lost", "platform", {"message": "no metadata in time"})

PLAYED_OUT = frozenset({"connection failure", "disconnect from remote end"})
"How a model that took part can be lost; of one that refused, or must fail, nothing more is worth hearing."

REFUSALS = frozenset({1008, 3000, 4000})
"Close codes that say that trying again is of no use (OpenAI: 3000 and 4000 carry invalid_request_error.*)."

FATAL = frozenset(
    {
        "account_deactivated",
        "beta_api_shape_disabled",
        "billing_hard_limit_reached",
        "insufficient_quota",
        "invalid_api_key",
        "model_not_found",
        "session_expired",
    }
)
"""Errors and failures after which a session cannot work, nor, unless it has expired, the next one; most leave it open.

OpenAI's realtime errors, and LiveKit's set (livekit/agents #6352 is what happens where they are tried again).
"""


def media_lost(why: str) -> End:
    """The caller's audio is gone, by a fault."""
    return End("connection failure", "media_lost", "platform", {"message": why})


def model_gone(code: int | None, reason: str) -> End:
    """Read a close of the model's socket. `code` is None where the connection broke without one."""
    error = {"message": reason[:200] or "the model closed the connection", "close_code": code}
    if code in REFUSALS:
        return End("server error", _code_in(reason), "model", error)
    expired = "maximum duration" in reason
    return End("disconnect from remote end", "session_expired" if expired else "model_disconnected", "model", error)


def _code_in(reason: str) -> str:
    """invalid_request_error.invalid_api_key → invalid_api_key."""
    word = reason.split(maxsplit=1)[0] if reason else ""
    return word.rpartition(".")[2] or "model_refused"
