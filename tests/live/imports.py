"""`python tests/live/imports.py CONFIG`: serves as `app.py` does; its last line says what was imported, and when."""

import json
import sys
from pathlib import Path

import app

AT_START: set[str] = set()


def announce(url: str) -> None:
    AT_START.update(sys.modules)
    print(f"listening on {url}", flush=True)  # noqa: T201  # what a starter waits for


if __name__ == "__main__":
    app._announce = announce
    code = app.serve(Path(sys.argv[1]), host="127.0.0.1", port=0)
    found = {"at_start": sorted(AT_START), "later": sorted(sys.modules.keys() - AT_START)}
    print(json.dumps(found))  # noqa: T201  # the result
    sys.exit(code)
