"""The files of `vendors.*.tls`: found in the configuration's folder, and whether they are what they are to be."""

import re
from pathlib import Path as FilePath

from config.complaints import ConfigError, Path
from config.draft import Draft
from config.reading import read_bytes
from config.settings import Tls

_WANTED = {
    "ca": ("CERTIFICATE", "certificates that are trusted"),
    "client_cert": ("CERTIFICATE", "a certificate"),
    "client_key": ("PRIVATE KEY", "a private key"),
}
_ENCRYPTED = re.compile(r"BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)


def with_files(draft: Draft, path: Path, tls: Tls, folder: FilePath) -> Tls:
    """Resolve the files against the configuration's folder; complain of each that cannot be used."""
    named = {key: str(folder / name) for key in _WANTED if (name := getattr(tls, key))}
    for key, file in named.items():
        if sentence := _fault(key, FilePath(file)):
            draft.complain((*path, key), sentence)
    if "client_key" in named and "client_cert" not in named:
        draft.complain((*path, "client_key"), "is of no use without client_cert, the certificate that it belongs to")
    elif "client_cert" in named and "client_key" not in named and _lacks_key(FilePath(named["client_cert"])):
        draft.complain((*path, "client_cert"), "holds no private key, so client_key must name the file that does")
    return tls.model_copy(update=named)


def _fault(key: str, file: FilePath) -> str | None:
    try:
        text = _text(file)
    except ConfigError as error:
        return error.complaints[0].message
    label, words = _WANTED[key]
    if not re.search(rf"-----BEGIN [A-Z ]*{label}-----", text):
        return f"must name a file that holds {words} in PEM form (-----BEGIN {label}-----)"
    if key != "ca" and _ENCRYPTED.search(text):
        return "holds a key behind a password, for which nobody could be asked: openssl pkey -in FILE -out PLAIN_FILE"
    return None


def _lacks_key(cert: FilePath) -> bool:
    try:
        return "PRIVATE KEY-----" not in _text(cert)
    except ConfigError:  # which was complained of
        return False


def _text(file: FilePath) -> str:
    return read_bytes(file).decode("utf-8", "replace")
