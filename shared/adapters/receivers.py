"""The way out to the receivers of notifications: one POST each, all at once, each within a bound.

aiohttp is imported on first use. Durable brings it along, so it costs the package nothing.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Coroutine, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from shared.adapters import receiver_pagerduty, receiver_slack, receiver_teams, receiver_webhook
from shared.adapters.receiver_texts import Rendered, link
from shared.domain.notifications import Answer, Channel, ChannelKind, Outgoing, Receipt
from shared.ports import Clock
from shared.ports.notifications import Destination

if TYPE_CHECKING:
    import aiohttp

ATTEMPT_S: Final = 10.0
"""The longest one attempt takes, from looking the name up to the last byte read, however slowly they come."""
LARGEST_ANSWER_BYTES: Final = 4096
LONGEST_RETRY_AFTER_S: Final = 86_400.0
TRANSIENT_STATUSES: Final = frozenset({408, 425, 429})
SHORT: Final = 6  # what an address shares with ordinary words
# Slack answers with one word, PagerDuty and Workflows with a JSON object.
_REASON: Final = re.compile(r"""\A([a-z_]{3,60})\Z|"message"\s*:\s*"([\w '.,;:-]{1,120})\"""")
USER_AGENT: Final = "mazevault-gateway-dr"


class HttpReceivers:
    """`Receivers` over HTTPS. Safe to share between threads: nothing is kept between two calls."""

    def __init__(self, destinations: Sequence[Destination], *, clock: Clock, public_url: str | None) -> None:
        """Connects to nothing. `public_url` is what links in messages begin with; without it there are none."""
        self._destinations = {one.channel.name: one for one in destinations}
        self._clock = clock
        self._public_url = public_url

    def channels(self) -> Sequence[Channel]:
        """Return the channels, by name."""
        return [self._destinations[name].channel for name in sorted(self._destinations)]

    def send(self, outgoing: Sequence[Outgoing]) -> Sequence[Answer]:
        """Send all of them at once and return the answers in their order; see `Receivers`."""
        return _run(self._send(outgoing)) if outgoing else []

    async def _send(self, outgoing: Sequence[Outgoing]) -> list[Answer]:
        import aiohttp

        from shared.adapters.receiver_names import public_names

        async with aiohttp.ClientSession(
            # A connection serves one request: what is left of an answer is never read.
            connector=aiohttp.TCPConnector(force_close=True, limit=0, resolver=public_names()),
            timeout=aiohttp.ClientTimeout(total=ATTEMPT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            auto_decompress=False,
            trust_env=False,
            read_bufsize=LARGEST_ANSWER_BYTES,
        ) as session:
            return await asyncio.gather(*(self._attempt(session, one) for one in outgoing))

    async def _attempt(self, session: aiohttp.ClientSession, outgoing: Outgoing) -> Answer:
        import aiohttp

        destination = self._destinations.get(outgoing.channel.name)
        if destination is None:
            return Answer(receipt=Receipt.REFUSED, detail="no channel of this name is configured")
        request = self._rendered(outgoing, destination)
        try:
            async with (
                asyncio.timeout(ATTEMPT_S),
                session.post(request.url, data=request.body, headers=request.headers, allow_redirects=False) as answer,
            ):
                # No more of it than this, whatever it says of its length.
                body = await _beginning(answer)
                answer.close()
                return self._judged(answer, body.decode(errors="replace"), outgoing, destination)
        except TimeoutError:
            return Answer(receipt=Receipt.FAILED, detail=f"no answer within {ATTEMPT_S:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(receipt=Receipt.FAILED, detail=_without_address(error))

    def _rendered(self, outgoing: Outgoing, destination: Destination) -> Rendered:
        where = link(outgoing.notification, self._public_url)
        match destination.channel.kind:
            case ChannelKind.WEBHOOK:
                return receiver_webhook.render(outgoing, destination, at=self._clock.now(), link=where)
            case ChannelKind.SLACK:
                return receiver_slack.render(outgoing, destination, link=where)
            case ChannelKind.TEAMS:
                return receiver_teams.render(outgoing, destination, link=where)
            case ChannelKind.PAGERDUTY:
                return receiver_pagerduty.render(outgoing, destination, link=where)

    def _judged(
        self, answer: aiohttp.ClientResponse, body: str, outgoing: Outgoing, destination: Destination
    ) -> Answer:
        status = answer.status
        if destination.room is not None and status == 200:
            return receiver_slack.answer(status, body, outgoing)
        if 200 <= status < 300:
            return Answer(receipt=Receipt.ACCEPTED, status=status, thread=outgoing.thread)
        if status in TRANSIENT_STATUSES or status >= 500:
            wait_s = retry_after_s(answer.headers.get("Retry-After", ""), now=self._clock.now())
            return Answer(receipt=Receipt.FAILED, status=status, detail=f"answered {status}", retry_after_s=wait_s)
        what = "redirects, which are not followed" if 300 <= status < 400 else f"answered {status}"
        detail = f"{what}{_reason(body, destination)}"
        return Answer(receipt=Receipt.REFUSED, status=status, detail=detail)


def retry_after_s(value: str, *, now: datetime) -> float | None:
    """Return how long a Retry-After header asks to wait, in seconds or until a date; None for what says neither.

    At most a day: whoever asks for more would be forgotten. Source: RFC 9110, 10.2.3.
    """
    try:
        wait_s = float(value)
    except ValueError:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        if until.tzinfo is None:
            return None
        wait_s = (until - now).total_seconds()
    return min(max(wait_s, 0.0), LONGEST_RETRY_AFTER_S) if math.isfinite(wait_s) else None


def _reason(body: str, destination: Destination) -> str:
    """Return the receiver's own reason where it is short and plain, and repeats nothing of the address."""
    found = _REASON.search(body)
    text = next((part for part in found.groups() if part), "") if found else ""
    private = [part for part in (destination.secret, *re.split(r"[/?&=]", destination.url)) if len(part) >= SHORT]
    return f": {text}" if text and not any(part in text for part in private) else ""


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) < LARGEST_ANSWER_BYTES:
        piece = await answer.content.read(LARGEST_ANSWER_BYTES - len(body))
        if not piece:
            break
        body += piece
    return body


def _without_address(error: Exception) -> str:
    """Return what went wrong in words of ours: the error's own name the host, and a URL is a secret at times."""
    import aiohttp

    known: tuple[tuple[type[Exception], str], ...] = (
        (aiohttp.ClientConnectorDNSError, "its name was not found"),
        (aiohttp.ClientSSLError, "no TLS connection: its certificate is not trusted, or it speaks no TLS"),
        (aiohttp.ClientConnectorError, "no connection"),
        (aiohttp.ServerDisconnectedError, "the connection ended before an answer"),
        (aiohttp.ClientResponseError, "its answer is no HTTP"),
        (aiohttp.ClientPayloadError, "its answer broke off"),
    )
    return next((text for kind, text in known if isinstance(error, kind)), f"no answer ({type(error).__name__})")


def _run(work: Coroutine[Any, Any, list[Answer]]) -> list[Answer]:
    """Return what comes of a coroutine, in a loop of its own.

    Not asyncio.run, which waits at its end for every thread of the loop: one that looks up a name may hang for minutes.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(_leave())
        loop.close()


async def _leave() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0)  # closed connections go in the next round of the loop
