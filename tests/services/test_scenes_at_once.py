"""Scenes that are over within seconds: whatever keeps the model away, the caller is told so and the application why."""

import pytest

from tests.scenes import AT_ONCE, Played, play

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(AT_ONCE, tmp_path_factory.mktemp("scenes"))


@pytest.mark.claim("wrong API key", "J30")
def test_a_wrong_key_that_is_refused_at_the_upgrade_ends_in_the_fallback_within_nine_seconds(played: Played) -> None:
    played.passed("model_refused")


@pytest.mark.claim("wrong API key", "J30")
def test_a_wrong_key_that_is_found_out_later_ends_in_the_fallback_within_nine_seconds(played: Played) -> None:
    played.passed("wrong_key")


@pytest.mark.claim("quota", "J30")
def test_an_empty_quota_ends_in_the_fallback_within_nine_seconds(played: Played) -> None:
    played.passed("quota")


@pytest.mark.claim("model that is down", "J30")
def test_a_model_that_is_down_ends_in_the_fallback_within_nine_seconds(played: Played) -> None:
    played.passed("model_down")


@pytest.mark.claim("model that is down")
def test_a_model_that_never_begins_ends_in_the_fallback_within_nine_seconds(played: Played) -> None:
    played.passed("model_mute")
