"""The stand-ins for jq and curl do what the runbook's lines ask of the real ones."""

import subprocess
from pathlib import Path

from tests.e2e.environment import LabEnvironment
from tests.e2e.runbook_run import HERE, documents, filled, path_with_programs, placeholders
from tests.e2e.running_lab import ROOT
from tests.e2e.waiting import eventually


def test_the_runbooks_lines_work_with_the_stand_ins(npr: LabEnvironment, tmp_path: Path) -> None:
    lab = npr.lab
    npr.with_active_primary()
    done_by = f"admin/gateways/{npr.primary}/tasks?status=succeeded"
    eventually(lambda: lab.get(done_by), bool, what="a task to be done", within_s=30)
    parts = (HERE / "runbook_lines.txt").read_text(encoding="utf-8").split("--- ")
    dashboard, resolve = parts[1].partition("\n")[2], parts[4].partition("\n")[2]
    running = parts[12].partition("\n")[2].replace("| jq .", "| jq '.[] | {id, status, claimed_at}'")
    text = f'{dashboard}\n{resolve}\nprintf \'"%s"\\n\' "$GATEWAY_ID"\n{running.replace("running", "succeeded")}'
    variables = path_with_programs(tmp_path / "bin", replaced=("jq", "curl"))

    done = subprocess.run(
        ["bash", "-c", filled(text, placeholders(lab, "NPR"))],
        cwd=ROOT,
        env={**variables, "TOKEN": str(lab.facts["admin_token"])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    shown, resolved, *tasks = documents(done.stdout)
    assert [one["id"] for one in shown["gateways"]] == [one["id"] for one in lab.get("admin/gateways")], done.stdout
    assert resolved == npr.primary, done.stdout
    assert set(tasks[0]) == {"id", "status", "claimed_at"}, done.stdout


def test_the_stand_in_for_curl_fails_as_curl_does_when_nobody_listens(tmp_path: Path) -> None:
    variables = path_with_programs(tmp_path / "bin", replaced=("curl",))

    done = subprocess.run(["bash", "-c", "curl -s http://127.0.0.1:1/"], env=variables, check=False, timeout=60)

    assert done.returncode == 7
