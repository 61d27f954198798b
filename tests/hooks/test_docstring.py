import pytest

from hooks.docstring import read

GOOGLE = """Get the weather
    at a place.

    More of it, for people.

    Args:
        location: Where,
            as a city.
        scale (str, optional): The unit.
          nothing of the sort
    Returns:
        location: not this one
    """
SPHINX = """Get the weather at a place.

    :param location: Where,
        as a city.
    :param str scale: The unit.
    :returns: degrees
    """
PARAMETERS = {"location": "Where, as a city.", "scale": "The unit."}


@pytest.mark.parametrize(
    ("text", "summary", "parameters"),
    [
        (None, "", {}),
        ("", "", {}),
        ("Look.", "Look.", {}),
        ("Look.\nTwice.\n\nNot this.", "Look. Twice.", {}),
        ("\n    Args:\n        a: An a.", "", {"a": "An a."}),
        (":param a: An a.", "", {"a": "An a."}),
        ("Look.\n:param a:\n    An a.", "Look.", {"a": "An a."}),
        ("Look.\n\nArgs:\n\n    a: An a.\n\n    b: A b.\n", "Look.", {"a": "An a.", "b": "A b."}),
        ("Look.\n\nArgs:\n    not an entry\n        nor this\n    a: An a.\n", "Look.", {"a": "An a."}),
        (GOOGLE, "Get the weather at a place.", {**PARAMETERS, "scale": "The unit. nothing of the sort"}),
        (SPHINX, "Get the weather at a place.", PARAMETERS),
    ],
)
def test_a_docstring_tells_what_a_function_does_and_takes(
    text: str | None, summary: str, parameters: dict[str, str]
) -> None:
    assert read(text) == (summary, parameters)
