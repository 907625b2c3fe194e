"""Which hosts are fetched from: those on the internet, and no others unless a book says so.

An address in a card, or one that a server redirects to, may name a machine that only this one can reach: itself, one of
the same network, the service that gives machines of a cloud their keys. Names are looked up here, once, and what is
connected to is what was looked at: a name that means something else the next time gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from tallybook.errors import SourceError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_HINT: Final = "where that is meant, write private_hosts = [{host!r}] below [fetch] in book.toml"


class Guarded(httpx.BaseTransport):
    """A way to the internet, and to private hosts that were opted in. Every hop of a redirect passes it.

    Args:
        private_hosts: names, addresses or networks (``10.1.0.0/16``) that may be fetched from though they are private.

    What environment variables say of proxies holds; behind one, it is the proxy that looks names up, and the names are
    looked at here only as far as they are known here.
    """

    def __init__(self, private_hosts: Sequence[str] = ()) -> None:
        self._opted_in = [host.lower().rstrip(".") for host in private_hosts]
        self._trusted = ssl.create_default_context()
        self._ways: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request from an address that may be connected to.

        Raises:
            SourceError: the host is private, and not opted in.
            httpx.TransportError: it cannot be found or reached.
        """
        host = request.url.raw_host.decode("ascii").lower().rstrip(".")
        proxy = _proxy(request.url.scheme, host)
        found = self._checked(host, request.url.port or 0, must_be_known=proxy is None)
        if proxy is not None:
            return self._way(proxy, proxy).handle_request(request)
        for address in found[:-1]:
            try:
                return self._direct(request, host, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._direct(request, host, found[-1])

    def close(self) -> None:
        """Close all connections."""
        for way in self._ways.values():
            way.close()

    def _checked(self, host: str, port: int, *, must_be_known: bool) -> list[str]:
        """Return the addresses of a host, all of which may be connected to."""
        try:
            told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if must_be_known:
                raise httpx.ConnectError(f"{host}: {getattr(error, 'strerror', None) or error}") from error
            return []
        found = [str(sockaddr[0]) for *_, sockaddr in told]
        for address in found:
            if not self._may(host, ipaddress.ip_address(address)):
                which = host if host == address else f"{host} is {address}, which"
                raise SourceError(
                    f"cannot fetch from {host}: {which} is no address of the internet", hint=_HINT.format(host=host)
                )
        return found

    def _may(self, host: str, address: _Address) -> bool:
        return is_public(address) or any(_names(said, host, address) for said in self._opted_in)

    def _direct(self, request: httpx.Request, host: str, address: str) -> httpx.Response:
        """Answer from this address; certificates and virtual hosts are those of the name."""
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        # A connection is of one name: two may share an address, and their certificates differ.
        return self._way(host).handle_request(pinned)

    def _way(self, key: str, proxy: str | None = None) -> httpx.HTTPTransport:
        if key not in self._ways:
            self._ways[key] = httpx.HTTPTransport(verify=self._trusted, proxy=proxy)
        return self._ways[key]


def is_public(address: _Address) -> bool:
    """Return whether an address is one of the internet: not this machine's, a private network's, or another's meant so.

    >>> known = ["93.184.215.14", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2606:4700::1"]
    >>> [is_public(ipaddress.ip_address(address)) for address in known]
    [True, False, False, False, False, True]
    """
    if isinstance(address, ipaddress.IPv6Address):
        within = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address.is_site_local or not all(is_public(inner) for inner in within if inner is not None):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _names(said: str, host: str, address: _Address) -> bool:
    """Return whether what was opted in is this host: by its name, or by the address or network it is at."""
    if said == host:
        return True
    try:
        return address in ipaddress.ip_network(said, strict=False)
    except ValueError:
        return False


def _proxy(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment says to use for a host; None: no one."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
