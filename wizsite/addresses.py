"""Ports and addresses of the processes that ``up`` starts."""

import errno
import ipaddress
import os
import socket

from wizsite.preparation import StartError


def choose_port(host: str, port: int) -> int:
    """``port`` when it can be listened on, any free one for 0; else ``StartError``."""
    try:
        family, _type, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            return int(listener.getsockname()[1])
    except OSError as error:
        raise StartError(_port_problem(host, port, error)) from None


def _port_problem(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use. Stop the other program, or choose another with --port."
    reason = error.strerror if isinstance(error, socket.gaierror) or not error.errno else os.strerror(error.errno)
    return f"Wiz cannot listen on {host}, port {port}: {reason}."


def choose_port_near(host: str, port: int, *, avoid: set[int]) -> int:
    """``port`` if it is free and not to be avoided, else any free one."""
    if port <= 65535 and port not in avoid:
        try:
            return choose_port(host, port)
        except StartError:
            pass
    while (other := choose_port(host, 0)) in avoid:
        pass
    return other


def base_url(host: str, port: int) -> str:
    """Where a browser on this machine finds the site."""
    return f"http://{_reachable(host)}:{port}/"


def _reachable(host: str) -> str:
    """A wildcard address is reached over loopback; an IPv6 address goes into brackets."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"[{address}]" if address.version == 6 else str(address)
