"""What a key may hold: types that read a node's text strictly, and say in a sentence what they want.

A key's type decides what its text means, so `5`, `"5"` and a `${NAME}` that holds 5 are the same number.
"""

import base64
from decimal import Decimal
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from config.nodes import NUMBER, WHOLE, Node, Scalar, Sequence
from config.numbers import pattern_fault
from config.urls import SOCKET, WEB, url_fault
from egress.addresses import CREDENTIALS, Network
from verbs import connecting

_SECRET_BYTES = range(24, 65)
JAMBONZ_SECRET = "wh_secret_"  # noqa: S105  # what they begin with
"What jambonz makes for an account is this and a short UUID (jambonz-api-server lib/routes/api/accounts.js)."
_LEAST_JAMBONZ_CHARS = len(JAMBONZ_SECRET) + 16
_MOST_S = 31 * 86_400
_MOST_DIGITS = 18


def fault(sentence: str) -> PydanticCustomError:
    """Refuse a value with a sentence that says it all."""
    return PydanticCustomError("fault", "{sentence}", {"sentence": sentence})


def wanted(what: str) -> PydanticCustomError:
    """Refuse a value that is not `what`; the complaint adds what stands there."""
    return PydanticCustomError("wanted", "must be {what}", {"what": what})


def tree_of(node: Node) -> Any:
    """Give dicts and lists whose leaves are still scalars, for the types below; nothing is None."""
    match node:
        case Scalar():
            return None if node.is_null else node
        case Sequence():
            return [tree_of(item) for item in node.items]
        case _:
            return {entry.key: tree_of(entry.value) for entry in node.entries}


def _text(value: Any) -> Any:
    return value.text if isinstance(value, Scalar) else value


def _whole(value: Any) -> Any:
    if not isinstance(value, Scalar):
        return value
    if not (WHOLE.fullmatch(value.text) and len(value.text) <= _MOST_DIGITS):
        raise wanted("a whole number")
    return int(value.text)


def _number(value: Any) -> Any:
    if not isinstance(value, Scalar):
        return value
    if not NUMBER.fullmatch(value.text):
        raise wanted("a number without a unit, such as 2.5")
    return float(value.text)


def _money(value: Any) -> Any:
    """Read a decimal number exactly; a millionth is the smallest part."""
    if not isinstance(value, Scalar):
        return value
    if not (NUMBER.fullmatch(value.text) and "e" not in value.text.lower() and len(value.text) <= _MOST_DIGITS):
        raise wanted("a number such as 0.25, with six places at most")
    return Decimal(value.text)


def _flag(value: Any) -> Any:
    if not isinstance(value, Scalar):
        return value
    if value.text.lower() not in {"true", "false"}:
        raise wanted("true or false")
    return value.text.lower() == "true"


def _nothing_is_empty(value: Any) -> Any:
    return "" if value is None else _text(value)


def _empty_is_nothing(value: Any) -> Any:
    return None if _text(value) == "" else value


def _section(value: Any) -> Any:
    return {} if value is None else value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, Scalar) else value


def _json(value: Any) -> Any:
    match value:
        case Scalar():
            return value.json()
        case list():
            return [_json(item) for item in value]
        case dict():
            return {key: _json(item) for key, item in value.items()}
        case _:
            return value


def _verbs(value: Any) -> Any:
    document = _json(value)
    return [document] if isinstance(document, dict) else document


def _web_url(text: str) -> str:
    if sentence := url_fault(text, bare=True):
        raise fault(sentence)
    return text.rstrip("/")


def _application_url(text: str) -> str:
    if sentence := url_fault(text, (*WEB, *SOCKET), user=True):
        raise fault(sentence)
    return text


def _given(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Drop the empty ones: `"${NAME:-}"` without NAME means that there is none."""
    return tuple(secret for secret in secrets if secret.get_secret_value())


def _signing_secret(secret: SecretStr) -> SecretStr:
    """Check the form: of Standard Webhooks 1.0.0 for a symmetric secret, or that of a jambonz account's own."""
    text = secret.get_secret_value()
    if text.startswith(JAMBONZ_SECRET) and text.isascii() and len(text) >= _LEAST_JAMBONZ_CHARS:
        return secret
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:  # also where it is not ASCII
        key = b""
    if text and not (text.startswith("whsec_") and len(key) in _SECRET_BYTES):
        raise fault(
            "must be whsec_ and the base64 of 24 to 64 random bytes, or the wh_secret_… of a jambonz account; "
            "make one with: echo whsec_$(openssl rand -base64 32)"
        )
    return secret


def _proxy(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text and not connecting.is_proxy(text):
        raise fault(f"must be {connecting.FIELDS['proxy'].wants}")
    return secret


def _host(text: str) -> str:
    if not connecting.is_host_name(text):
        raise wanted("a host's name")
    return text


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise wanted("a name of one line")
    return text


def _pattern(text: str) -> str:
    if sentence := pattern_fault(text):
        raise fault(sentence)
    return text


def _network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise wanted("a network such as 10.20.0.0/16 or fd12:3456::/32, or an address") from None
    if any(network.version == never.version and network.subnet_of(never) for never in CREDENTIALS):  # type: ignore[arg-type]  # of one version
        raise fault("is where clouds hand out credentials, which is never reached")
    return network


def _store(text: str) -> str:
    if not text.startswith(("memory://", "sqlite:///", "postgresql://")):
        raise fault("must be memory://, sqlite:///FILE or postgresql://…")
    return text


JsonObject = dict[str, Any]
Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[Text, AfterValidator(_name)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Whole = Annotated[int, BeforeValidator(_whole)]
Rate = BeforeValidator(_whole)
"Stands before a Literal of numbers."
Count = Annotated[Whole, Field(ge=0)]
Seconds = Annotated[float, BeforeValidator(_number), Field(gt=0, le=_MOST_S)]
"More than nothing; at most a month."
Delay = Annotated[float, BeforeValidator(_number), Field(ge=0, le=_MOST_S)]
"Seconds that may be none."
Money = Annotated[Decimal, BeforeValidator(_money), Field(ge=0, le=1_000_000, decimal_places=6)]
"Never a float: what is added up shall be exact."
Secret = Annotated[SecretStr, BeforeValidator(_nothing_is_empty)]
"Never shown; empty when not configured."
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_one_or_more), AfterValidator(_given)]
SigningSecrets = Annotated[
    tuple[Annotated[Secret, AfterValidator(_signing_secret)], ...],
    BeforeValidator(_one_or_more),
    AfterValidator(_given),
]
WebUrl = Annotated[Text, AfterValidator(_web_url)]
MaybeUrl = Annotated[WebUrl | None, BeforeValidator(_empty_is_nothing)]
ApplicationUrl = Annotated[Text, AfterValidator(_application_url)]
MaybeApplication = Annotated[ApplicationUrl | None, BeforeValidator(_empty_is_nothing)]
MaybeText = Annotated[Text | None, BeforeValidator(_empty_is_nothing)]
MaybeHost = Annotated[Annotated[Text, AfterValidator(_host)] | None, BeforeValidator(_empty_is_nothing)]
Proxy = Annotated[Secret, AfterValidator(_proxy)]
Mode = Annotated[Literal["bridge", "native"], BeforeValidator(_text)]
OneOrMore = BeforeValidator(_one_or_more)
"Stands before a tuple that may be written as its only item."
Word = BeforeValidator(_text)
"Stands before a Literal."
Pattern = Annotated[Text, AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_one_or_more)]
Networks = Annotated[
    tuple[Annotated[Any, BeforeValidator(_text), AfterValidator(_network)], ...], BeforeValidator(_one_or_more)
]
Store = Annotated[Text, AfterValidator(_store)]
Json = Annotated[JsonObject, BeforeValidator(_section), BeforeValidator(_json)]
Verbs = Annotated[list[JsonObject], BeforeValidator(_verbs)]
Tools = Annotated[JsonObject | list[JsonObject], BeforeValidator(_section), BeforeValidator(_json)]
"By their names, or a list of declarations."
Section = BeforeValidator(_section)
"A section whose keys are all left out is the section with its defaults."
