"""`python -m devhost`: the lab's commands."""

from __future__ import annotations

from devhost.chaos.command import chaos
from devhost.lab.commands import lab
from devhost.simulation.command import simulate
from devhost.usage.command import cost, usage

lab.add_command(chaos)
lab.add_command(simulate)
lab.add_command(usage)
lab.add_command(cost)

if __name__ == "__main__":
    lab(prog_name="python -m devhost")
