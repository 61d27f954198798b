"""What can go wrong with an answer, in words fit for whoever asked.

BrainError
├─ QuestionError    the question cannot be asked of anybody
├─ RefusedError     the model's server said no, or said so in mid-answer
├─ UnreachableError nobody was there, or nobody may be asked there
├─ KeyMissingError  there is no key with which to ask
├─ SilentError      it took too long
├─ BrokenError      what came is no answer, or only the beginning of one
└─ FunctionFailedError  what answers in place of a model raised
"""

from collections.abc import Mapping

from verbs.base import JsonObject

MAX_WORDS = 500
"Characters of what somebody else says of their fault."


class BrainError(Exception):
    """No answer, or not all of it.

    `status` is what an HTTP client is told; `code` names the fault in a word. `elsewhere`: another model may do better.
    """

    status = 502
    code = "model_failed"
    elsewhere = True


class QuestionError(BrainError):
    """The question cannot be asked; `param` names what of it is wrong."""

    status = 400
    code = "invalid_request"
    elsewhere = False

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class BodyTooLongError(QuestionError):
    status = 413
    code = "too_long"


class SlowBodyError(QuestionError):
    status = 408
    code = "slow_body"


class RefusedError(BrainError):
    """A refusal in the server's own words; `body` is its error object."""

    code = "model_refused"

    def __init__(self, status: int, body: JsonObject, *, headers: Mapping[str, str] | None = None) -> None:
        message = body.get("message")
        told = message if isinstance(message, str) and message else f"the model's server answered {status}"
        super().__init__(told[:MAX_WORDS])
        self.upstream_status = status
        self.body = body
        self.headers = dict(headers or {})
        # Its keys and its addresses are not the asker's business: a wrong key of ours is a fault of ours.
        self.status = status if status in ASKERS else 502
        self.elsewhere = status not in QUESTIONS


class UnreachableError(BrainError):
    code = "model_unreachable"


class KeyMissingError(BrainError):
    code = "key_missing"


class SilentError(BrainError):
    status = 504
    code = "model_silent"


class BrokenError(BrainError):
    code = "model_broken"


class FunctionFailedError(BrainError):
    """A function in place of a model raised; what it said is its cause's, and nobody else's."""

    code = "function_failed"


QUESTIONS = frozenset({400, 413, 422})
"What is wrong with the question is wrong with it everywhere."
ASKERS = QUESTIONS | {429, 503}
"What the asker can do something about, or wait for."
