"""Contexts for models whose certificates are not judged as the system has it."""

import ssl
from functools import lru_cache
from pathlib import Path

from media.realtime.dial import Tls

KEPT = 16


def context(tls: Tls) -> ssl.SSLContext:
    """Give the context of these settings, made anew where a file has changed. Not on the loop: it reads files.

    :raises ValueError: they cannot be used
    """
    try:
        files = (tls.ca_file, tls.client_cert, tls.client_key)
        return _made(tls, tuple(Path(file).stat().st_mtime_ns for file in files if file))
    except OSError as error:  # ssl's are such, too
        reason = error.strerror or type(error).__name__
        raise ValueError(f"no TLS with these certificates ({reason}): see connectOptions.tls, vendors.*.tls") from error


@lru_cache(maxsize=KEPT)
def _made(tls: Tls, _changed_at_ns: tuple[int, ...]) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=tls.ca_file or None, cadata=tls.ca_pem or None)
    if tls.client_cert:
        # An empty password: without any, OpenSSL would ask for one at the terminal, and wait.
        made.load_cert_chain(tls.client_cert, tls.client_key or None, password="")
    if not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made
