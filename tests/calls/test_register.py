"""Which calls are at hand."""

from calls.applications import call_of
from calls.document import Seat, new_call
from calls.live import LiveCall
from calls.register import Register
from hooks.applications.document import Document
from tests.calls.exchange import PLACE, SAY, Exchange, a_call, in_virtual_time, settings_of


@in_virtual_time
async def test_a_call_is_forgotten_but_not_another_one_under_its_old_sid() -> None:
    settings = settings_of({"verbs": [SAY]})
    dispatcher = Exchange(settings).dispatcher

    def live() -> LiveCall:
        row = new_call(a_call(), platform="jambonz", route="r", at_s=0.0)
        return LiveCall(
            row,
            call_of(a_call(), settings.routes[0]),
            settings.routes[0],
            settings,
            application=Document([], base_url=None),
            seat=Seat(PLACE),
            dispatcher=dispatcher,
            now=0.0,
        )

    register = Register(lambda seconds, forget, call: forget(call))
    first, second = live(), live()
    register.add(first)
    register.add(second)
    assert (register.active, register.by_sid("c-1"), register.by_sid(None)) == (2, second, None)
    woken = live()
    woken.row_id = first.row_id
    register.replace(first, woken)
    assert (register.by_row(first.row_id), register.by_sid("c-1")) == (woken, second)
    register.forget_after(600, woken)
    assert (register.by_row(first.row_id), register.by_sid("c-1")) == (None, second)
    register.forget_after(600, second)
    assert (register.by_row(second.row_id), register.by_sid("c-1"), register.legs()) == (None, None, [])
