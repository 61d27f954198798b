"""The newest so many of something that is seldom there at all."""

from typing import TypeVar

T = TypeVar("T")


class Newest(list[T]):
    """As `deque(maxlen=…)`, which takes 600 bytes while it is empty. A call has a dozen of them."""

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        self._most = most

    def append(self, one: T) -> None:
        super().append(one)
        if len(self) > self._most:
            del self[0]
