"""What a refusal says: status, code, the documented sentence, what to do next, where in the runbook, and why."""

from typing import Any

import httpx2

from shared.domain.refusals import RefusalCode
from tests.e2e.running_lab import shown


def assert_refused(answer: httpx2.Response, code: RefusalCode, message: str) -> dict[str, Any]:
    """Assert that an answer is a 409 with all that belongs to this refusal, and return its evidence."""
    assert answer.status_code == 409, shown(answer)
    assert answer.headers["content-type"].startswith("application/problem+json"), shown(answer)
    body = dict(answer.json())
    told = {name: body.get(name) for name in ("code", "message", "hint", "runbook", "status")}
    wanted = {"code": code.code, "message": message, "hint": code.hint, "runbook": code.runbook, "status": 409}
    assert told == wanted, shown(answer)
    assert body["hint"], shown(answer)
    assert body["detail"], shown(answer)
    assert set(body["evidence"]) >= {"lock", "primary"}, shown(answer)
    assert "operation-id" not in answer.headers, shown(answer)
    return dict(body["evidence"])
