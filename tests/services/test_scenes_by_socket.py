"""Every scene of sim/scenes once more, over a control socket: what passes by webhook passes by websocket."""

import pytest

from tests.scenes import Played, all_scenes, play

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(all_scenes(), tmp_path_factory.mktemp("scenes"), "--transport", "ws")


@pytest.mark.parametrize("name", sorted(all_scenes()))
def test_a_scene_passes_by_websocket_as_by_webhook(played: Played, name: str) -> None:
    played.passed(name)
