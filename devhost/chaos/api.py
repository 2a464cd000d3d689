"""The control plane as its operators call it: real HTTP, every call and answer recorded."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import httpx2

from devhost.chaos.record import Line, Record

WAIT_S = 20.0  # how long an operation's caller lets the control plane wait for its end
TIMEOUT_S = 5.0
PAGE = 500


class Heard(Enum):
    """What a caller knows after a call; the value is the word of the history."""

    OK = "ok"
    REFUSED = "refused"  # a "no" before anything was begun
    FAILED = "failed"  # begun, and ended without success
    BUSY = "busy"  # accepted and still under way
    UNKNOWN = "unknown"  # no answer, or one that says nothing about the effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one call; `status` 0 when there was none."""

    heard: Heard
    status: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The problem's code; empty without one."""
        return str(self.body.get("code", ""))


class Api:
    """One operator's client. Safe to use from several threads."""

    def __init__(self, url: str, token: str, record: Record) -> None:
        limits = httpx2.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=2.0)
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx2.Client(base_url=f"{url}/api/v1/", headers=headers, trust_env=False, limits=limits)
        self._record = record
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def operate(self, what: str, environment: str, path: str, body: Mapping[str, Any], *, wait_s: float) -> Answer:
        """Call for a change of holder, and record the call before and the answer after.

        The reason of every call is unique, so that what a refused one left behind would be found.
        """
        with self._lock:
            call = f"chaos-{next(self._numbers)}"
        said = {"call": call, "what": what, "environment": environment}
        self._record.note("operation.sent", **said)
        answer = self._post(path, {**body, "reason": call}, timeout_s=wait_s + TIMEOUT_S)
        told: Line = {"heard": answer.heard.value, "status": answer.status, "code": answer.code}
        token = answer.body.get("fencing_token")
        self._record.note("operation.answered", **said, **told, fencing_token=token)
        return answer

    def activate_dr(self, environment: str, *, wait_s: float = WAIT_S) -> Answer:
        """Fail over."""
        path = f"admin/failover/{environment}/activate-dr?wait={wait_s:g}"
        return self.operate("failover", environment, path, {}, wait_s=wait_s)

    def failback(self, environment: str, *, wait_s: float = WAIT_S) -> Answer:
        """Fail back."""
        path = f"admin/failover/{environment}/failback?wait={wait_s:g}"
        return self.operate("failback", environment, path, {}, wait_s=wait_s)

    def deactivate(self, environment: str, gateway_id: str, *, force: bool) -> Answer:
        """Take a gateway out."""
        path = f"admin/gateways/{gateway_id}/deactivate"
        return self.operate("deactivate", environment, path, {"force": force}, wait_s=TIMEOUT_S)

    def restore_authority(self, environment: str) -> Answer:
        """Rebuild a lock that lost writes."""
        path = f"admin/environments/{environment}/authority/restore"
        return self.operate("restore", environment, path, {}, wait_s=TIMEOUT_S)

    def execute(self, environment: str, config: str, key: str) -> Answer:
        """Queue one rotation under an idempotency key."""
        said = {"environment": environment, "config": config, "key": key}
        self._record.note("execute.sent", **said)
        path = f"rotation/configs/{config}/execute"
        answer = self._post(path, {}, timeout_s=TIMEOUT_S, headers={"idempotency-key": key})
        told: Line = {"heard": answer.heard.value, "status": answer.status, "code": answer.code}
        self._record.note("execute.answered", **said, **told, task_id=answer.body.get("task_id"))
        return answer

    def resolve(self, task_id: str, decision: str) -> Answer:
        """Decide about a task in doubt."""
        said = {"task_id": task_id, "decision": decision}
        self._record.note("resolve.sent", **said)
        body = {"decision": decision, "reason": "chaos"}
        answer = self._post(f"admin/tasks/{task_id}/resolve", body, timeout_s=TIMEOUT_S)
        self._record.note("resolve.answered", **said, heard=answer.heard.value, status=answer.status)
        return answer

    def put_config(self, config: str, body: Mapping[str, Any]) -> Answer:
        """Store a rotation config."""
        return self._send("PUT", f"rotation/configs/{config}", body, timeout_s=TIMEOUT_S)

    def get(self, path: str) -> Any:
        """Return the JSON of a successful answer, else None."""
        try:
            answer = self._http.get(path, timeout=TIMEOUT_S)
            return answer.json() if answer.status_code == 200 else None
        except (httpx2.HTTPError, ValueError):
            return None

    def tasks(self, status: str = "") -> list[dict[str, Any]] | None:
        """Return all tasks of all environments, page by page; None when a page could not be had."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            wanted = f"admin/tasks?limit={PAGE}" + (f"&status={status}" if status else "")
            page = self.get(wanted + (f"&after={after}" if after else ""))
            if page is None:
                return None
            found += page["value"]
            after = page["next_after"]
            if not after:
                return found

    def _post(
        self, path: str, body: Mapping[str, Any], *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self._send("POST", path, body, timeout_s=timeout_s, headers=headers)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any], *, timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        try:
            answer = self._http.request(method, path, json=body, headers=dict(headers or {}), timeout=timeout_s)
            content = answer.json()
        except (httpx2.HTTPError, ValueError):
            return Answer(heard=Heard.UNKNOWN)
        begun = "operation-id" in answer.headers
        return Answer(heard=_heard(answer.status_code, begun=begun), status=answer.status_code, body=content)


def _heard(status: int, *, begun: bool) -> Heard:
    if status == 200:
        return Heard.OK
    if status == 202:
        return Heard.BUSY
    if 400 <= status < 500:
        return Heard.FAILED if begun else Heard.REFUSED
    return Heard.FAILED if begun else Heard.UNKNOWN
