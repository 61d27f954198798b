"""The door of the media room: one call's two sockets, and nothing that decides."""

from media.sockets.line import Line, Lines, Observer, Patience

__all__ = ["Line", "Lines", "Observer", "Patience"]
