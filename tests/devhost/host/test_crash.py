"""A crash point in other code kills its process on the asked-for pass and on no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.devhost.host.running import ROOT

PROGRAM = """
from devhost.host.crash import crash_point
for number in range(5):
    crash_point("table.insert")
    crash_point("table.replace")
    print(number, flush=True)
"""


def passes(crash_file: Path) -> tuple[int, str]:
    environment = os.environ | {"DEVHOST_CRASH_FILE": str(crash_file)}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, check=False)
    return ran.returncode, ran.stdout.decode().replace("\n", "")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"point": "table.replace", "when": "inside", "after": 3}, (-9, "01")),
        ({"inside": {"point": "table.replace", "after": 1}}, (-9, "")),
        ({"point": "table.replace", "after": 9}, (0, "01234")),
        ({"point": "elsewhere"}, (0, "01234")),
        ({"activity": "table.replace", "when": "before"}, (0, "01234")),
    ],
)
def test_the_process_dies_at_the_named_pass(tmp_path: Path, content: object, expected: tuple[int, str]) -> None:
    crash_file = tmp_path / "crash.json"
    crash_file.write_text(json.dumps(content))
    assert passes(crash_file) == expected
    assert crash_file.exists() == (expected[0] == 0)


def test_without_a_file_or_with_half_of_one_nothing_dies(tmp_path: Path) -> None:
    assert passes(tmp_path / "none.json") == (0, "01234")
    half = tmp_path / "half.json"
    half.write_text('{"point": "table.repl')
    assert passes(half) == (0, "01234")
