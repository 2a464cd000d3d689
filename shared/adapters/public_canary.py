"""The health monitor's canary: a look at the public endpoint, the way a gateway's heartbeat comes in."""

import urllib.error
import urllib.request

TIMEOUT_S = 2.0


class PublicCanary:
    """`Canary` over HTTP. Silence of gateways means nothing while the endpoint they call does not answer."""

    def __init__(self, public_url: str | None) -> None:
        """`public_url` is the base URL without /api; None: no canary is configured."""
        self._url = f"{public_url.rstrip('/')}/api/health/live" if public_url else None

    def answers(self) -> bool:
        """Whether the endpoint answered with 200 within 2 s; True when none is configured."""
        if self._url is None:
            return True
        request = urllib.request.Request(self._url, method="GET")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False
