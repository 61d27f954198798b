"""The tables, in words that SQLite and PostgreSQL share."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    false,
    insert,
    text,
    update,
)

metadata = MetaData()

settings = Table(
    "settings", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False)
)
"Of the store itself: its schema's version."

secrets = Table(
    "secrets", metadata, Column("name", String, primary_key=True), Column("value", LargeBinary, nullable=False)
)

calls = Table(
    "calls",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("call_sid", String, nullable=False),
    Column("created_at_s", Float, nullable=False),
    Column("state", String, nullable=False),
    Column("owner", String),
    Column("value", Text, nullable=False),
    Column("route", String),
    Column("caller", String),
    Column("called", String),
    Column("direction", String),
    Column("ended_at_s", Float),
    Column("reason_code", String),
    Index("calls_by_sid", "call_sid", "created_at_s"),
    Index("calls_by_time", "created_at_s", "id"),
    Index("calls_by_state", "state", "created_at_s"),
)
"What stands behind `value` stands in it too: it is what lists of calls show, and are asked for."

notes = Table(
    "notes",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("row_id", LargeBinary, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("value", Text, nullable=False),
    Index("notes_by_call", "row_id", "place"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("webhook_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("call_sid", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("body", LargeBinary),
    Column("created_at", Float, nullable=False),
    Column("headers", Text, nullable=False),
    Column("trusted", Boolean, nullable=False, server_default=false()),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Float, nullable=False),
    Column("state", String, nullable=False),
    Column("last_error", Text),
    Column("last_status", Integer),
    Column("tried_at", Float),
    Index("deliveries_by_state", "state", "call_sid", "seq"),
    Index("deliveries_by_call", "call_sid", "seq"),
)
"`state` is that of a delivery, or `replayed`: asked for once more, and not yet taken up by a server."

numbers = Table(
    "numbers", metadata, Column("call_sid", String, primary_key=True), Column("seq", Integer, nullable=False)
)
"Up to where the numbers of a call's hooks may have been given."

spending = Table(
    "spending",
    metadata,
    Column("day", String, primary_key=True),
    Column("route", String, primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    Column("usd_e12", BigInteger, nullable=False),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("url", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("fail_since", Float),
    Column("breaker_until", Float, nullable=False),
    Column("disabled_at", Float),
)

# What is written again and again, made once: rows of the same statement go to the database together.

NEW_CALL = insert(calls)
CALL = (
    update(calls)
    .where(calls.c.id == bindparam("of"))
    .values({name: bindparam(name) for name in ("state", "owner", "value", "ended_at_s", "reason_code")})
)
NEW_NOTE = insert(notes)
SPEND = text(
    "INSERT INTO spending (day, route, tokens, usd_e12) VALUES (:day, :route, :tokens, :usd_e12) "
    "ON CONFLICT (day, route) DO UPDATE SET tokens = spending.tokens + excluded.tokens, "
    "usd_e12 = spending.usd_e12 + excluded.usd_e12"
)
NEW_DELIVERY = insert(deliveries)
OF_DELIVERY = update(deliveries).where(deliveries.c.webhook_id == bindparam("of"))
BODY = OF_DELIVERY.values(body=bindparam("body"))
FATE = ("attempts", "next_at", "state", "last_error", "last_status", "tried_at")
OUTCOME = OF_DELIVERY.values({name: bindparam(name) for name in FATE})
DELIVERED = OUTCOME.values(body=None)
