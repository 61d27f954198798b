"""Call rows in this process; gone with it. For tests, trials and a single server that may lose its past."""

from collections.abc import Callable

from store.base import CallRow, Change, RowTakenError, RowUnknownError, checked, claimed, repeats


class MemoryStore:
    """A Store without an `await` inside its methods: that alone makes each of them atomic."""

    def __init__(self) -> None:
        self._rows: dict[bytes, CallRow] = {}
        self._newest: dict[str, bytes] = {}
        self._secrets: dict[str, bytes] = {}

    async def create(self, row: CallRow) -> CallRow:
        earlier = self._newest_of(row.call_sid)
        if earlier is not None and repeats(row, earlier):
            return earlier
        if row.id in self._rows:
            raise RowTakenError(row.id)
        self._rows[row.id] = row
        self._newest[row.call_sid] = row.id
        return row

    async def by_row(self, row_id: bytes) -> CallRow | None:
        return self._rows.get(row_id)

    async def by_sid(self, call_sid: str) -> CallRow | None:
        return self._newest_of(call_sid)

    async def update(self, row_id: bytes, change: Change) -> CallRow:
        row = self._rows.get(row_id)
        if row is None:
            raise RowUnknownError(row_id)
        self._rows[row_id] = after = checked(row, change(row))
        return after

    async def claim_media(self, row_id: bytes, nth: int, *, owner: str) -> bool:
        row = self._rows.get(row_id)
        after = None if row is None else claimed(row, nth, owner=owner)
        if after is None:
            return False
        self._rows[row_id] = after
        return True

    async def forget(self, before_s: float) -> int:
        old = [row for row in self._rows.values() if row.state == "completed" and row.created_at_s < before_s]
        for row in old:
            del self._rows[row.id]
            if self._newest[row.call_sid] == row.id:
                del self._newest[row.call_sid]
        return len(old)

    async def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        if name not in self._secrets:
            self._secrets[name] = make()
        return self._secrets[name]

    def _newest_of(self, call_sid: str) -> CallRow | None:
        row_id = self._newest.get(call_sid)
        return None if row_id is None else self._rows[row_id]
