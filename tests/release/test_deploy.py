"""What a deployment refuses, what it believes, and what it says when it went wrong."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from release.deploy import main
from tests.backends_roles import Deployed
from tests.release.fake_site import APP_ID, READER_TOKEN, SITE_TOKEN, FakeSite, served

ROOT = Path(__file__).resolve().parents[2]
HERE = f"3.{sys.version_info.minor}"


@dataclass(slots=True)
class Run:
    """One function app, one package, and what a deployment of it says."""

    site: FakeSite
    package: Path
    database_url: str
    said: list[str] = field(default_factory=list)

    def deploy(self, *options: str, database_url: str = "", token: str = SITE_TOKEN) -> int:
        arguments = ["--package", str(self.package), "--url", self.site.url, "--scm-url", self.site.url]
        arguments += ["--app-id", APP_ID, "--arm-url", self.site.url, "--poll-s", "0.02", "--ready-s", "0.3"]
        environ = {
            "ARM_TOKEN": token,
            "CONTROL_PLANE_TOKEN": READER_TOKEN,
            "MVDR_MIGRATION_URL": database_url or self.database_url,
        }
        return main([*arguments, *options], environ=environ, say=self.said.append)

    @property
    def last(self) -> str:
        return "\n".join(self.said[-3:])


@pytest.fixture
def run(tmp_path: Path, deployed_database: Deployed) -> Iterator[Run]:
    package = tmp_path / "gateway-dr.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(f"__pycache__/function_app.cpython-3{sys.version_info.minor}.pyc", b"compiled")
    with served(FakeSite(runtime={"name": "python", "version": HERE})) as site:
        yield Run(site, package, deployed_database.migrator_url)


def test_a_package_is_deployed_and_every_step_is_said(run: Run) -> None:
    assert run.deploy() == 0
    assert run.site.uploads == [run.package.read_bytes()]
    said = "\n".join(run.said)
    order = ["package gateway-dr.zip: ", "no operation runs", "up to date", "no operation runs", "uploading"]
    order += ["accepted, which says nothing yet", "building", "deploying", "succeeded; smoke test", "deployed: "]
    position = 0
    for line in order:
        position = said.index(line, position) + len(line)


def test_a_dry_run_checks_everything_and_changes_nothing(run: Run) -> None:
    with psycopg.connect(run.database_url) as connection:
        connection.execute("delete from schema_migrations where version = 2")
    assert run.deploy("--dry-run") == 0
    assert "0002_pre_resolutions_and_requests missing" in run.said
    assert run.site.uploads == []
    run.site.running = True
    assert run.deploy("--dry-run") == 3


def test_nothing_is_deployed_while_an_operation_runs(run: Run) -> None:
    run.site.running = True
    assert run.deploy(database_url="postgresql://nobody@127.0.0.1:1/none") == 3
    assert "REFUSED: failover op-failover in PRO" in run.last
    assert run.site.uploads == []


def test_an_operation_that_begins_during_the_migration_stops_the_deployment(run: Run) -> None:
    run.site.starts_after_looks = 1
    assert run.deploy() == 3
    assert "up to date" in run.said
    assert run.site.uploads == []


def test_a_control_plane_that_does_not_answer_is_not_taken_for_an_idle_one(run: Run) -> None:
    run.site.api_is_up = False
    assert run.deploy() == 3
    assert "does not say whether an operation runs" in run.last
    assert "--without-asking" in run.last
    assert run.site.uploads == []
    assert run.deploy("--without-asking", "first deployment") == 6, "uploaded, and still not up"
    assert "not asked for running operations: first deployment" in "\n".join(run.said)
    assert len(run.site.uploads) == 1


@pytest.mark.parametrize(
    "runtime", [{"name": "python", "version": "3.9"}, {"name": "node", "version": HERE}, {}], ids=str
)
def test_a_package_for_another_runtime_is_refused(run: Run, runtime: dict[str, str]) -> None:
    run.site.runtime = runtime
    assert run.deploy() == 3
    assert run.site.uploads == []


def test_a_zip_that_make_package_did_not_build_is_refused(run: Run) -> None:
    with zipfile.ZipFile(run.package, "w") as archive:
        archive.writestr("function_app.py", "")
    assert run.deploy() == 3
    assert "not built by `make package`" in run.last
    run.package.write_bytes(b"no zip")
    assert run.deploy() == 3


@pytest.mark.parametrize("name", ["0001_pre_fence_and_tasks", "0099_pre_later"], ids=["changed", "unknown"])
def test_a_package_whose_schema_this_checkout_cannot_make_is_refused(run: Run, name: str) -> None:
    with zipfile.ZipFile(run.package, "a") as archive:
        archive.writestr(f"shared/adapters/sql/migrations/{name}.sql", "create table later ()")
    assert run.deploy() == 3
    assert "deploy from the package's own commit" in run.last
    assert run.site.uploads == []


def test_a_database_that_refuses_stops_the_deployment_before_the_upload(run: Run) -> None:
    with psycopg.connect(run.database_url) as connection:
        connection.execute("update schema_migrations set checksum = 'x' where version = 1")
    assert run.deploy() == 4
    assert "has changed since it was applied" in run.last
    assert run.site.uploads == []


@pytest.mark.parametrize("status", [3, -1, 5, 6, 42])
def test_a_deployment_that_ends_badly_after_it_was_accepted_fails(run: Run, status: int) -> None:
    run.site.statuses = [{"status": 1}, {"status": status, "status_text": "No space left"}]
    assert run.deploy() == 5
    assert "No space left" in run.last
    assert "go back" in run.last


def test_a_deployment_that_says_success_before_it_is_complete_is_waited_for(run: Run) -> None:
    run.site.statuses = [{"status": 4, "complete": False}, {"status": 3, "status_text": "late failure"}]
    assert run.deploy() == 5
    assert "late failure" in run.last


def test_a_deployment_that_never_ends_meets_the_deadline(run: Run) -> None:
    run.site.statuses = [{"status": 2}]
    assert run.deploy("--deadline-s", "0.3") == 5
    assert "did not end within 0 s; it may still end either way" in run.last


def test_an_upload_refused_while_roles_spread_is_repeated(run: Run) -> None:
    run.site.refuse_upload = [403, 503]
    assert run.deploy() == 0
    assert len(run.site.uploads) == 1


def test_an_upload_refused_for_good_is_not_repeated(run: Run) -> None:
    run.site.refuse_upload = [415]
    assert run.deploy() == 5
    assert "the package was refused: 415" in run.last
    assert run.site.uploads == []


@pytest.mark.parametrize("answer", [None, {"message": "accepted"}], ids=["lost", "without id"])
def test_an_unclear_answer_to_the_upload_is_settled_by_looking(run: Run, answer: object) -> None:
    run.site.upload_answer = answer
    assert run.deploy() == 0
    assert len(run.site.uploads) == 1


def test_the_former_deployments_success_is_never_taken_for_ours(run: Run) -> None:
    run.site.upload_answer = {"message": "accepted"}
    run.site.newest = "deployment-2"  # nothing newer will ever appear
    assert run.deploy("--deadline-s", "0.3") == 5
    assert "no deployment of this package appeared" in run.last


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"missing_routes": frozenset({"heartbeat"})}, "heartbeat answers nobody with 404 instead of 405"),
        ({"accepts_forged_tokens": True}, "answers a forged token with 200 instead of 401"),
        ({"is_ready": False}, "health/ready: 503"),
    ],
    ids=["route missing", "forged token accepted", "not ready"],
)
def test_a_release_that_does_not_work_is_reported_with_the_way_back(
    run: Run, change: dict[str, object], word: str
) -> None:
    for name, value in change.items():
        setattr(run.site, name, value)
    assert run.deploy() == 6
    assert word in run.last
    assert "To go back, deploy the former package again" in run.last


def test_no_token_reaches_what_is_said(run: Run) -> None:
    assert run.deploy(token="wrong") == 3
    assert run.deploy() == 0
    for secret in (SITE_TOKEN, READER_TOKEN, "wrong"):
        assert secret not in "\n".join(run.said)


def test_missing_variables_are_named_together(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--url", run.site.url, "--scm-url", run.site.url, "--app-id", APP_ID]
    with pytest.raises(SystemExit) as ended:
        main(arguments, environ={"ARM_TOKEN": "x"}, say=run.said.append)
    assert ended.value.code == 2
    assert "CONTROL_PLANE_TOKEN, MVDR_MIGRATION_URL" in capsys.readouterr().err


def test_help_explains_tokens_and_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "release.deploy", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for word in ("ARM_TOKEN", "--dry-run", "--without-asking", "Exit codes", "6 deployed but not working"):
        assert word in done.stdout
