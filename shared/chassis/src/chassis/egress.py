"""The way out to addresses that people have given us: by https, and to public hosts alone (CWE-918, ASVS 5.0 1.3.6)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv6Address, IPv6Network, ip_address

import httpx

from chassis.errors import BusinessError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
UNICAST = IPv6Network("2000::/3")
"""All of IPv6 that is given out (RFC 4291, IANA); what is mapped, translated, local or reserved lies elsewhere."""
NO_HOSTS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"), IPv6Network("3fff::/20"))
"""Teredo and 6to4, which hold an IPv4 address that may be anything; and documentation (RFC 9637)."""


class AddressNotPublic(BusinessError):
    """This address is not one of a public host, by https."""

    slug = "address-not-public"
    status = 422


def is_public(address: str) -> bool:
    """Tell whether an IP address is that of a host that anybody can reach.

    >>> is_public("93.184.215.14"), is_public("10.0.0.1"), is_public("::ffff:127.0.0.1")
    (True, False, False)
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and (found not in UNICAST or any(found in each for each in NO_HOSTS)):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host. Raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class PublicHosts(httpx.AsyncBaseTransport):
    """Carries requests to public hosts: each name is looked up once, and what was looked at is what is spoken to.

    So a name that changes between looking and speaking (DNS rebinding) leads nowhere, and neither does a redirection:
    each step of it comes by here. No connection is kept, because two names may share an address. The request that was
    given stays as it is: by its name a redirection is followed, and is known to be one to the same host or to another.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport | None = None, resolve: Resolve = resolve) -> None:
        self._inner = inner or httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises AddressNotPublic before anything is sent, and httpx.HTTPError."""
        url = request.url
        if url.scheme != "https" or url.userinfo:
            raise AddressNotPublic
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
                addresses = await self._resolve(url.host, url.port or 443)
        except (OSError, UnicodeError) as error:
            message = "the host has no address"
            raise httpx.ConnectError(message, request=request) from error
        if not addresses or not all(map(is_public, addresses)):
            raise AddressNotPublic
        inside = httpx.Request(
            request.method, url.copy_with(host=addresses[0]), headers=request.headers, stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )  # fmt: skip
        return await self._inner.handle_async_request(inside)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def public_client(inner: httpx.AsyncBaseTransport | None = None, resolve: Resolve = resolve) -> httpx.AsyncClient:
    """Return a client for addresses that people have given us; it heeds no proxy of the environment."""
    return httpx.AsyncClient(transport=PublicHosts(inner, resolve), timeout=20, trust_env=False)
