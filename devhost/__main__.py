"""`python -m devhost`: the lab's commands."""

from __future__ import annotations

from devhost.chaos.command import chaos
from devhost.lab.commands import lab
from devhost.simulation.command import simulate

lab.add_command(chaos)
lab.add_command(simulate)

if __name__ == "__main__":
    lab(prog_name="python -m devhost")
