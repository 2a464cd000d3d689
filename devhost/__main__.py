"""`python -m devhost`: the lab's commands."""

from __future__ import annotations

from devhost.lab.commands import lab

if __name__ == "__main__":
    lab(prog_name="python -m devhost")
