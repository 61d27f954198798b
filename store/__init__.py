"""What must be remembered: one row per call, committed before its document leaves."""

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
    RowTakenError,
    RowUnknownError,
    Store,
    StoreError,
)
from store.memory import MemoryStore

__all__ = [
    "DUPLICATE_WITHIN_S",
    "CallRow",
    "CallState",
    "Change",
    "End",
    "EndedBy",
    "JsonObject",
    "LlmLeg",
    "MediaState",
    "MemoryStore",
    "RowTakenError",
    "RowUnknownError",
    "Store",
    "StoreError",
]
