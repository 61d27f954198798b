from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from config import Route, Settings
from config.report import check_lines, explain_lines
from config.tools import UNREAD

TEXT = """
store: memory://
server: {admin_token: 'a"token'}
routes:
  - {name: support, numbers: ["+1555*"], verbs: [{verb: answer}, {verb: hangup}]}
  - {name: sales, numbers: ["+1555*", "2"], verbs: [{verb: hangup}]}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(TEXT)
    return path


def document_for(settings: Settings, route: Route, call: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    token = settings.server.admin_token.get_secret_value()
    return [*route.verbs, {"verb": "say", "text": f"{call['from']} - {token}"}]


def test_a_good_configuration_passes_with_its_warnings(path: Path) -> None:
    assert check_lines(path, {}) == (0, [f"{path}: no complaints; routes: support, sales"])
    path.write_text(TEXT.replace("memory://", "postgresql://db/x"))
    code, lines = check_lines(path, {})
    assert (code, lines[1:]) == (
        0,
        [
            "warning: store: this version knows no postgresql://, and will not serve; name a file, sqlite:///hookswitch.db"
        ],
    )


def test_what_is_odd_about_a_route_is_a_warning_of_check_and_of_explain_once(path: Path) -> None:
    def oddities(_: Settings, route: Route) -> list[str]:
        return [f"{route.name} is odd"] * 2

    code, lines = check_lines(path, {}, oddities=oddities)
    assert (code, lines[1:]) == (0, [f"warning: route {name!r}: {name} is odd" for name in ("support", "sales")])
    code, lines = explain_lines(path, {}, number="+15551", document_for=document_for, oddities=oddities)
    assert (code, lines[2]) == (0, "warning: support is odd")
    assert lines[3] == "["


def test_every_complaint_is_a_line(path: Path) -> None:
    path.write_text(TEXT.replace("store:", "stor:").replace("server:", "serve:"))
    expected = [
        f"{path}:2:1: stor: unknown key 'stor' (did you mean 'store'?)",
        f"{path}:3:1: serve: unknown key 'serve' (did you mean 'server'?)",
    ]
    assert check_lines(path, {}) == (2, expected)
    assert explain_lines(path, {}, number="1", document_for=document_for) == (2, expected)


def test_of_an_application_it_is_said_that_it_is_asked(path: Path) -> None:
    path.write_text("store: memory://\nroutes: [{name: a, url: 'https://user:pw@app.example.com/call'}]")
    code, lines = explain_lines(path, {}, number="+15551", document_for=document_for)
    assert (code, lines[1:]) == (
        0,
        ["its application is asked for the verbs when the call comes: https://app.example.com/call"],
    )


def test_of_a_function_it_is_said_that_it_is_asked(path: Path) -> None:
    path.write_text("store: memory://\nroutes: [{name: a, python: 'agent:answer'}]")
    readers = UNREAD._replace(function=lambda target, folder: (target, folder))
    code, lines = explain_lines(path, {}, number="+15551", document_for=document_for, read=readers)
    assert (code, lines[1:]) == (0, ["its function is asked for the verbs when the call comes: agent:answer"])


def test_a_call_is_explained_with_its_document_and_without_secrets(path: Path) -> None:
    code, lines = explain_lines(path, {}, number="+15551", caller="alice", document_for=document_for)
    assert code == 0
    assert lines[:2] == [
        "support: takes the call: '+15551' fits '+1555*'",
        "sales: does not: would fit too, but route 'support' stands before it",
    ]
    assert '    "text": "alice - ***"' in lines


def test_the_agents_of_a_route_are_explained(path: Path) -> None:
    agents = "[{name: a, instructions: x}, {name: b, instructions: y, tools: [t, u], hands_over_to: a, model: m}]"
    path.write_text(TEXT.replace("support,", f"support, agents: {agents},"))
    _, lines = explain_lines(path, {}, number="+15551", document_for=document_for)
    assert lines[2:4] == ["agent a: hands over to b; tools all", "agent b: hands over to a; tools t, u; model m"]


@pytest.mark.claim("J9", "J28")
def test_hooks_that_are_not_as_usual_are_explained(path: Path) -> None:
    path.write_text(TEXT.replace("support,", "support, hooks: {filter: jambonz-oss},"))
    _, lines = explain_lines(path, {}, number="+15551", document_for=document_for)
    assert lines[2] == "hooks: envelope full, filter jambonz-oss"
    assert not any(
        line.startswith("hooks:") for line in explain_lines(path, {}, number="2", document_for=document_for)[1]
    )


def test_a_call_that_no_route_takes_exits_with_one(path: Path) -> None:
    assert explain_lines(path, {}, number="9", document_for=document_for) == (
        1,
        [
            "support: does not: the called number '9' is none of +1555*",
            "sales: does not: the called number '9' is none of +1555*, 2",
            "no route takes a call to 9: add one, such as numbers: ['*']",
        ],
    )
