"""Deploy a package to the function app: `make deploy ARGS="..."`.

In this order, each step a line: the package fits the app, no operation runs, the schema is expanded, still no operation
runs, upload, the deployment's real end, smoke test. Tokens come from the environment, never from the command line:

  ARM_TOKEN            for Azure Resource Manager and the deployment side, of the deploying identity
  CONTROL_PLANE_TOKEN  for our own API, with the role gateway:read
  MVDR_MIGRATION_URL   libpq URL of the migrating role; its password, an Entra token, in PGPASSWORD

Exit codes: 0 deployed (or could be, with --dry-run), 2 wrong usage, 3 refused and nothing changed, 4 the database
refused, 5 the deployment failed or nobody knows its end, 6 deployed but not working.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Final

from release.control_plane import ControlPlane, NotAsked, faults_of, running_operations, wait_until_ready
from release.fitness import Unfit, check_migrations, check_runtime, describe
from release.migrations import MigrationFailed, expand, is_current
from release.package import NAME, ROOT
from release.publish import DeploymentFailed, Site, publish

NEEDED: Final = ("ARM_TOKEN", "CONTROL_PLANE_TOKEN", "MVDR_MIGRATION_URL")
DEADLINE_S: Final = 900.0
READY_S: Final = 300.0  # a cold start, and two passes of the monitor
POLL_S: Final = 5.0

Say = Callable[[str], object]


class Exit(IntEnum):
    """How a deployment ended."""

    DEPLOYED = 0
    REFUSED = 3  # nothing has changed
    DATABASE = 4  # the present release works on, on whatever was added
    DEPLOYMENT = 5  # the present release may or may not have been replaced
    SMOKE = 6  # the new release is in place and does not work


class Refused(Exception):
    """Now is not the time; nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything one deployment needs to know."""

    package: Path
    plane: ControlPlane
    site: Site
    arm_url: str
    app_id: str
    migration_url: str
    unasked: str  # why the control plane is not asked for operations; empty: it is asked
    ready_s: float


def main(arguments: Sequence[str], *, environ: Mapping[str, str], say: Say) -> int:
    """Run the command line and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if missing := [name for name in NEEDED if not environ.get(name)]:
        parser.error(f"set {', '.join(missing)} in the environment")
    site = Site(
        url=options.scm_url.rstrip("/"),
        token=environ["ARM_TOKEN"],
        poll_s=options.poll_s,
        deadline_s=options.deadline_s,
    )
    plan = Plan(
        package=options.package,
        plane=ControlPlane(url=options.url.rstrip("/"), token=environ["CONTROL_PLANE_TOKEN"]),
        site=site,
        arm_url=options.arm_url.rstrip("/"),
        app_id=options.app_id,
        migration_url=environ["MVDR_MIGRATION_URL"],
        unasked=options.without_asking,
        ready_s=options.ready_s,
    )
    try:
        return look(plan, say=say) if options.dry_run else deploy(plan, say=say)
    except (Refused, Unfit) as fault:
        say(f"REFUSED: {fault}")
        return Exit.REFUSED
    except MigrationFailed as fault:
        say(f"FAILED at the database, the present release works on: {fault}")
        return Exit.DATABASE
    except DeploymentFailed as fault:
        say(f"FAILED: {fault}")
        say(_way_back())
        return Exit.DEPLOYMENT


def look(plan: Plan, *, say: Say) -> int:
    """Check all that can be checked without changing anything. Raises Refused, Unfit and MigrationFailed."""
    _check(plan, say=say)
    is_current(plan.migration_url, say=say)
    say("dry run: nothing was changed; a deployment applies the missing pre migrations, then uploads the package")
    return Exit.DEPLOYED


def deploy(plan: Plan, *, say: Say) -> int:
    """Deploy, and return how it ended. Raises Refused, Unfit, MigrationFailed and DeploymentFailed."""
    _check(plan, say=say)
    expand(plan.migration_url, say=say)
    # Once more: a migration may have waited for minutes, and somebody may have needed the control plane meanwhile.
    _refuse_while_operations_run(plan, say=say)
    package = plan.package.read_bytes()
    say(f"uploading {len(package) / 1e6:.1f} MB")
    deployment = publish(plan.site, package, say=say)
    say(f"deployment {deployment} succeeded; smoke test")
    faults = smoke(plan, say=say)
    for fault in faults:
        say(f"SMOKE TEST: {fault}")
    if faults:
        say(_way_back())
        return Exit.SMOKE
    say("deployed: every route answers, tokens are checked, both stores answer and the monitor ticks")
    return Exit.DEPLOYED


def smoke(plan: Plan, *, say: Say) -> list[str]:
    """Return what does not work, as sentences."""
    wrong = wait_until_ready(plan.plane, poll_s=plan.site.poll_s, deadline_s=plan.ready_s, say=say)
    return [wrong] if wrong else list(faults_of(plan.plane))


def _check(plan: Plan, *, say: Say) -> None:
    say(f"package {plan.package.name}: {describe(plan.package)}")
    check_migrations(plan.package, ROOT)
    check_runtime(plan.package, arm_url=plan.arm_url, app_id=plan.app_id, token=plan.site.token)
    _refuse_while_operations_run(plan, say=say)


def _refuse_while_operations_run(plan: Plan, *, say: Say) -> None:
    if plan.unasked:
        say(f"the control plane is not asked for running operations: {plan.unasked}")
        return
    try:
        running = running_operations(plan.plane)
    except NotAsked as fault:
        raise Refused(
            f"the control plane does not say whether an operation runs ({fault}). "
            "If it is down or not there yet, pass --without-asking REASON"
        ) from fault
    if running:
        raise Refused(f"{'; '.join(running)}. A deployment stops the host: wait for its end, then deploy")
    say("no operation runs")


def _way_back() -> str:
    return (
        "To go back, deploy the former package again: the same command with --package FORMER.zip and --without-asking. "
        "The schema was only added to, so the former release works with it."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", type=Path, default=ROOT / "build" / NAME, help="default: build/gateway-dr.zip")
    parser.add_argument("--url", required=True, help="base URL of the control plane, without /api")
    parser.add_argument(
        "--scm-url", required=True, help="deployment side of the app: https://NAME.scm.azurewebsites.net"
    )
    parser.add_argument("--app-id", required=True, help="resource id of the function app")
    parser.add_argument("--arm-url", default="https://management.azure.com", help="default: %(default)s")
    parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")
    parser.add_argument("--without-asking", default="", metavar="REASON", help="do not ask for running operations")
    parser.add_argument("--deadline-s", type=float, default=DEADLINE_S, help="upload to end; default: %(default)s")
    parser.add_argument("--ready-s", type=float, default=READY_S, help="until it is ready; default: %(default)s")
    parser.add_argument("--poll-s", type=float, default=POLL_S, help="between two looks; default: %(default)s")
    return parser


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], environ=os.environ, say=_say))
