"""What it takes to dial a model: where it is, what is said at the upgrade, and by what its certificate is judged."""

from dataclasses import dataclass, field

from egress.guard import STRANGERS, Reach


@dataclass(frozen=True, slots=True)
class Tls:
    """By what the model's certificate is judged, and the one that we show. All empty: as the system has it."""

    ca_file: str = ""
    "Certificates (PEM) to trust in place of the system's."
    ca_pem: str = ""
    "The same, as text."
    server_name: str = ""
    "Whose certificate it must be; empty: that of the host which is dialled."
    verify: bool = True
    client_cert: str = ""
    "A file: our certificate, and those that vouch for it."
    client_key: str = ""
    "A file; empty: the key stands beside the certificate."

    @property
    def ordinary(self) -> bool:
        """Whether a context that all connections share will do."""
        return self == Tls(server_name=self.server_name)


@dataclass(frozen=True, slots=True)
class Dial:
    """Where and how to reach the model. What is no part of its `repr` may hold a key: never log it."""

    url: str
    headers: dict[str, str] = field(repr=False)
    subprotocols: tuple[str, ...] = field(default=(), repr=False)
    proxy: str = field(default="", repr=False)
    "`http://` or `https://`, with `user:password@` where it wants them; empty: none."
    tls: Tls = field(default_factory=Tls)
    reach: Reach = STRANGERS
    "How far it may lead, a proxy first if it has one."
