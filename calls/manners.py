"""How the agent behaves, from the words of the configuration into those of the conversation. Pure."""

from config.budget import Budget
from config.manners import Conversation
from media.idle import Rung
from media.interruption import BargeIn
from media.keypad import Digits
from media.options import Manners


def manners(conversation: Conversation, budget: Budget) -> Manners:
    digits = conversation.digits
    return Manners(
        caller_speaks_first=conversation.first_speaker == "caller",
        protect_greeting=conversation.protect_greeting,
        barge_in=BargeIn(conversation.barge_in.min_speech_ms, conversation.barge_in.resume),
        digits=Digits(digits.finish, digits.pause_s, digits.max_digits, digits.sensitive) if digits.collect else None,
        idle=tuple(Rung(step.after_s, step.say or "", step.end) for step in conversation.idle),
        warn_before_s=conversation.warn_before_end_s,
        warning=conversation.warning,
        wind_down=budget.wind_down,
        goodbye=budget.goodbye,
        fillers_s=conversation.tool_fillers_s,
        filler=conversation.filler,
    )
