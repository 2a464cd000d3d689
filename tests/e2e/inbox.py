"""The lab's notification inbox as a test sees it: what one environment's incidents became at each receiver."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.cloud_events import EVENT_TYPE_PREFIX
from shared.domain.events import Event, EventType
from shared.domain.incidents import Incident
from shared.domain.notices import after_event, notification_of
from tests.e2e.running_lab import RunningLab, expect

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The inbox, less what another environment is told."""

    lab: RunningLab
    environment: str

    def mode(self, **receivers: str) -> None:
        """Let receivers behave: `webhook="hang"` and so on."""
        for receiver, mode in receivers.items():
            body = {"mode": mode, "receivers": [receiver]}
            expect(self.lab.http.post(f"{self.lab.facts['inbox_url']}/_lab/mode", json=body), 200)

    def read(self) -> dict[str, Any]:
        """Return everything the inbox has."""
        return dict(expect(self.lab.http.get(f"{self.lab.facts['inbox_url']}/_lab/inbox"), 200))

    def newest(self) -> int:
        """Return the number of the newest event of the timeline."""
        return int(self.lab.get(f"admin/environments/{self.environment}/events?after=latest")["next_after"])

    def webhooks(self, *, after: int) -> list[Message]:
        """Return the CloudEvents of this environment that tell of events after one, as they came."""
        return [
            one["body"]
            for one in self.read()["messages"]
            if one["receiver"] == "webhook"
            and one["body"].get("source") == f"/environments/{self.environment}"
            and int(one["body"].get("sequence", 0)) > after
        ]

    def expected(self, *, after: int) -> list[int]:
        """Return the numbers of those events after one that people are told of, as the rules say."""
        told: list[int] = []
        incidents: Sequence[Incident] = ()
        for event in self._timeline():
            said = notification_of(event, incidents)
            incidents = after_event(incidents, event, said, sent_at=event.at if said else None)
            told += [event.sequence] if said is not None and event.sequence > after else []
        return told

    def slack_threads(self, messages: Sequence[Message]) -> set[str]:
        """Return the threads in which the given webhooks' facts stand in Slack, by their ids."""
        ids = {one["id"] for one in messages}
        return {
            str(one["thread"])
            for one in self.read()["messages"]
            if one["receiver"] == "slack" and not one["faults"] and _id_of(one) in ids
        }

    def _timeline(self) -> list[Event]:
        events: list[Event] = []
        while page := self.lab.get(
            f"admin/environments/{self.environment}/events?after={events[-1].sequence if events else 0}&limit=50"
        )["value"]:
            events += [
                Event(
                    environment=self.environment, sequence=int(one["sequence"]), id=one["id"],
                    type=EventType(one["type"].removeprefix(EVENT_TYPE_PREFIX)), at=datetime.fromisoformat(one["time"]),
                    subject=one["subject"], data=one["data"],
                )
                for one in page
            ]  # fmt: skip
        return events


def _id_of(slack: Message) -> str:
    context = next(block for block in slack["body"]["blocks"] if block["type"] == "context")
    return str(context["elements"][0]["text"]).rpartition(" · ")[2]
