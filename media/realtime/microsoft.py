"""Azure OpenAI: OpenAI's protocol under a customer's own address, with the key in a header of its own.

    wss://<resource>.openai.azure.com/openai/v1/realtime?model=<deployment>       api-key: <key>

Its preview, `/openai/realtime?api-version=…&deployment=…`, speaks the beta's shape and was given up on 2026-04-30, but
is what verbs for jambonz name. They are led to the address of today. A deployment's name may be anything, also that of
a model which is gone: it is used as written. An Entra token goes into `connectOptions.headers.Authorization`.

Source: Microsoft's "Migration from preview to GA of the Realtime API".
"""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from media.realtime import dialect, models, openai, protocol
from media.realtime.base import JsonObject, Vendor
from media.realtime.dial import Dial
from media.realtime.dialling import Dialler
from verbs.llm import Llm
from verbs.vendors import VENDORS

PREVIEW = "openai/realtime"
TODAY = "openai/v1/realtime"
_DIALLER = Dialler(path=TODAY, authorize=lambda key: {"api-key": key})


class Realtime(protocol.Realtime):
    can = openai.CAN
    dialect = replace(dialect.OPENAI, of_openai=False, reasons=models.may_reason)

    def __init__(self, llm: Llm, **audio: Any) -> None:
        mended = of_today(llm)
        super().__init__(mended, **audio)
        if mended is not llm:
            self.warnings.append(f"Azure's preview is gone; /{TODAY}?model= is used in place of /{PREVIEW}?deployment=")
        if models.gone(self.name):
            self.warnings.append(f"the model {self.name} is gone; the deployment of that name is asked for")
        elif warning := models.last_day(self.name):
            self.warnings.append(f"{warning}, where the deployment is what its name says")


def of_today(llm: Llm) -> Llm:
    """Lead a verb that names the preview's address to the one that took its place."""
    options = llm.connect_options or {}
    query = options.get("query")
    mended: JsonObject = {
        **{name: _mended(options[name]) for name in ("path", "url") if isinstance(options.get(name), str)},
        **({"query": _renamed(query)} if isinstance(query, dict) and not _elsewhere(options) else {}),
    }
    changed = {name: value for name, value in mended.items() if value != options[name]}
    return llm.model_copy(update={"connect_options": {**options, **changed}}) if changed else llm


def dial(llm: Llm, *, url: str, **configured: Any) -> Dial:
    return _DIALLER(of_today(llm), url=_mended(url), **configured)


def _elsewhere(options: JsonObject) -> bool:
    """Tell whether the verb names an address of Azure that is not the preview's, and may want a query of its own."""
    named = [options[name] for name in ("path", "url") if isinstance(options.get(name), str)]
    return bool(named) and not any(map(_is_preview, named))


def _is_preview(address: str) -> bool:
    return address.partition("?")[0].rstrip("/").endswith(PREVIEW)


def _mended(address: str) -> str:
    path, mark, query = address.partition("?")
    if not _is_preview(address):
        return address
    asked = urlencode(_renamed(dict(parse_qsl(query))))
    return path.rstrip("/").removesuffix(PREVIEW) + TODAY + (mark and asked and f"?{asked}")


def _renamed(query: JsonObject) -> JsonObject:
    names = {"deployment": "model"}
    return {names.get(name, name): value for name, value in query.items() if name != "api-version"}


VENDOR = Vendor(Realtime, dial, openai.CAN, VENDORS["microsoft"])
