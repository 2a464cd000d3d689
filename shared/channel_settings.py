"""The members of MVDR_NOTIFICATION_CHANNELS: one model per kind of receiver.

Everything secret is a `SecretStr`, and no fault repeats what was given.
"""

import ipaddress
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from shared.domain.notifications import Channel, ChannelKind, Severity
from shared.domain.webhook_signatures import secret_key
from shared.ports.notifications import Destination

SLACK_API: Final = "https://slack.com/api"
PAGERDUTY_EVENTS: Final = "https://events.pagerduty.com"


def _usable_url(url: SecretStr) -> SecretStr:
    """Return the URL; raises ValueError for one that must not be called.

    Source: OWASP, "Server-Side Request Forgery Prevention": no credentials in it, no address of the machine or of
    its platform (169.254.169.254 gives out tokens).
    """
    try:
        parts = urlsplit(url.get_secret_value())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("no URL") from None
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("a URL is https://, a host and a path, without credentials and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_this_machine(url)):
        raise ValueError("a URL begins with https://")
    address = _address(host)
    if address is not None and (address.is_link_local or address.is_unspecified or address.is_multicast):
        raise ValueError("no receiver is at this address")
    return url


def _usable_secret(secret: SecretStr) -> SecretStr:
    secret_key(secret.get_secret_value())
    return secret


def is_this_machine(url: SecretStr) -> bool:
    """Whether a URL names the machine itself. A name that leads there is caught where it is looked up."""
    host = urlsplit(url.get_secret_value()).hostname or ""
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Url = Annotated[SecretStr, AfterValidator(_usable_url)]
Key = Annotated[SecretStr, Field(min_length=1)]


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    at_least: Severity = Severity.INFO
    environments: frozenset[str] | None = Field(default=None, min_length=1)

    def _destination(
        self, name: str, kind: ChannelKind, url: str, *, secret: SecretStr | None = None, room: str | None = None
    ) -> Destination:
        channel = Channel(name=name, kind=kind, at_least=self.at_least, environments=self.environments)
        return Destination(
            channel=channel, url=url, secret=secret.get_secret_value() if secret is not None else "", room=room
        )


class WebhookSetting(_Setting):
    """A receiver of CloudEvents with a signature."""

    kind: Literal["webhook"]
    url: Url
    secret: Annotated[SecretStr, AfterValidator(_usable_secret)]

    @property
    def target(self) -> SecretStr:
        """Where requests go."""
        return self.url

    def destination(self, name: str) -> Destination:
        """Return the channel with its address."""
        return self._destination(name, ChannelKind.WEBHOOK, self.url.get_secret_value(), secret=self.secret)


class SlackSetting(_Setting):
    """A channel in Slack: an incoming webhook, or an app's token, which alone can keep an incident in one thread."""

    kind: Literal["slack"]
    url: Url | None = None
    token: Key | None = None
    channel: str | None = Field(default=None, min_length=1, max_length=80)
    api_url: Url = SecretStr(SLACK_API)

    @model_validator(mode="after")
    def _one_way(self) -> "SlackSetting":
        has_token = self.token is not None and self.channel is not None
        has_part = self.token is not None or self.channel is not None
        if has_part is (self.url is not None) or has_part is not has_token:
            raise ValueError("either url, or token and channel")
        return self

    @property
    def target(self) -> SecretStr:
        """Where requests go."""
        return self.url or self.api_url

    def destination(self, name: str) -> Destination:
        """Return the channel with its address."""
        if self.url is not None:
            return self._destination(name, ChannelKind.SLACK, self.url.get_secret_value())
        url = f"{self.api_url.get_secret_value().rstrip('/')}/chat.postMessage"
        return self._destination(name, ChannelKind.SLACK, url, secret=self.token, room=self.channel)


class TeamsSetting(_Setting):
    """A channel in Teams, through a Workflows webhook."""

    kind: Literal["teams"]
    url: Url

    @property
    def target(self) -> SecretStr:
        """Where requests go."""
        return self.url

    def destination(self, name: str) -> Destination:
        """Return the channel with its address."""
        return self._destination(name, ChannelKind.TEAMS, self.url.get_secret_value())


class PagerDutySetting(_Setting):
    """A service in PagerDuty."""

    kind: Literal["pagerduty"]
    routing_key: Annotated[SecretStr, Field(min_length=32, max_length=32)]
    url: Url = SecretStr(PAGERDUTY_EVENTS)

    @property
    def target(self) -> SecretStr:
        """Where requests go."""
        return self.url

    def destination(self, name: str) -> Destination:
        """Return the channel with its address."""
        url = self.url.get_secret_value().rstrip("/")
        return self._destination(name, ChannelKind.PAGERDUTY, url, secret=self.routing_key)


ChannelSetting = Annotated[WebhookSetting | SlackSetting | TeamsSetting | PagerDutySetting, Field(discriminator="kind")]
