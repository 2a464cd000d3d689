"""Run an unmodified `function_app.py` on this machine with the real Azure Functions and Durable Functions libraries.

`python -m devhost.host --app DIR --port 0 --journal FILE` imports the application as the Azure Functions Python worker
does, converts every argument and result with the converters shipped in `azure-functions`, and speaks to
`azure-functions-durable` 1.x the JSON protocol the Durable extension speaks: the whole history in, the list of actions
out. Histories, queued activities and timers live in one SQLite file and survive a kill at any moment.

Deviations from Azure, all deliberate:

* Durable entities, `call_http` and rewind are not hosted. An entity trigger is a load error; an orchestrator that asks
  for one of them fails with a message that says so; the rewind endpoint answers 501.
* Only HTTP, timer, activity and orchestration triggers and the Durable client binding are hosted. Any other binding
  is a load error.
* An orchestrator that schedules an activity or a sub-orchestrator the application does not have fails at once. Azure
  leaves such an instance Running for ever.
* Function keys are not checked: every authorization level counts as anonymous, as with Core Tools.
* One process, one worker. There is no partition or lease movement, so a message is delivered twice only after a crash.
* A function timeout reports the failure, but a synchronous function keeps its thread until it returns.
* The `retry` decorator of timer functions is ignored, and a local time that daylight saving time skips or repeats is
  not treated specially.
* `POST /admin/functions/NAME` answers 202 after the run has ended, not before, and ignores the no-overlap rule of
  timers.
* Commits to disk happen on the host's event loop, so a very slow disk delays requests too.
* `parentInstance` versions, scheduled starts, payload limits and distributed tracing are absent.
"""
