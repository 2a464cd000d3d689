"""The control plane's gateway API over HTTP: one method per call, one request per method, nothing repeated in secret.

A call returns the parsed answer or the Refusal. Whatever leaves it unclear what the control plane did (no connection,
a time-out, a 5xx, a body that is not as documented) raises NoAnswer; the caller decides whether asking again is safe.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import httpx2

from gateway_agent import answers
from gateway_agent.answers import ClaimedTask, HeartbeatAnswer, Malformed, Refusal, Registered
from gateway_agent.tokens import TokenUnavailable

Body: TypeAlias = Mapping[str, Any]
Parsed = TypeVar("Parsed")

LONGEST_ANSWER_BYTES = 1 << 20
TRY_AGAIN = (408, 425, 429)  # refused by the way there, not by the rules


class NoAnswer(RuntimeError):
    """It is unknown what became of the request. `retry_after_s` is what the control plane asked for, if it did."""

    def __init__(self, why: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class ControlPlane:
    """The control plane as one gateway sees it. Safe to use from several threads; owns its connections."""

    def __init__(self, url: str, gateway_id: str, *, token: Callable[[], str]) -> None:
        """`url` is without /api. `token` gives a bearer token for each request and may raise TokenUnavailable."""
        self._url = f"{url.rstrip('/')}/api/v1/gateways/{quote(gateway_id, safe='')}"
        self._token = token
        # Redirects are not followed: they would carry the token to wherever they point.
        self._http = httpx2.Client(follow_redirects=False, headers={"accept": "application/json"})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def register(self, body: Body, *, timeout_s: float) -> Registered | Refusal:
        """Make the gateway, and this boot of it, known. Raises NoAnswer."""
        return self._post("register", body, answers.registered, timeout_s)

    def heartbeat(self, body: Body, *, timeout_s: float) -> HeartbeatAnswer | Refusal:
        """Show that the gateway lives and, if it holds the environment, extend its lease. Raises NoAnswer."""
        return self._post("heartbeat", body, answers.heartbeat, timeout_s)

    def claim(self, body: Body, *, timeout_s: float) -> tuple[ClaimedTask, ...] | Refusal:
        """Take pending tasks. Raises NoAnswer; tasks claimed by a lost answer come back after the task time-out."""
        return self._post("tasks/claim", body, answers.claimed, timeout_s)

    def progress(self, task_id: str, body: Body, *, timeout_s: float) -> str | Refusal:
        """Report that a task still runs, and return `accepted`. Raises NoAnswer."""
        return self._post(f"tasks/{quote(task_id, safe='')}/progress", body, answers.outcome, timeout_s)

    def complete(self, task_id: str, body: Body, *, timeout_s: float) -> str | Refusal:
        """Report how a task ended, and return `accepted` or `repeated`. Raises NoAnswer; asking again is safe."""
        return self._post(f"tasks/{quote(task_id, safe='')}/complete", body, answers.outcome, timeout_s)

    def report_canary(self, drill_id: str, body: Body, *, timeout_s: float) -> str | Refusal:
        """Report how a canary ended, and return `accepted` or `repeated`. Raises NoAnswer; asking again is safe."""
        return self._post(f"canaries/{quote(drill_id, safe='')}", body, answers.outcome, timeout_s)

    def _post(self, path: str, body: Body, parse: Callable[[Body], Parsed], timeout_s: float) -> Parsed | Refusal:
        try:
            headers = {"authorization": f"Bearer {self._token()}"}
        except TokenUnavailable as error:
            raise NoAnswer(f"no token to ask with: {error}") from error
        try:
            status, retry_after, text = self._exchange(f"{self._url}/{path}", body, headers, timeout_s)
            if status >= 500 or status in TRY_AGAIN:
                raise NoAnswer(f"{path}: HTTP {status}", retry_after_s=_seconds(retry_after))
            if status >= 400:
                return answers.refusal(status, answers.json_object(text))
            if status != 200:
                raise NoAnswer(f"{path}: HTTP {status}")
            return parse(answers.json_object(text))
        except httpx2.HTTPError as error:
            raise NoAnswer(f"{path}: {type(error).__name__}: {error}") from error
        except Malformed as error:
            raise NoAnswer(f"{path}: {error}") from error

    def _exchange(self, url: str, body: Body, headers: Body, timeout_s: float) -> tuple[int, str, bytes]:
        # httpx2's time-outs are per step of the exchange; an answer that drips in is cut off here.
        ends_at_s = time.monotonic() + 2 * timeout_s
        text = b""
        with self._http.stream("POST", url, json=body, headers=dict(headers), timeout=timeout_s) as response:
            for part in response.iter_bytes():
                text += part
                if len(text) > LONGEST_ANSWER_BYTES or time.monotonic() > ends_at_s:
                    raise Malformed("the answer is too long or takes too long")
            return response.status_code, response.headers.get("retry-after", ""), text


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() else None
