"""Opens the store that the configuration names."""

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from pathlib import Path

from store.base import Store, StoreError

MODULES = {"memory": "store.memory", "sqlite": "store.sql"}
"By the URL's scheme, a module with `opened`; imported when it is asked for, since SQLAlchemy takes most of a second."


def opened(url: str, folder: Path) -> AbstractAsyncContextManager[Store]:
    """Open the store at `url`; a relative file is in `folder`. StoreError where that cannot be done."""
    scheme = url.partition(":")[0]
    if scheme not in MODULES:
        raise StoreError(f"store: this version knows no {scheme}://; name a file, sqlite:///hookswitch.db")
    module = import_module(MODULES[scheme])
    store: AbstractAsyncContextManager[Store] = module.opened(url, folder)
    return store
