"""A run whose supervisor is killed leaves no process behind, those that cannot hear of it included."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devhost.lab.births import Named, wait_until_gone
from devhost.lab.layout import ROOT, Layout, read_json

pytestmark = pytest.mark.timeout(180)

STARTED_WITHIN_S, GONE_WITHIN_S = 90.0, 15.0
PARTS = {"arm", "issuer", "azurite", "postgres", "postgres-standby", "host-1", "gw-npr-primary", "gw-pro-primary"}
FROZEN = {"azurite", "host-1", "gw-pro-primary"}


def children(layout: Layout) -> dict[str, Named]:
    return {one["name"]: Named(**one) for one in read_json(layout.run_file).get("children", [])}


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    layout = Layout(folder=tmp_path / "chaos")
    words = [sys.executable, "-m", "devhost", "chaos", "--hosts", "1", "--minutes", "5", "--dir", str(layout.folder)]
    with (tmp_path / "said").open("wb") as said:
        supervisor = subprocess.Popen(words, cwd=ROOT, stdout=said, stderr=said)
    try:
        gives_up_at_s = time.monotonic() + STARTED_WITHIN_S
        while not children(layout).keys() >= PARTS:
            assert time.monotonic() < gives_up_at_s, (tmp_path / "said").read_text(encoding="utf-8")
            assert supervisor.poll() is None, (tmp_path / "said").read_text(encoding="utf-8")
            time.sleep(0.1)
        left = children(layout)
        for name in FROZEN:
            assert left[name].send(signal.SIGSTOP), name
    finally:
        supervisor.kill()
        supervisor.wait()
    gone = wait_until_gone(left.values(), within_s=GONE_WITHIN_S)
    assert gone, [named.name for named in left.values() if named.alive]
