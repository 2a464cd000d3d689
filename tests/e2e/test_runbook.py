"""The runbook, typed command by command against the lab (runbook sections 1 to 3)."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.running_lab import ROOT, RunningLab

HERE = Path(__file__).parent
CLUSTER = (
    "/subscriptions/00000000-0000-4000-8000-000000000002/resourceGroups/rg-gateway-pro-dr"
    "/providers/Microsoft.ContainerService/managedClusters/aks-gateway-pro-dr"
)


def filled(text: str, lab: RunningLab) -> str:
    """Return the script with its placeholders filled; the lab has no certificate, so https becomes its URL."""
    values = {
        "<LAB_FUNCTIONS>": str(HERE / "lab.sh"),
        "https://<PRIMARY_URL>": lab.url,
        "<ENVIRONMENT>": "PRO",
        "<PRIMARY_GATEWAY>": "gw-pro-primary",
        "<DR_GATEWAY>": "gw-pro-dr",
        "<DR_CLUSTER_ID>": CLUSTER,
        "<CONFIG_ID>": "cfg-pro-demo",
        "<STABILITY_WINDOW>": "6",
    }
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    assert not re.search(r"<[A-Z_]+>", text)
    return text


def documents(section: str) -> list[object]:
    """Return the JSON documents a section of the output holds."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (start := re.compile(r"[\[{]").search(section, at)) is not None:
        document, at = decoder.raw_decode(section, start.start())
        found.append(document)
    return found


@pytest.mark.timeout(400)
def test_the_runbook_typed_line_by_line_fails_over_and_back(lab: RunningLab, tmp_path: Path) -> None:
    script, facts_file = tmp_path / "runbook.sh", tmp_path / "facts"
    script.write_text(filled((HERE / "runbook.sh").read_text(encoding="utf-8"), lab), encoding="utf-8")
    with lab.client() as api:
        former = api.get("admin/environments-lock-is-not-public").status_code
    assert former == 404
    lab.command("kill", "gw-pro-primary")
    environment = {
        **os.environ,
        "LAB_FILE": str(lab.folder / "lab.json"),
        "LAB_COMMAND": f"{ROOT}/.lab/venv/bin/python -m devhost",
        "FACTS": str(facts_file),
        "API": lab.url,
        "ENVIRONMENT": "PRO",
        "OLD_TOKEN": "1",
    }

    done = subprocess.run(
        ["bash", str(script)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=380, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
