"""The door of the media room: one call's two sockets, and nothing that decides."""

from media.sockets.line import Line, Lines
from media.sockets.ports import Observer, Patience
from media.sockets.upgrade import Upgrade

__all__ = ["Line", "Lines", "Observer", "Patience", "Upgrade"]
