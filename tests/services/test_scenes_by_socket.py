"""The same scenes over a control socket: those in which the platform has most to do."""

import pytest

from tests.scenes import Played, play

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
NAMES = ("action_verbs", "barge_in_middle", "demo", "keypad", "model_lost", "tool_fails", "two_tools", "wrong_key")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(NAMES, tmp_path_factory.mktemp("scenes"), "--transport", "ws")


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_passes_by_websocket_as_by_webhook(played: Played, name: str) -> None:
    played.passed(name)
