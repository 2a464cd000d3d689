"""The lab: the whole product and everything it talks to, on one machine, for two environments.

`python -m devhost up` starts it and tells what happens; `python -m devhost kill gw-pro-primary` and its sisters, typed
in another terminal, break things. Everything the lab makes lies in one directory, `.lab` unless told otherwise.

One process, the supervisor, is the parent of all others. Two facts make every way of ending safe:

* the kernel ends the children of a supervisor that was killed (`devhost.backends.processes.spawn`);
* `run.json` names every child by process id *and* time of birth, so that `down`, or the next `up`, ends what is left
  and never a stranger that was given the same number.
"""
