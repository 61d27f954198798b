"""What a store cannot do. The text says what, and where."""


class StoreError(Exception):
    """A store was asked for what it cannot do."""


class RowUnknownError(StoreError):
    """No row has this id: it never had, or retention removed it."""

    def __init__(self, row_id: bytes) -> None:
        super().__init__(f"no call row {row_id.hex()}: unknown, or removed by retention")


class RowTakenError(StoreError):
    """Another call's row has this id already; a new row needs a fresh random one."""

    def __init__(self, row_id: bytes) -> None:
        super().__init__(f"call row {row_id.hex()} belongs to another call; make a new random id")
