"""The one place that reads the process environment.

Every variable is optional and listed in ``.env.example``. A value that makes no sense raises
``django.core.exceptions.ImproperlyConfigured`` with the variable's name. ``NAME_FILE`` is read for every
secret ``NAME``, so that container secrets work.
"""

import os
import secrets
import zlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
VENDOR_PREFIXES = ("OPENAI_", "ANTHROPIC_")
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
MIN_SECRET_LENGTH = 32
MAX_SOCKET_PATH = 100  # sun_path holds 107 bytes; leave room for the server's own suffixes


def text(name: str, default: str = "") -> str:
    """The variable's value without surrounding white space, or ``default`` when unset or empty."""
    return os.environ.get(name, "").strip() or default


def boolean(name: str, *, default: bool) -> bool:
    """A yes-or-no variable; anything but the usual words raises."""
    word = text(name).lower()
    if not word:
        return default
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name}={word!r} is neither true nor false.")


def integer(name: str, default: int, *, minimum: int = 0, maximum: int = 2**31) -> int:
    """A whole number within bounds."""
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from None
    if not minimum <= number <= maximum:
        raise ImproperlyConfigured(f"{name}={number} is not between {minimum} and {maximum}.")
    return number


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One word out of ``allowed``."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} must be one of: {', '.join(allowed)}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty items."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret(name: str) -> str:
    """The value of ``NAME``, or the content of the file that ``NAME_FILE`` points at."""
    value, path = text(name), text(f"{name}_FILE")
    if value and path:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    if not path:
        return value
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={path!r} cannot be read: {error.strerror}.") from None


def data_dir() -> Path:
    """The folder for everything Wiz keeps on disk; created with mode 0700."""
    path = Path(text("WIZ_DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"WIZ_DATA_DIR={str(path)!r} cannot be created: {error.strerror}.") from None
    return path


def stored_secret(name: str, folder: Path) -> str:
    """The secret from the environment, else the one kept in ``folder``, made on first use (mode 0600)."""
    given = secret(name)
    if given:
        if min(len(part.strip()) for part in given.split(",")) < MIN_SECRET_LENGTH:
            raise ImproperlyConfigured(f"{name} is too short: use at least {MIN_SECRET_LENGTH} random characters.")
        return given
    path = folder / name.lower()
    if not path.exists():
        _create_once(path, secrets.token_urlsafe(48))
    if path.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{path} can be read by others. Run: chmod 600 {path}")
    return path.read_text().strip()


def _create_once(path: Path, content: str) -> None:
    """Write a new file so that of several processes starting together exactly one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def database(folder: Path) -> Mapping[str, object]:
    """Django's ``DATABASES["default"]`` from ``DATABASE_URL``; without it SQLite in ``folder``."""
    url = secret("DATABASE_URL")
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "wiz.sqlite3")}
    config: dict[str, object] = dict(environ.Env.db_url_config(url))
    if config.get("ENGINE") not in {"django.db.backends.postgresql", "django.db.backends.sqlite3"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgres:// or sqlite:///.")
    return config


def valkey_socket(folder: Path) -> Path:
    """Where the embedded Valkey listens: inside the data folder, unless that path is too long for a socket."""
    path = folder / "valkey" / "valkey.sock"
    if len(str(path)) <= MAX_SOCKET_PATH:
        return path
    short = Path("/tmp") / f"wiz-{os.getuid()}-{zlib.crc32(str(folder).encode()):x}"  # noqa: S108 - made 0700, owner checked
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid() or short.stat().st_mode & 0o077:
        raise ImproperlyConfigured(f"{short} belongs to someone else. Set WIZ_DATA_DIR to a shorter path.")
    return short / "valkey.sock"


def valkey_url(folder: Path) -> str:
    """``REDIS_URL``, or the private socket of the embedded Valkey."""
    url = secret("REDIS_URL")
    if not url:
        return f"unix://{valkey_socket(folder)}?db=0"
    if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured("REDIS_URL must start with redis://, rediss:// or unix://.")
    return url


def scrub() -> None:
    """Drop variables with which the vendors' SDKs would send the operator's own key or use a proxy."""
    for name in list(os.environ):
        if name.startswith(VENDOR_PREFIXES) or name.upper() in PROXY_NAMES:
            del os.environ[name]
