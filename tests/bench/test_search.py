import pytest

from bench.search import Search


def best_found(search: Search, truth: int) -> int:
    while (calls := search.candidate()) is not None:
        search.carried(calls, well=calls <= truth)
    return search.best


@pytest.mark.parametrize("truth", [40, 99, 100, 137, 250, 400])
def test_the_capacity_is_found_within_six_percent(truth: int) -> None:
    assert truth * 0.94 <= best_found(Search(100, 2000, 40), truth) <= truth


def test_one_disturbed_window_does_not_end_the_search() -> None:
    search = Search(100, 2000, 40)
    search.carried(100, well=False)
    assert search.candidate() == 100
    assert best_found(search, 300) >= 282


def test_the_search_is_bounded() -> None:
    assert best_found(Search(100, 2000, 3), 10_000) == 156
    assert best_found(Search(100, 300, 40), 10_000) == 300
    assert best_found(Search(100, 2000, 40), 0) == 0
