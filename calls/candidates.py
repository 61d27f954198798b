"""The models with which a call's verb can be carried out, and where they are: as far away as their writer may lead."""

from collections.abc import Sequence
from dataclasses import replace

from calls import carrying, dialling
from calls.carrying import Candidate, candidate
from calls.live import LiveCall
from media.realtime.base import ModelError, Realtime
from media.realtime.dial import Dial
from media.realtime.updating import UpdateRefusedError
from verbs.base import JsonObject
from verbs.llm import Llm


def candidates(live: LiveCall, llm: Llm, besides: Sequence[JsonObject] = ()) -> list[Candidate]:
    """Give a verb's own model, then those of its route's `llm_fallback`; `besides`: what the route's agent may call.

    :raises ModelError: there is not even the first
    """
    found, told = [candidate(llm, live.route, live.settings, besides)], []
    for other, left_out in carrying.others(llm, live.route):
        try:
            found.append(candidate(other, live.route, live.settings, besides))
            told += left_out
        except ModelError as error:
            live.log.warning("fallback_not_configured", vendor=other.vendor, message=str(error))
    told += [warning for each in found for warning in each.model.warnings]
    for warning in dict.fromkeys(told):
        live.log.info("llm_options_translated", message=warning)
    return [each._replace(dial=as_far_as_may_be(live, each.dial)) for each in found]


def as_far_as_may_be(live: LiveCall, dial: Dial) -> Dial:
    """Let a dial lead as far as whoever has written where to may lead."""
    egress = live.dispatcher.egress
    return replace(dial, reach=egress.reach(dial.url, via=dial.proxy, besides=live.application.trusted))


def dial_of(live: LiveCall, found: Sequence[Candidate], model: Realtime, name: str) -> Dial:
    """Say where another model is, of the vendor of one that was found.

    :raises UpdateRefusedError: it cannot be reached
    """
    llm = next(each.llm for each in found if each.model is model)
    try:
        return as_far_as_may_be(live, dialling.dial_of(llm, name, live.settings))
    except ModelError as error:
        raise UpdateRefusedError(str(error)) from error
