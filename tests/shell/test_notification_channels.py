"""Receivers of notifications reach the ports, and a vault that said no keeps nothing from running."""

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.test_config import GIVEN

ROOT = Path(__file__).resolve().parents[2]
SHOW = "from shared.wiring import ports; print([one.name for one in ports().receivers.channels()])"


def wired(channels: str) -> subprocess.CompletedProcess[str]:
    """Build the ports in a process of its own, and print the names of the channels."""
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT, env={**GIVEN, "MVDR_NOTIFICATION_CHANNELS": channels}, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip


def test_the_configured_channels_are_the_ones_the_steps_see() -> None:
    one = {"kind": "teams", "url": "https://x.logic.azure.com/in"}
    assert wired(json.dumps({"second": one, "first": one})).stdout == "['first', 'second']\n"


def test_an_unresolved_reference_is_told_and_leaves_no_channel() -> None:
    done = wired("@Microsoft.KeyVault(VaultName=kv-x;SecretName=channels)")
    assert done.stdout == "[]\n"
    assert '"event":"notification_channels.unresolved"' in done.stderr
