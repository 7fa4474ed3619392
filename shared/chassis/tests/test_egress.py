"""What people give us as an address leads to public hosts alone, by whatever way it is written."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpcore
import httpx
import pytest

from chassis.egress import AddressNotPublic, PublicHosts, is_public, public_client, resolve

PUBLIC = "93.184.215.14"
NOT_PUBLIC = (
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.1.2.3",
    "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "224.0.1.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::2", "::127.0.0.1", "::ffff:0:127.0.0.1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:93.184.215.14", "64:ff9b::7f00:1", "64:ff9b::5db8:d70e",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1",
    "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
)  # fmt: skip
WRITTEN = (
    "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://017700000001/", "https://0177.0.0.1/", "https://0177.1/", "https://0/",
    "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[0:0:0:0:0:0:0:1]/", "https://localhost/", "https://LOCALHOST:8443/", "https://localhost./",
    "https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://①②⑦.⓪.⓪.①/",
)  # fmt: skip
"""Loopback and its neighbours as people write them: looked up as the system does it, without any network."""
OTHER_WAYS = (
    "http://shop.example/", "http://127.0.0.1/", "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/",
    "unix:///var/run/docker.sock", "https://someone@shop.example/", "https://someone:word@shop.example/",
    "https://shop.example@127.0.0.1/",
)  # fmt: skip


class Street:
    """Remembers who was spoken to; a house may send on to another address."""

    def __init__(self, **sends_on: str) -> None:
        self.spoken_to: list[tuple[str, str, str]] = []
        self._sends_on = sends_on

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.headers["host"]
        self.spoken_to.append((request.url.host, name, request.extensions["sni_hostname"]))
        to = self._sends_on.get(name.partition(".")[0])
        return httpx.Response(307, headers={"location": to}) if to else httpx.Response(200)


def client_of(street: Street, *looked_up: Sequence[str]) -> httpx.AsyncClient:
    """A client for whom every name has the next of these addresses, each time it is looked up."""
    answers = iter(looked_up)

    async def look_up(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    return public_client(httpx.MockTransport(street.answer), look_up)


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_name_that_leads_to_no_public_host_is_not_spoken_to(address: str) -> None:
    assert not is_public(address)
    street = Street()
    for found in ([address], [PUBLIC, address]):
        async with client_of(street, found) as client:
            with pytest.raises(AddressNotPublic):
                await client.get("https://shop.example/")
    assert street.spoken_to == []


@pytest.mark.parametrize("url", WRITTEN)
async def test_loopback_is_recognised_however_it_is_written(url: str) -> None:
    street = Street()
    async with public_client(httpx.MockTransport(street.answer), resolve) as client:
        with pytest.raises((AddressNotPublic, httpx.ConnectError, httpx.InvalidURL)):
            await client.get(url)
    assert street.spoken_to == []


@pytest.mark.parametrize("url", OTHER_WAYS)
async def test_it_is_https_and_without_a_password_in_the_address(url: str) -> None:
    street = Street()
    async with client_of(street, ["127.0.0.1" if "@127" in url else PUBLIC]) as client:
        with pytest.raises((AddressNotPublic, httpx.UnsupportedProtocol)):
            await client.get(url)
    assert street.spoken_to == []


async def test_what_was_looked_at_is_what_is_spoken_to_under_its_own_name() -> None:
    street = Street()
    async with client_of(street, [PUBLIC], ["127.0.0.1"]) as client:
        assert (await client.get("https://shop.example:8443/")).status_code == 200
        with pytest.raises(AddressNotPublic):
            await client.get("https://shop.example:8443/")
    assert street.spoken_to == [(PUBLIC, "shop.example:8443", "shop.example")]


async def test_a_redirection_is_looked_at_like_any_other_address() -> None:
    street = Street(shop="https://inside.example/")
    async with client_of(street, [PUBLIC], ["10.0.0.7"]) as client:
        with pytest.raises(AddressNotPublic):
            await client.get("https://shop.example/", follow_redirects=True)
    assert [name for _, name, _ in street.spoken_to] == ["shop.example"]


@pytest.mark.parametrize("location", ["/next", "next", "//shop.example/next", "https://shop.example/next"])
async def test_a_redirection_to_the_same_host_goes_by_its_name_and_with_its_key(location: str) -> None:
    assert await asked_after("https://shop.example/", location) == [
        (f"https://{PUBLIC}/", "shop.example", "shop.example", "Bearer key"),
        (f"https://{PUBLIC}/next", "shop.example", "shop.example", "Bearer key"),
    ]


@pytest.mark.parametrize("location", ["https://other.example/next", "//other.example/next"])
async def test_a_redirection_to_another_host_goes_without_the_key(location: str) -> None:
    assert (await asked_after("https://shop.example/", location))[1:] == [
        (f"https://{PUBLIC}/next", "other.example", "other.example", None)
    ]


async def asked_after(url: str, location: str) -> list[tuple[str, str, str, str | None]]:
    """Ask with a key at an address that redirects once; what was asked: address, host, SNI, key."""
    asked: list[tuple[str, str, str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        headers, name = request.headers, request.extensions["sni_hostname"]
        asked.append((str(request.url), headers["host"], name, headers.get("authorization")))
        return httpx.Response(307, headers={"location": location}) if len(asked) == 1 else httpx.Response(200)

    async def look_up(_host: str, _port: int) -> Sequence[str]:
        return [PUBLIC]

    async with public_client(httpx.MockTransport(answer), look_up) as client:
        request = client.build_request("GET", url, headers={"Authorization": "Bearer key"})
        answered = await client.send(request, follow_redirects=True)
    assert (str(request.url), "sni_hostname" in request.extensions) == (url, False)
    assert str(answered.url).endswith(".example/next")
    return asked


class Net(httpcore.AsyncMockBackend):
    """A network that counts the connections to it."""

    def __init__(self) -> None:
        super().__init__([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
        self.opened: list[str] = []

    async def connect_tcp(self, host: str, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        self.opened.append(host)
        return await super().connect_tcp(host, *args, **more)


async def test_no_connection_is_kept_for_a_name_that_shares_an_address() -> None:
    net = Net()
    async with client_of(Street(), [PUBLIC], [PUBLIC]) as client:
        hosts = client._transport
        assert isinstance(hosts, PublicHosts)
        hosts._inner = inner = PublicHosts()._inner
        assert isinstance(inner, httpx.AsyncHTTPTransport)
        inner._pool._network_backend = net
        for name in ("one", "two"):
            assert (await client.get(f"https://{name}.example/")).status_code == 200
            assert inner._pool.connections == []
    assert net.opened == [PUBLIC, PUBLIC]


async def test_a_name_that_is_looked_up_for_ever_is_given_up() -> None:
    async def no_end(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return [PUBLIC]

    async with public_client(httpx.MockTransport(Street().answer), no_end) as client:
        assert client.timeout.connect
        async with asyncio.timeout(10):
            with pytest.raises(httpx.ConnectError):
                await client.get("https://shop.example/", timeout=0.1)


async def test_a_name_without_an_address_is_an_error_of_the_connection() -> None:
    async def nobody(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    async with public_client(httpx.MockTransport(Street().answer), nobody) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("https://shop.example/")
    assert await resolve("127.0.0.1", 443) == ["127.0.0.1"]


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4014::5e"])
def test_public_hosts_are_public(address: str) -> None:
    assert is_public(address)
