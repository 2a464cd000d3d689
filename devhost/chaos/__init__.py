"""Chaos on real parts: several function hosts over one Azurite and one PostgreSQL, broken at random while they work.

`python -m devhost chaos` starts everything, loads it with tasks, hands the environments over and back, injects faults
from a seeded schedule, heals, and judges what the gateways and operators have written down. The judge,
`devhost.chaos.checker`, knows the promises and none of the code that keeps them.
"""
