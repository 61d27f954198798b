"""The headers that every hook carries, and the two signatures by which an application knows it is us.

Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
Jambonz-Signature: jambonz node-client, lib/middleware/webhook-signature.js.
"""

import hmac
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

# What may stand in a header value; anything else of a call_sid is percent-encoded, so that it cannot end the header.
HEADER_SAFE = string.ascii_letters + string.digits + string.punctuation


OF_STANDARD = "whsec_"
"What the secrets of Standard Webhooks begin with. Any other, as of a jambonz account, signs as jambonz does only."


def check(secrets: Sequence[str]) -> None:
    """Refuse a secret that cannot sign: ValueError says which one, by its place and never by its text."""
    for place, secret in enumerate(secrets):
        if secret and not secret.startswith(OF_STANDARD):
            continue
        try:
            Webhook(secret)
        except (ValueError, EmptyWebhookSecretError) as error:
            raise ValueError(
                f"hooks.secrets[{place}]: not base64 after 'whsec_' ({error}); make one with "
                "`python3 -c 'import base64,os; print(\"whsec_\" + base64.b64encode(os.urandom(32)).decode())'`"
            ) from None


def headers(
    webhook_id: str, body: bytes, secrets: Sequence[str], *, timestamp_s: int, call_sid: str, seq: int
) -> dict[str, str]:
    """Return one attempt's headers; `timestamp_s` is the attempt's time, everything else stays over retries."""
    given = {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp_s),
        "X-Call-Sid": quote(call_sid, safe=HEADER_SAFE),
        "X-Hook-Seq": str(seq),
    }
    secrets = [secret for secret in secrets if secret]
    if of_standard := [secret for secret in secrets if secret.startswith(OF_STANDARD)]:
        moment, text = datetime.fromtimestamp(timestamp_s, tz=UTC), body.decode()
        given["webhook-signature"] = " ".join(Webhook(secret).sign(webhook_id, moment, text) for secret in of_standard)
    if secrets:
        # Of several signatures jambonz-python-sdk 0.4.0 looks at the last one: that is an account's own secret's.
        last = [secret for secret in secrets if not secret.startswith(OF_STANDARD)]
        given["Jambonz-Signature"] = _jambonz_signature(body, [*of_standard, *last], timestamp_s)
    return given


def _jambonz_signature(body: bytes, secrets: Sequence[str], timestamp_s: int) -> str:
    message = b"%d.%b" % (timestamp_s, body)
    digests = (hmac.new(secret.encode(), message, "sha256").hexdigest() for secret in secrets)
    return ",".join([f"t={timestamp_s}", *(f"v1={digest}" for digest in digests)])
