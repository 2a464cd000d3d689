"""Signatures of webhooks: how ours are made, and how whoever receives one checks it.

Standard library only, and nothing of the product: a receiver may copy this file as it is. Source: Standard Webhooks 1.0
(the text `id.timestamp.body`, HMAC-SHA256, `v1,` and base64; several signatures are separated by blanks).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

SECRET_PREFIX: Final = "whsec_"
SHORTEST_SECRET_BYTES: Final = 24
"""Source: Standard Webhooks, "Signature scheme": 24 to 64 bytes."""
REPLAY_WINDOW_S: Final = 300
"""How far a timestamp may be from the receiver's clock, either way; what is older is a replay."""


class NotVerified(ValueError):
    """A request that is not to be believed; the text says why, without any secret."""


def secret_key(secret: str) -> bytes:
    """Return the key of a secret: the base64 behind `whsec_`, or the text itself.

    Raises:
        ValueError: No base64 behind the prefix, or fewer than 24 bytes; the text does not repeat the secret.
    """
    if secret.startswith(SECRET_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("what follows whsec_ is not base64") from None
    else:
        key = secret.encode()
    if len(key) < SHORTEST_SECRET_BYTES:
        raise ValueError(f"a secret has at least {SHORTEST_SECRET_BYTES} bytes")
    return key


def sign(body: bytes, *, message_id: str, unix_s: int, secret: str) -> dict[str, str]:
    """Return the three headers that go with a body. Raises ValueError for an unusable secret."""
    signature = _signature(body, message_id=message_id, timestamp=str(unix_s), secret=secret)
    return {"webhook-id": message_id, "webhook-timestamp": str(unix_s), "webhook-signature": signature}


def verify(headers: Mapping[str, str], body: bytes, *, secret: str, now_unix_s: float) -> str:
    """Return the id of a message that was signed with the secret less than five minutes ago.

    A message may come twice; its id tells. Check before parsing: `body` is what arrived, byte by byte.

    Args:
        headers: The request's headers; the case of their names does not matter.

    Raises:
        NotVerified: A header is missing, the time is too far from `now_unix_s`, or no signature fits.
        ValueError: The secret itself is unusable.
    """
    given = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not given.get(name)]
    if missing:
        raise NotVerified(f"without {', '.join(missing)}")
    message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise NotVerified("the timestamp is no number of seconds")
    if abs(now_unix_s - int(timestamp)) > REPLAY_WINDOW_S:
        raise NotVerified(f"the timestamp is more than {REPLAY_WINDOW_S} s away")
    expected = _signature(body, message_id=message_id, timestamp=timestamp, secret=secret)
    # While a secret is exchanged a sender may sign with the old and the new one.
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in given["webhook-signature"].split(" ")):
        raise NotVerified("no signature fits")
    return message_id


def _signature(body: bytes, *, message_id: str, timestamp: str, secret: str) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret_key(secret), signed, hashlib.sha256)).decode()
