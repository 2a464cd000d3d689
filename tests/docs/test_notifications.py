"""The sample of docs/howto/notifications.md believes what the product signs, and nothing else."""

import re
import time
from pathlib import Path
from typing import Any

from shared.domain.webhook_signatures import sign

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "notifications.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def sample() -> Any:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["verified"]


def test_the_sample_verifies_what_the_product_signs() -> None:
    verified, now = sample(), int(time.time())
    for secret in (SECRET, "a text of twenty-four bytes"):
        headers = sign(b"{}", message_id="a", unix_s=now, secret=secret)
        assert verified(headers, b"{}", secret) is True
        assert verified(headers, b"{ }", secret) is False
        assert verified({**headers, "webhook-id": "b"}, b"{}", secret) is False


def test_the_sample_refuses_a_replay() -> None:
    old = sign(b"{}", message_id="a", unix_s=int(time.time()) - 301, secret=SECRET)
    assert sample()(old, b"{}", SECRET) is False
