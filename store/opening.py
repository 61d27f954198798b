"""Opens the store that the configuration names. SQLAlchemy is imported where it is used: it takes most of a second."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from store.base import Store
from store.errors import StoreError

MODULES = {"memory": "store.memory", "sqlite": "store.sql"}
"By the URL's scheme, a module with `opened`."


def opened(url: str, folder: Path) -> AbstractAsyncContextManager[Store]:
    """Open the store at `url`; a relative file is in `folder`. StoreError where that cannot be done."""
    scheme = url.partition(":")[0]
    if scheme not in MODULES:
        raise StoreError(f"store: this version knows no {scheme}://; name a file, sqlite:///hookswitch.db")
    module = import_module(MODULES[scheme])
    store: AbstractAsyncContextManager[Store] = module.opened(url, folder)
    return store


class Ledger(Protocol):
    """The outbox's rows as a command sees them: `store.ledger`."""

    def undelivered(self) -> Iterator[dict[str, Any]]: ...
    def replay(self, ids: Sequence[str]) -> list[str]: ...
    def purge(self) -> int: ...


def ledger(url: str, folder: Path) -> AbstractContextManager[Ledger]:
    """Open the outbox of a store, whether a server runs on it or not. StoreError where that cannot be done."""
    found: AbstractContextManager[Ledger] = import_module("store.ledger").opened(url, folder)
    return found
