"""What Django's middleware does for every other address: which hosts are answered, and that nobody speaks in the clear.

The gateway stands beside that middleware, and takes the same settings.
"""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from agents.gateway.failures import Refused

Header = tuple[bytes, bytes]
NO_SNIFF: Final[Header] = (b"x-content-type-options", b"nosniff")


def check_door(scheme: str, headers: Mapping[bytes, bytes]) -> None:
    """Raise ``Refused`` for a host that Wiz does not answer to, and for HTTP where the site is to be HTTPS only.

    There is no redirect: a client that followed it would go on sending its token in the clear first.
    """
    domain, _ = split_domain_port(headers.get(b"host", b"").decode("latin-1"))
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        raise Refused(
            400, "Wiz does not answer under this host's name. See WIZ_ALLOWED_HOSTS.", code="host_not_allowed"
        )
    if settings.SECURE_SSL_REDIRECT and not _is_secure(scheme, headers):
        message = (
            f"Only HTTPS is answered here: use {settings.PUBLIC_URL}, and change a token that was sent in the clear."
        )
        raise Refused(403, message, code="https_required")


def security_headers(scheme: str, headers: Mapping[bytes, bytes]) -> list[Header]:
    """What an answer to such a request carries."""
    told = [NO_SNIFF]
    if settings.SECURE_HSTS_SECONDS and _is_secure(scheme, headers):
        value = f"max-age={settings.SECURE_HSTS_SECONDS}"
        value += "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        value += "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        told.append((b"strict-transport-security", value.encode()))
    return told


def _is_secure(scheme: str, headers: Mapping[bytes, bytes]) -> bool:
    """As Django judges it: the proxy's word counts before the connection's own scheme, where a proxy was named."""
    if settings.SECURE_PROXY_SSL_HEADER is not None:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        told = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower().encode())
        if told is not None:
            return told.decode("latin-1").partition(",")[0].strip() == secure
    return scheme == "https"
