"""The page that says how to bring a model of one's own."""

from typing import get_args

import pytest

from brains.presets import PROVIDERS
from config.brain import BrainEntry
from tests import brains_page


@pytest.mark.claim("V1", "V6", "L12")
def test_v1_v6_the_page_says_when_to_use_which_form_and_where_each_provider_is() -> None:
    forms = [form for kind in get_args(BrainEntry.model_fields["form"].annotation) for form in get_args(kind) or [kind]]
    assert len(forms) == 3
    assert [form for form in forms if f"| `{form}` |" not in brains_page.HEAD] == []
    [_, providers, _, _] = brains_page.tables()
    assert [name for name in PROVIDERS if f"| `{name}` |" not in providers] == []
