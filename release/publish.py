"""Hand a package to Flex Consumption and wait for what really became of it.

The publish endpoint accepts packages it cannot use, and answers 200 for deployments that failed: only the status in the
deployment's own document tells the truth. Source: behaviour of `/api/publish` and `/api/deployments/{id}` as Azure's
command line and its build tasks use them; the numbers are Kudu's DeployStatus.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from release.calls import Answer, NoAnswer, call

UPLOAD_TIMEOUT_S: Final = 300.0
SUCCEEDED: Final = 4
UNDER_WAY: Final = {0: "pending", 1: "building", 2: "deploying"}
ENDED_BADLY: Final = {-1: "cancelled", 3: "failed", 5: "in conflict with another deployment", 6: "partly failed"}
# 403 while role assignments spread, the rest while the site wakes up.
WORTH_A_RETRY: Final = (403, 429, 502, 503)

Say = Callable[[str], object]


class DeploymentFailed(Exception):
    """The package does not run; the text says what is known about why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The deployment side of a function app; `deadline_s` is for everything from the upload to the end."""

    url: str
    token: str
    poll_s: float
    deadline_s: float


def publish(site: Site, package: bytes, *, say: Say) -> str:
    """Upload a package, wait until its deployment has succeeded, and return the deployment's id.

    Raises DeploymentFailed, also when the deadline passes: the deployment may still end either way then.
    """
    ends_at = time.monotonic() + site.deadline_s
    before = _newest(site)
    deployment = _upload(site, package, say=say, ends_at=ends_at)
    if deployment is None:
        deployment = _newer_than(site, before, ends_at=ends_at)
    say(f"deployment {deployment} accepted, which says nothing yet")
    _wait(site, deployment, say=say, ends_at=ends_at)
    return deployment


def _upload(site: Site, package: bytes, *, say: Say, ends_at: float) -> str | None:
    """Return the id of the deployment, or None when the answer does not tell whether there is one."""
    url = f"{site.url}/api/publish?RemoteBuild=false&Deployer=mazevault-gateway-dr"
    while True:
        try:
            answer = call(
                "POST", url, token=site.token, body=package, content_type="application/zip", timeout_s=UPLOAD_TIMEOUT_S
            )
        except NoAnswer as fault:
            say(f"the answer to the upload was lost ({fault}); looking whether it arrived")
            return None
        if answer.status not in WORTH_A_RETRY:
            break
        if time.monotonic() + site.poll_s > ends_at:
            raise DeploymentFailed(f"the package was not accepted before the deadline, last answer: {answer}")
        say(f"not accepted yet: {answer}")
        time.sleep(site.poll_s)
    if answer.status not in (200, 202):
        raise DeploymentFailed(f"the package was refused: {answer}")
    return _id_in(answer)


def _wait(site: Site, deployment: str, *, say: Say, ends_at: float) -> None:
    said = ""
    while True:
        state, text = _look(site, deployment)
        if state == SUCCEEDED:
            return
        if state is not None and state not in UNDER_WAY:
            raise DeploymentFailed(f"deployment {deployment} {ENDED_BADLY.get(state, f'has status {state}')}: {text}")
        now = f"deployment {deployment} {UNDER_WAY[state] if state is not None else 'not visible'}: {text}"
        if now != said:
            say(now)
            said = now
        if time.monotonic() + site.poll_s > ends_at:
            raise DeploymentFailed(
                f"deployment {deployment} did not end within {site.deadline_s:.0f} s; it may still end either way. "
                f"Look at {site.url}/api/deployments/{deployment} before you deploy again"
            )
        time.sleep(site.poll_s)


def _look(site: Site, deployment: str) -> tuple[int | None, str]:
    """Return a deployment's status number and what it says about itself; no number while nothing can be seen."""
    try:
        answer = call("GET", f"{site.url}/api/deployments/{quote(deployment, safe='')}", token=site.token)
    except NoAnswer as fault:
        return None, str(fault)
    document = answer.document()
    if answer.status not in (200, 202) or not isinstance(document, dict):
        return None, str(answer)
    status = document.get("status")
    if not isinstance(status, int):
        return None, str(answer)
    text = " ".join(str(document.get(name) or "") for name in ("status_text", "message", "progress")).strip()
    if status == SUCCEEDED and document.get("complete") is False:
        return 2, text
    return status, text or "no further word"


def _newest(site: Site) -> str | None:
    """Return the id of the newest deployment, or None if there is none. Raises DeploymentFailed."""
    try:
        answer = call("GET", f"{site.url}/api/deployments/latest", token=site.token)
    except NoAnswer as fault:
        raise DeploymentFailed(f"the deployment side of the app does not answer: {fault}") from fault
    return _id_in(answer) if answer.status in (200, 202) else None


def _newer_than(site: Site, before: str | None, *, ends_at: float) -> str:
    """Return the id of a deployment that was not there before: an old one's success is not ours."""
    while time.monotonic() < ends_at:
        found = _newest(site)
        if found is not None and found != before:
            return found
        time.sleep(site.poll_s)
    raise DeploymentFailed("no deployment of this package appeared; nothing has changed, deploy again")


def _id_in(answer: Answer) -> str | None:
    document = answer.document()
    if isinstance(document, dict):
        document = document.get("id")
    return document if isinstance(document, str) and document else None
