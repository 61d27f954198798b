"""Which model a verb means, by the names that the configuration has for models."""

from config.settings import Vendor
from verbs.llm import Llm


def as_configured(llm: Llm, vendor: Vendor) -> Llm:
    """Give the verb with the model that the configuration has for the name in it."""
    model = vendor.aliases.get(llm.model or "")
    return llm.model_copy(update={"model": model}) if model else llm
