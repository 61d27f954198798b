"""What an operator changes of the conversation that goes on in a call, and what is told of it."""

from typing import Final

from calls.bounds import look_at
from calls.control import (
    ModelBusyError,
    ModelDeclinedError,
    ModelSilentError,
    SessionAwayError,
    SettingError,
    SettingFixedError,
)
from calls.masking import masked_settings
from calls.register import Register
from media import settings
from media.realtime.updating import AwayError, BusyError, FixedError, UpdateRefusedError
from media.sockets.ports import Patience
from verbs.base import JsonObject

DIAL_S: Final = Patience().dial_s


class Changing:
    """Finds the conversation. A key that somebody gives, or that the verb has brought, is not told again."""

    def __init__(self, calls: Register) -> None:
        self._calls = calls

    async def settings(self, call_sid: str, wanted: JsonObject, *, deep: bool, recycle: bool) -> JsonObject:
        """Change settings: what is absent stays, null clears. `deep`: objects are merged into what is so.

        `recycle`: a new session may begin for what a session cannot change.

        :raises ControlError: that cannot be
        """
        live, nth = self._calls.conversation(call_sid)
        delta, verb = settings.read(wanted), live.llms[nth]
        session_s = live.settings.vendors[verb.vendor].session_timeout_s
        patience_s = DIAL_S + 2 * session_s if recycle else session_s
        await look_at({**wanted, **settings.properties_in(delta)})
        live.keys.learn(wanted)
        try:
            outcome = await live.legs[nth].change(delta, deep=deep, recycle=recycle, patience_s=patience_s)
        except AwayError as error:
            raise SessionAwayError(str(error)) from error
        except BusyError as error:
            raise ModelBusyError(str(error)) from error
        except FixedError as error:
            raise SettingFixedError(str(error)) from error
        except UpdateRefusedError as error:
            raise SettingError(live.keys.shown(str(error))) from error
        except TimeoutError as error:
            raise ModelSilentError from error
        if outcome.how != "done":
            live.log.warning("settings_refused", code=outcome.told["code"])
            raise ModelDeclinedError(live.keys.shown(outcome.told))
        changed = {name: _masked(name, pair) for name, pair in outcome.told["changed"].items()}
        live.log.info("settings_changed", settings=sorted(changed), recycled="recycled" in outcome.told)
        shown: JsonObject = live.keys.shown(live.confidential.shown(outcome.told | {"changed": changed}))
        return shown


def _masked(name: str, pair: JsonObject) -> JsonObject:
    """Give what a setting was and is, with no key in it; under a name that names one both are hidden."""
    return {when: masked_settings({name: value})[name] for when, value in pair.items()}
