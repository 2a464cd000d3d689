"""Host names of receivers, looked up; a name that leads to this machine or its platform leads nowhere.

Imported on the first use only, with aiohttp.
"""

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class PublicNames(ThreadedResolver):
    """Looks names up once per connection, and leaves out loopback and link-local addresses.

    The settings refuse such addresses where they are written out; a name's owner may point it anywhere at any time.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses that may be called. Raises OSError when there is none."""
        found = [one for one in await super().resolve(host, port, family) if may_be_called(one["host"])]
        if not found:
            raise OSError("the name has no address that may be called")
        return found


def may_be_called(address: str) -> bool:
    """Whether an address is one that a receiver can have."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    return not (plain.is_loopback or plain.is_link_local or plain.is_unspecified or plain.is_multicast)


def public_names() -> AbstractResolver:
    """Return a resolver of the running loop."""
    return PublicNames()
