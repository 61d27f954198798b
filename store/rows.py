"""What stands in the tables, as what it means, and back. Pure."""

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select

from store import tables
from store.base import CallRow, summary
from store.coding import COLUMNS, decode, encode
from store.deliveries import Delivery
from store.tables import calls
from store.writer import Write

CALLS = select(*(calls.c[name] for name in (*COLUMNS, "value")))


def written(row: CallRow) -> Write:
    names = ("state", "owner", "value", "ended_at_s", "reason_code")
    values = call_values(row)
    return Write(tables.CALL, {"of": row.id, **{name: values[name] for name in names}}, row)


def call_values(row: CallRow) -> dict[str, Any]:
    return {**asdict(summary(row)), "owner": row.owner, "value": encode(row)}


def call_of(row: Row[Any]) -> CallRow:
    columns = row._asdict()
    return decode(columns.pop("value"), **columns)


def delivery_of(row: Row[Any], **changes: Any) -> Delivery:
    columns = row._asdict()
    state = {"state": "pending"} if columns["state"] == "replayed" else {}
    headers = json.loads(columns["headers"])
    return Delivery(**{"body": None, **columns, "headers": headers, **state, **changes})
