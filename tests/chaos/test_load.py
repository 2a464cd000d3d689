"""Every task is sent until somebody says yes, and again when a store has forgotten that it did."""

from __future__ import annotations

import random
import threading
import time

from devhost.chaos.api import Answer, Api, Heard
from devhost.chaos.load import Load
from devhost.chaos.patience import Patience


class Moody(Api):
    """A control plane that answers as it was told to, and then yes."""

    def __init__(self, *moods: Heard) -> None:
        self.moods = list(moods)
        self.sent: list[tuple[str, str]] = []

    def execute(self, environment: str, config: str, key: str) -> Answer:
        """Note what was sent."""
        del environment
        self.sent.append((key, config))
        return Answer(heard=self.moods.pop(0) if self.moods else Heard.OK)


def load(api: Api, *, limit: int) -> Load:
    return Load(api, "PRO", random.Random(3), per_s=0.0, limit=limit)


def test_a_key_is_sent_again_with_its_config_until_the_answer_is_yes() -> None:
    api = Moody(Heard.UNKNOWN, Heard.REFUSED, Heard.UNKNOWN)
    queue = load(api, limit=2)
    queue.run(threading.Event())
    assert queue.settle(within_s=5)
    assert set(queue.queued) == {"PRO-1", "PRO-2"}
    assert [key for key, _ in api.sent].count("PRO-1") == 4
    assert len({config for key, config in api.sent if key == "PRO-1"}) == 1


def test_what_was_accepted_since_a_loss_is_sent_again_and_nothing_older() -> None:
    api = Moody()
    queue = load(api, limit=1)
    queue.run(threading.Event())
    since_ns = time.monotonic_ns()
    queue.one_more()
    assert queue.send_again(since_ns) == 1
    assert set(queue.queued) == {"PRO-1"}
    assert queue.settle(within_s=5)
    assert [key for key, _ in api.sent] == ["PRO-1", "PRO-2", "PRO-2"]


def test_whoever_wants_to_be_alone_waits_for_the_others_and_keeps_new_ones_out() -> None:
    patience = Patience()
    told: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with patience.together():
            inside.set()
            leave.wait(5)
            told.append("left")

    def alone() -> None:
        with patience.alone():
            told.append("alone")

    threads = [threading.Thread(target=other), threading.Thread(target=alone)]
    threads[0].start()
    assert inside.wait(5)
    threads[1].start()
    time.sleep(0.05)
    assert told == []
    leave.set()
    for thread in threads:
        thread.join(5)
    assert told == ["left", "alone"]
