"""One HTTP request with a bearer token and a deadline; every status is an answer, only silence is a fault."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

TIMEOUT_S: Final = 30.0
SHOWN: Final = 300  # characters of an unexpected body that a message carries


class NoAnswer(Exception):
    """The other side did not answer; a request that changes something may have been carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes

    def document(self) -> Any:
        """Return the body as JSON, or None when it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def __str__(self) -> str:
        text = " ".join(self.body[:SHOWN].decode(errors="replace").split())
        return f"{self.status} {text}".strip()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: followed, it would carry the token to wherever it points."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoRedirect)


def call(
    method: str,
    url: str,
    *,
    token: str | None,
    body: bytes | None = None,
    content_type: str = "application/json",
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Return the answer, whatever its status. Raises NoAnswer."""
    request = urllib.request.Request(url, data=body, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.add_header("Content-Type", content_type)
    try:
        with _OPENER.open(request, timeout=timeout_s) as answer:
            return Answer(answer.status, answer.read())
    except urllib.error.HTTPError as fault:
        with fault:
            return Answer(fault.code, fault.read())
    except (OSError, http.client.HTTPException) as fault:
        raise NoAnswer(f"{method} {url}: {fault}") from fault
