"""The signed tickets that our media and hook URLs carry: which row of the store a request belongs to.

A URL is seen by the platform, its logs and any proxy between; so a ticket holds no number, no sid and no route, and
without the secret it can neither be made nor be turned into one of another purpose. That a ticket is used once, or
no longer after the call, is known by the row, not by the ticket.
"""

import binascii
import hmac
import secrets
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["ROW_BYTES", "Purpose", "Ticket", "new_row", "read", "sign"]

Purpose = Literal["media", "ended", "hook"]

ROW_BYTES: Final = 12
"96 random bits: unguessable without the signature, and unique over all rows there will ever be."

PURPOSES: Final[tuple[Purpose, ...]] = ("media", "ended", "hook")
"Their places are on the wire: only ever append."
FIELDS: Final = struct.Struct(f">{ROW_BYTES}sHBH")
LARGEST: Final = 0xFFFF
MAC_BYTES: Final = 16
"Half of SHA-256, the least that RFC 2104 (section 5) holds to be sound."
CONTEXT: Final = b"hookswitch ticket 1\0"
"Keeps these signatures apart from all others that the same secret may make."

TOKEN_CHARS: Final = (FIELDS.size + MAC_BYTES) * 4 // 3
"44. The 33 bytes fill it to the last bit, so that no two texts are the same ticket."


@dataclass(frozen=True, slots=True)
class Ticket:
    row: bytes
    "The store's key of the call."
    nth: int
    "Which of the call's `llm` verbs, from 0."
    purpose: Purpose
    index: int = 0
    "Which hook of the document; 0 for the other purposes."

    def __post_init__(self) -> None:
        if len(self.row) != ROW_BYTES:
            raise ValueError(f"ticket: row must be {ROW_BYTES} bytes, not {len(self.row)}")
        if self.purpose not in PURPOSES:
            raise ValueError(f"ticket: purpose must be one of {', '.join(PURPOSES)}")
        if not (0 <= self.nth <= LARGEST and 0 <= self.index <= LARGEST):
            raise ValueError(f"ticket: nth and index must be 0 to {LARGEST}")


def new_row() -> bytes:
    return secrets.token_bytes(ROW_BYTES)


def sign(ticket: Ticket, secret: bytes) -> str:
    """Return the ticket as 44 characters that need no escaping in a URL."""
    fields = FIELDS.pack(ticket.row, ticket.nth, PURPOSES.index(ticket.purpose), ticket.index)
    return urlsafe_b64encode(fields + _mac(fields, secret)).decode()


def read(token: str, secret: bytes) -> Ticket | None:
    """Return the ticket, or None for any text that `sign` has not made with this secret."""
    if len(token) != TOKEN_CHARS or not token.isascii() or "+" in token or "/" in token:
        return None
    try:
        signed = binascii.a2b_base64(token.replace("-", "+").replace("_", "/"), strict_mode=True)
    except binascii.Error:
        return None
    fields, mac = signed[: FIELDS.size], signed[FIELDS.size :]
    if not hmac.compare_digest(mac, _mac(fields, secret)):
        return None
    row, nth, purpose, index = FIELDS.unpack(fields)
    return Ticket(row, nth, PURPOSES[purpose], index)


def _mac(fields: bytes, secret: bytes) -> bytes:
    if not secret:
        raise ValueError("ticket: the secret is empty; anybody could sign with it")
    return hmac.digest(secret, CONTEXT + fields, "sha256")[:MAC_BYTES]
