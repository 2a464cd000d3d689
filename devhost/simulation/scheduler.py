"""One seed, one order: actors take turns, and every access to a store is a place where the turn may pass on.

Theory. The product's steps are plain functions, so each actor runs on a thread of its own; but a baton goes round, and
only its holder runs. Whoever gives the baton away looks into a heap of due times and draws, from the seed, who goes on.
No thread ever chooses, and time is a number that jumps to the next due time: equal seeds make equal runs.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from random import Random

STACK_BYTES = 512 * 1024


class Killed(BaseException):
    """The process that ran the actor is gone; nothing in the product can catch it."""


class Actor:
    """One running action: a request, a pass of a timer, a driver of an operation."""

    def __init__(self, name: str, action: Callable[[], None], *, host: str, asks: bool, mortal: bool) -> None:
        self.name = name
        self.action = action
        self.host = host  # whose clock and connections it uses; empty for what runs outside the control plane
        self.asks = asks  # an operator's call: what it writes is kept, to compare with what it is told
        self.mortal = mortal  # its process may die at any access
        self.number = 0
        self.dead = False
        self.ended = False
        self.on_end: Callable[[bool], None] | None = None  # told whether the actor was killed
        self.worker: _Worker | None = None
        self.ticket = 0


class _Worker:
    """A thread that carries one actor at a time."""

    def __init__(self, work: Callable[[_Worker], None]) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        self.actor: Actor | None = None
        self.thread = threading.Thread(target=work, args=(self,), name="simulated-actor", daemon=True)
        self.thread.start()


class Scheduler:
    """Runs actors one at a time. `now_s` is true time, in seconds since the run began."""

    def __init__(self, random: Random) -> None:
        self.now_s = 0.0
        self.current: Actor | None = None
        self.failures: list[tuple[str, BaseException]] = []  # actor, what it ended with and should not have
        self.switches = 0
        self._random = random
        self._numbers = 0
        self._due: list[tuple[float, float, int, Actor]] = []
        self._until_s = 0.0
        self._ended = threading.Lock()  # given to `run` when nobody is due any more
        self._ended.acquire()
        self._idle: list[_Worker] = []
        self._workers: list[_Worker] = []
        self._closing = False

    def start(
        self, name: str, action: Callable[[], None], *, in_s: float = 0.0, host: str = "", asks: bool = False,
        mortal: bool = False,
    ) -> Actor:  # fmt: skip
        """Let an action run `in_s` seconds from now, and return its actor."""
        actor = Actor(name, action, host=host, asks=asks, mortal=mortal)
        self._schedule(actor, self.now_s + in_s)
        actor.number = actor.ticket
        return actor

    def repeat(self, name: str, action: Callable[[], None], pause_s: Callable[[], float]) -> None:
        """Let an action run again and again, each time `pause_s()` after the end of the time before."""

        def once() -> None:
            action()
            self.start(name, once, in_s=pause_s())

        # A new actor each time: one that slept in between would cost two changes of thread.
        self.start(name, once, in_s=pause_s())

    def sleep(self, seconds: float) -> None:
        """Suspend the current actor for that long. Raises Killed."""
        actor = self.current
        assert actor is not None, "nobody runs"
        if actor.dead:  # what runs while it is torn down must not wait
            raise Killed(actor.name)
        self._schedule(actor, self.now_s + seconds)
        self._give_way(actor)

    def wake(self, actor: Actor) -> None:
        """Let a suspended actor go on now instead of later."""
        self._schedule(actor, self.now_s)

    def kill(self, actor: Actor) -> None:
        """End an actor where it is; one that never ran, never runs."""
        if actor.ended or actor.dead:
            return
        actor.dead = True
        if actor is not self.current:
            self._schedule(actor, self.now_s)

    def run(self, until_s: float) -> None:
        """Let everything happen that is due until then."""
        self._until_s = until_s
        actor = self._next()
        if actor is not None:
            self._hand_over(actor)
            self._ended.acquire()
        self.current = None
        self.now_s = max(self.now_s, until_s)

    def close(self) -> None:
        """Kill every actor and end the threads."""
        self._closing = True
        suspended = [worker.actor for worker in self._workers if worker.actor is not None]
        self._due.clear()
        for actor in suspended:
            actor.dead = True
            self._schedule(actor, self.now_s)
        self.run(self.now_s)
        for worker in self._workers:
            worker.gate.release()
        for worker in self._workers:
            worker.thread.join()

    def _schedule(self, actor: Actor, due_s: float) -> None:
        self._numbers += 1
        actor.ticket = self._numbers
        # Chance, not order of arrival, decides among those who are due at one moment.
        heapq.heappush(self._due, (due_s, self._random.random(), actor.ticket, actor))

    def _next(self) -> Actor | None:
        while self._due:
            due_s, _, ticket, actor = self._due[0]
            if due_s > self._until_s:
                return None
            heapq.heappop(self._due)
            fresh_and_dead = actor.dead and actor.worker is None
            if actor.ticket != ticket or actor.ended or fresh_and_dead:
                continue
            self.now_s = max(self.now_s, due_s)
            return actor
        return None

    def _hand_over(self, actor: Actor) -> None:
        self.switches += 1
        if actor.worker is None:
            worker = self._idle.pop() if self._idle else self._new_worker()
            worker.actor, actor.worker = actor, worker
        self.current = actor
        actor.worker.gate.release()

    def _new_worker(self) -> _Worker:
        former = threading.stack_size(STACK_BYTES)
        worker = _Worker(self._work)
        threading.stack_size(former)
        self._workers.append(worker)
        return worker

    def _give_way(self, actor: Actor) -> None:
        following = self._next()
        if following is not actor:
            assert actor.worker is not None
            if following is None:
                self._ended.release()
            else:
                self._hand_over(following)
            actor.worker.gate.acquire()
        self.current = actor
        if actor.dead:
            raise Killed(actor.name)

    def _work(self, worker: _Worker) -> None:
        while True:
            worker.gate.acquire()
            actor = worker.actor
            if actor is None:
                return
            while actor is not None:
                self._carry(actor)
                actor = self._pass_on(worker)

    def _carry(self, actor: Actor) -> None:
        self.current = actor
        try:
            actor.action()
        except Killed:
            actor.dead = True
        except Exception as failure:
            self.failures.append((actor.name, failure))
        actor.ended = True
        if actor.on_end is not None and not self._closing:
            actor.on_end(actor.dead)

    def _pass_on(self, worker: _Worker) -> Actor | None:
        """Return an actor that has not run yet for this very thread, or give the baton to another thread."""
        worker.actor = None
        following = self._next()
        if following is not None and following.worker is None:
            worker.actor, following.worker = following, worker
            return following
        self._idle.append(worker)
        if following is None:
            self._ended.release()
        else:
            self._hand_over(following)
        return None
