"""Runs checkov over infra/terraform in an environment of its own: `python -m devhost.checkov`, or `make checkov`.

Its hundred pinned packages contradict the product's, so they live in `.lab/checkov`, under the hashes of
`devhost/locks/checkov.txt`. What is left out, and why, is in `infra/terraform/.checkov.yaml`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Final

from devhost.setup import (
    LAB,
    LOCKS,
    ROOT,
    UV,
    SetupError,
    begin,
    environment,
    only_one_at_a_time,
    read_stamp,
    run,
    say,
    stamp_of,
    write_stamp,
)

CHECKOV: Final = LAB / "checkov"
LOCK_FILE: Final = LOCKS / "checkov.txt"
TERRAFORM: Final = ROOT / "infra" / "terraform"
EXAMPLES: Final = ("npr", "pro")


def install(*, lock: int) -> None:
    """Make `.lab/checkov` anew unless it was finished from this lock file.

    Raises:
        SetupError: The packages cannot be installed; the message has the end of what the installer printed.
    """
    stamp = stamp_of([LOCK_FILE])
    if read_stamp(CHECKOV) == stamp and (CHECKOV / "bin" / "checkov").exists():
        return
    say("Installing checkov into .lab/checkov (a minute or more) ...")
    begin(CHECKOV)
    shutil.rmtree(CHECKOV, ignore_errors=True)
    python = str(CHECKOV / "bin" / "python")
    uv = UV / "bin" / "uv"
    if uv.exists():
        run([sys.executable, "-m", "venv", "--without-pip", str(CHECKOV)], lock=lock)
        run([str(uv), "pip", "sync", "--quiet", "--python", python, "--require-hashes", str(LOCK_FILE)], lock=lock)
    else:
        run([sys.executable, "-m", "venv", str(CHECKOV)], lock=lock)
        chosen = ["--quiet", "--no-deps", "--require-hashes", "-r", str(LOCK_FILE)]
        run([python, "-m", "pip", "install", *chosen], lock=lock)
    write_stamp(CHECKOV, stamp)


def main() -> int:
    """Check the configuration with the values of each example and return the exit code: 1 when a check failed."""
    try:
        with only_one_at_a_time() as lock:
            install(lock=lock)
    except SetupError as error:
        say(f"checkov could not be installed: {error}")
        return 1
    codes = []
    for name in EXAMPLES:
        say(f"checkov with env/{name}.tfvars:")
        command = [str(CHECKOV / "bin" / "checkov"), "--config-file", ".checkov.yaml", "--directory", "."]
        command += ["--var-file", f"env/{name}.tfvars"]
        codes.append(subprocess.run(command, cwd=TERRAFORM, env=environment(), check=False).returncode)
        if codes[-1] == 0:
            say("  no failed checks")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
