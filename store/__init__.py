"""What must be remembered: each call, written before its document leaves; what was said; what is to be told."""

from store.base import (
    DUPLICATE_WITHIN_S,
    CallRow,
    CallState,
    Change,
    End,
    EndedBy,
    JsonObject,
    LlmLeg,
    MediaState,
    Store,
)
from store.deliveries import Delivery, Endpoint, Note
from store.errors import RowTakenError, RowUnknownError, StoreError
from store.memory import MemoryStore

__all__ = [
    "DUPLICATE_WITHIN_S",
    "CallRow",
    "CallState",
    "Change",
    "Delivery",
    "End",
    "EndedBy",
    "Endpoint",
    "JsonObject",
    "LlmLeg",
    "MediaState",
    "MemoryStore",
    "Note",
    "RowTakenError",
    "RowUnknownError",
    "Store",
    "StoreError",
]
