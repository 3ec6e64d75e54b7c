"""Which addresses a provider may have: the policy against requests to Wiz's own network.

Public addresses are allowed. Loopback, RFC 1918 and ULA only where the operator allows private providers. Link-local,
cloud metadata, carrier NAT, IETF-reserved and multicast never, nor Wiz's own port. The practice provider, named by the
operator's settings, always.
"""

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolveTimeout

import httpx2
from django.conf import settings
from django.utils.translation import gettext as _

from providers.errors import AddressRefused

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
DEFAULT_PORTS = {"http": 80, "https": 443}
RESOLVE_TIMEOUT = 3.0  # seconds a form waits for a name server
URL_LIMIT = 2000  # characters
METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200", "fd20:ce::254")
)
NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "240.0.0.0/4",
        "fe80::/10",
        "fec0::/10",
        "64:ff9b:1::/48",
        "100::/64",
    )
)
PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, 2.5.5.1: deprecated, but still routed by some stacks


class BaseURLError(ValueError):
    """A base URL of the wrong form; the text is a sentence for the reader."""


def check_base_url(url: str, *, resolve: bool = True) -> str:
    """The URL in its normal form, without a trailing slash; with ``resolve`` it may wait for a name server.

    Raises ``BaseURLError`` for a wrong form and ``AddressRefused`` (the sentence is in ``detail``) for a place where
    Wiz must not connect. A name that does not resolve is allowed: it is judged again at every connection.
    """
    if "?" in url or "#" in url:
        raise BaseURLError(_("The base URL must not contain ? or #."))
    return _judged(url, resolve=resolve).rstrip("/")


def check_receiver_url(url: str) -> str:
    """As ``check_base_url``, for an address that is told something: its path and its query stay as they are."""
    if "#" in url:
        raise BaseURLError(_("The address must not contain #."))
    return _judged(url, resolve=True)


def _judged(url: str, *, resolve: bool) -> str:
    parsed = _parse(url)
    host, port = parsed.raw_host.decode("ascii"), parsed.port or DEFAULT_PORTS[parsed.scheme]
    literal = _literal(host)
    known = [str(literal)] if literal else []
    judge_host(host, port, known or (_resolve(host, port) if resolve else []))
    if isinstance(literal, ipaddress.IPv4Address):
        parsed = parsed.copy_with(host=str(literal))
    return str(parsed)


def judge_host(host: str, port: int, addresses: Iterable[str]) -> None:
    """Raise ``AddressRefused`` if one of the addresses that ``host`` stands for is not allowed."""
    if (host, port) == _practice():
        return
    for address in addresses:
        reason = judge(ipaddress.ip_address(address.partition("%")[0]), port)
        if reason:
            raise AddressRefused(detail=refuse_address(host if host == address else f"{host} ({address})", reason))


def judge(address: IPAddress, port: int) -> str:
    """Why Wiz must not connect to this address, as the end of a sentence; empty when it may."""
    return next((reason for inner in _unwrapped(address) if (reason := _judge_plain(inner, port))), "")


def refuse_address(place: str, reason: str) -> str:
    """The sentence for a reader."""
    return f"{place} {reason}."


def _judge_plain(address: IPAddress, port: int) -> str:
    if address in METADATA:
        return "is a cloud metadata address"
    if address.is_unspecified or address.is_multicast or any(address in network for network in NEVER):
        return "is a link-local, shared or reserved address"
    if port == settings.PORT and _is_own(address):
        return "is Wiz itself"
    if any(address in network for network in PRIVATE):
        return "" if settings.PRIVATE_PROVIDERS else "is an address inside a private network"
    return "" if address.is_global else "is not a public address"


def _unwrapped(address: IPAddress) -> Iterator[IPAddress]:
    """The addresses that traffic to ``address`` may really reach: IPv4 hides inside several IPv6 forms."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address.sixtofour:
        yield address.sixtofour
    elif address.teredo:
        yield from address.teredo
    elif address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        yield low
    else:
        yield address


def _is_own(address: IPAddress) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    if address.is_loopback:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def _practice() -> tuple[str, int] | None:
    if not settings.PRACTICE_URL:
        return None
    url = httpx2.URL(settings.PRACTICE_URL)
    return url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS.get(url.scheme, 80)


def _parse(url: str) -> httpx2.URL:
    """Parsed by the library that will connect, so that both see the same host."""
    if len(url) > URL_LIMIT or not url.isprintable() or any(character in url for character in " \\"):
        raise BaseURLError(_("The address contains spaces or characters that are not allowed."))
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise BaseURLError(_("This is not a URL: %s.") % error) from None
    if parsed.scheme not in DEFAULT_PORTS:
        raise BaseURLError(_("The address must start with https:// or http://."))
    if parsed.userinfo or "@" in parsed.netloc.decode("ascii", "replace"):
        raise BaseURLError(_("The address must not contain a user name or password."))
    if not parsed.raw_host or b"%" in parsed.raw_host:
        raise BaseURLError(_("The address needs a host name, such as https://api.example.org/v1."))
    if parsed.port is not None and not 1 <= parsed.port <= 65535:
        raise BaseURLError(_("The port must lie between 1 and 65535."))
    return parsed


def _literal(host: str) -> IPAddress | None:
    """The address that ``host`` writes out, also in the decimal, octal, hexadecimal and short forms of inet_aton."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None


def _resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, or none when it does not resolve in time."""
    executor = ThreadPoolExecutor(1)
    try:
        found: Future[list[str]] = executor.submit(_look_up, host, port)
        return found.result(RESOLVE_TIMEOUT)
    except (OSError, UnicodeError, ResolveTimeout):
        return []
    finally:
        executor.shutdown(wait=False)


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
