import pytest

from verbs.event_names import BETA_OF, GA_OF


@pytest.mark.claim("J11")
def test_seven_events_have_two_names_each() -> None:
    assert len(BETA_OF) == len(GA_OF) == 7
    assert all(GA_OF[beta] == today for today, beta in BETA_OF.items())
    assert not BETA_OF.keys() & GA_OF.keys()


@pytest.mark.claim("J11")
def test_names_of_today_are_those_of_openais_own_package() -> None:
    from typing import get_args

    from openai.types.realtime import RealtimeServerEvent

    types = {
        name
        for event in get_args(get_args(RealtimeServerEvent)[0])
        if "type" in event.model_fields
        for name in get_args(event.model_fields["type"].annotation)
    }
    assert BETA_OF.keys() <= types
    assert (GA_OF.keys() & types) <= {"conversation.item.created"}
