"""Bytes of a file → text, or one complaint: too large, not UTF-8, characters that no text holds."""

import codecs
import re
from pathlib import Path as FilePath

from config.complaints import Complaint, ConfigError

MOST_BYTES = 1 << 20
"A configuration larger than this is refused unread, in bytes."

# What YAML 1.1 §5.1 calls printable, plus the line breaks; a NUL ends C strings further on.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_bytes(path: FilePath) -> bytes:
    """Read at most one byte more than is allowed: a log file given by mistake does not fill the memory."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _refused(path, 1, 1, f"cannot be read: {reason}") from None


def text_of(raw: bytes, path: FilePath) -> str:
    """Decode UTF-8, with or without a byte order mark."""
    if len(raw) > MOST_BYTES:
        raise _refused(path, 1, 1, f"larger than {MOST_BYTES} bytes; is this the configuration?")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _refused(path, 1, 1, "written as UTF-16: save the file as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        raise _refused(path, *_position(before), "not UTF-8 from here on: save the file as UTF-8") from None
    if unprintable := _UNPRINTABLE.search(text):
        found = f"the control character U+{ord(unprintable[0]):04X} stands here: remove it"
        raise _refused(path, *_position(text[: unprintable.start()]), found)
    return text


def _position(before: str) -> tuple[int, int]:
    lines = before.removeprefix("\ufeff").split("\n")
    return len(lines), len(lines[-1]) + 1


def _refused(path: FilePath, line: int, column: int, message: str) -> ConfigError:
    return ConfigError([Complaint(str(path), line, column, "", message)])
