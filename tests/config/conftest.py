from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from calls.readers import READERS
from config import Settings, load

Load = Callable[..., Settings]
ROUTE = "routes: [{name: a, verbs: [{verb: hangup}]}]\n"


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Load the text of a configuration; a route is added to a text that has none."""

    def load_text(text: str, environ: Mapping[str, str] | None = None) -> Settings:
        path = tmp_path / "c.yaml"
        path.write_text(text if "routes:" in text else f"{text}\n{ROUTE}", encoding="utf-8")
        return load(path, environ=environ or {}, read=READERS)

    return load_text
