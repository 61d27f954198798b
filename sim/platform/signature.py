"""Jambonz-Signature, the header of every webhook (jambonz-feature-server: lib/utils/http-requestor.js)."""

import hmac


def signed(body: bytes, secret: str, timestamp_s: int) -> str:
    """Sign the very bytes that are posted: `t=…,v1=<hex HMAC-SHA256 of "t.body">`."""
    message = b"%d.%b" % (timestamp_s, body)
    return f"t={timestamp_s},v1={hmac.new(secret.encode(), message, 'sha256').hexdigest()}"
