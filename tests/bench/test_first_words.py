from bench import first_words, page
from bench.first_words import Pairs
from tests.bench.test_page import MACHINE

FOUND = [Pairs(0, [1.0, 2.0, 1.0], [3.0, 3.5, 2.0]), Pairs(200, [200.0] * 100, [*[202.0] * 98, 204.0, 230.0])]


def test_what_is_added_is_that_of_each_pair_and_the_ratio_that_of_the_medians() -> None:
    found = first_words.results(FOUND, MACHINE)
    assert found["steps"]["0"] == {
        "straight_ms": 1.0,
        "proxied_ms": 3.0,
        "ratio": 3.0,
        "added_p50_ms": 1.5,
        "added_p99_ms": 2.0,
    }
    assert (found["first_word_vs_straight"], found["steps"]["200"]["added_p99_ms"]) == (1.01, 4.0)


def test_the_page_tells_of_first_words() -> None:
    text = page.figures({"first_words": first_words.results(FOUND, MACHINE)})
    assert text.startswith("### The first word of a model that is asked in text\n\nMeasured 2026-01-01")
    assert "| 200 | 200 | 202 | 1.01 | 2 | 4 |" in text
