"""Notices that the configuration's file has changed; a bad file is reported once and changes nothing."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from config.complaints import ConfigError
from config.load import Source, settings_of
from config.settings import Settings
from config.tools import UNREAD, Readers

# A file is taken up when it has stayed the same for so long: an editor may write it in two steps.
SETTLED_S = 0.25

_Stamp = tuple[tuple[int, int, int] | None, ...]


class Reloader:
    """Reads a configuration anew when its file, or the `.env` beside it, has other bytes than before.

    `reload()` reads at once (start, SIGHUP); `poll(now)`, called about once per second, when something changed.
    Neither raises: what is wrong is given as the ConfigError, and the settings in use stay in use.
    """

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        readers: Readers = UNREAD,
        *,
        code: Callable[[], Iterable[Path]] = tuple,
    ) -> None:
        """`code`: gives the files of what the configuration has run; a change of one is a change of it."""
        self._path = path
        self._readers = readers
        self._code = code
        self._environ = dict(environ)
        self._read = b""
        self._ran: _Stamp = ()
        self._taken: _Stamp = ()
        self._seen: _Stamp = ()
        self._seen_at = 0.0

    def reload(self) -> Settings | ConfigError:
        """Read the file now, changed or not."""
        # Stamped before it is read: a change in between is seen by the next poll.
        written = self._stamp()
        self._read = b""
        try:
            source = Source.read(self._path)
            self._read = source.digest()
            return settings_of(source, environ=self._environ, read=self._readers)
        except ConfigError as error:
            return error
        finally:
            self._ran = self._code_stamp()  # reading it may have brought other files
            self._taken = self._seen = (*written, *self._ran)

    def poll(self, now: float) -> Settings | ConfigError | None:
        """Read the file if it changed and has settled; None when there is nothing new. `now`: seconds, any clock."""
        code = self._code_stamp()
        stamp = (*self._stamp(), *code)
        if stamp != self._seen:
            self._seen, self._seen_at = stamp, now
        if stamp == self._taken or now - self._seen_at < SETTLED_S:
            return None
        before = self._read if code == self._ran else b""
        outcome = self.reload()
        return None if before and self._read == before else outcome

    def _stamp(self) -> _Stamp:
        return tuple(_stamp_of(path) for path in (self._path, self._path.parent / ".env"))

    def _code_stamp(self) -> _Stamp:
        return tuple(_stamp_of(path) for path in self._code())


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    """Size and inode too: a rename, or a ConfigMap's swapped link, may bring a file with an older time."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
