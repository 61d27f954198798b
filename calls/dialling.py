"""Where the models of `llm` verbs are, with the keys of the configuration. Pure."""

from config.models import as_configured
from config.settings import Settings, Vendor
from media.realtime import VENDORS
from media.realtime.dial import Dial, Tls
from media.realtime.dialling import address, queried
from verbs.llm import Llm


def model_dial(llm: Llm, vendor: Vendor) -> Dial:
    """Say where the verb's model is.

    :raises ModelError: there is no key for it
    """
    return VENDORS[llm.vendor].dial(
        llm,
        url=vendor.url,
        api_key=vendor.api_key.get_secret_value(),
        proxy=vendor.proxy.get_secret_value(),
        tls=Tls(
            ca_file=vendor.tls.ca or "",
            server_name=vendor.tls.server_name or "",
            verify=vendor.tls.verify,
            client_cert=vendor.tls.client_cert or "",
            client_key=vendor.tls.client_key or "",
        ),
    )


def dial_of(llm: Llm, name: str, settings: Settings) -> Dial:
    """Say where another model of the verb's vendor is.

    :raises ModelError: there is no key for it
    """
    vendor = settings.vendors[llm.vendor]
    return model_dial(as_configured(with_model(llm, name), vendor), vendor)


def with_model(llm: Llm, name: str) -> Llm:
    """Give a verb with another model, named where its own is."""
    options = llm.connect_options or {}
    if "model" in queried(options, address(options, "", "")):
        options = {**options, "query": {**(options.get("query") or {}), "model": name}}
    return llm.model_copy(update={"model": name, "connect_options": options or None})
