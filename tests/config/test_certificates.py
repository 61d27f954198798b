"""`vendors.*.tls` and `vendors.*.proxy`: what is read of them, and what is complained of."""

from pathlib import Path

import pytest

from config import ConfigError
from tests.config.conftest import Load

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
HIDDEN = KEY.replace("PRIVATE", "ENCRYPTED PRIVATE")
OLD = KEY.replace("PRIVATE KEY-----\nM", "RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nM")


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    for name, text in {
        "cert": CERTIFICATE,
        "key": KEY,
        "both": CERTIFICATE + KEY,
        "hidden": HIDDEN,
        "old": OLD,
    }.items():
        (tmp_path / f"{name}.pem").write_text(text)
    (tmp_path / "binary.der").write_bytes(b"\x30\x82\xff")


def tls(text: str) -> str:
    return f"store: memory://\nvendors: {{openai: {{api_key: k, tls: {text}}}}}"


@pytest.mark.claim("J27", "connectOptions")
def test_files_start_at_the_folder_of_the_configuration(loaded: Load, tmp_path: Path) -> None:
    read = loaded(tls("{ca: cert.pem, client_cert: cert.pem, client_key: key.pem, server_name: m.internal}"))
    told = read.vendors["openai"].tls
    assert (told.ca, told.client_cert, told.client_key) == tuple(
        str(tmp_path / name) for name in ("cert.pem", "cert.pem", "key.pem")
    )
    assert (told.server_name, told.verify, read.warnings) == ("m.internal", True, ())
    assert loaded(tls("{client_cert: both.pem}")).vendors["openai"].tls.client_key is None
    assert loaded(tls("")).vendors["openai"].tls.ca is None


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{ca: gone.pem}", "ca: cannot be read: No such file or directory"),
        ("{ca: key.pem}", "ca: must name a file that holds certificates that are trusted in PEM form"),
        ("{ca: binary.der}", "ca: must name a file that holds certificates that are trusted in PEM form"),
        ("{client_cert: cert.pem, client_key: cert.pem}", "client_key: must name a file that holds a private key"),
        ("{client_cert: cert.pem, client_key: hidden.pem}", "client_key: holds a key behind a password"),
        ("{client_cert: cert.pem, client_key: old.pem}", "client_key: holds a key behind a password"),
        ("{client_cert: gone.pem}", "client_cert: cannot be read"),
        ("{client_cert: cert.pem}", "client_cert: holds no private key, so client_key must name the file that does"),
        ("{client_key: key.pem}", "client_key: is of no use without client_cert"),
        ("{server_name: 'h:443'}", "server_name: must be a host's name, is 'h:443'"),
        ("{verify: off}", "verify: must be true or false, is 'off'"),
        ("{server-name: x}", "server-name: unknown key 'server-name' (did you mean 'server_name'?)"),
    ],
)
def test_what_no_connection_could_be_made_with_is_told_at_its_place(loaded: Load, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tls(text))
    [told] = caught.value.complaints
    assert f"{told.path}: {told.message}".startswith(f"vendors.openai.tls.{complaint}")


@pytest.mark.claim("J27", "connectOptions")
def test_who_does_not_look_at_certificates_is_warned(loaded: Load) -> None:
    [warning] = loaded(tls("{verify: false}")).warnings
    assert warning.startswith("vendors.openai.tls.verify is false: whoever stands on the way can hear the calls")


def test_a_proxys_password_is_a_secret(loaded: Load) -> None:
    text = "vendors: {openai: {proxy: '${PROXY:-}'}}"
    proxy = loaded(text, {"PROXY": "http://u:hide-me@proxy.example:3128"}).vendors["openai"].proxy
    assert proxy.get_secret_value() == "http://u:hide-me@proxy.example:3128"
    assert "hide-me" not in repr(proxy)
    assert loaded(text).vendors["openai"].proxy.get_secret_value() == ""
    for url in ("socks5://u:hide-me@h", "http://hide-me@h"):
        with pytest.raises(ConfigError, match="must be the http:// or https:// URL of a proxy") as caught:
            loaded(f"vendors: {{openai: {{proxy: '{url}'}}}}")
        assert "hide-me" not in str(caught.value)
