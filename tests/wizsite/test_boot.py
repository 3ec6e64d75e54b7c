"""Wrong deployments end in one clear line and exit status 1, before anything is started."""

from pathlib import Path

import pytest

from tests.manage import clean_environment, run_manage

LONG = "a-rather-long-secret-of-an-operator-0123456789"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"WIZ_DEBUG": "perhaps"}, "WIZ_DEBUG"),
        ({"WIZ_PORT": "eighty"}, "WIZ_PORT"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
        ({"SECRET_KEY": "x" * 40}, "SECRET_KEY is too simple"),
        ({"WIZ_ENCRYPTION_KEYS": "short"}, "WIZ_ENCRYPTION_KEYS is too short"),
        ({"SECRET_KEY": LONG, "WIZ_ENCRYPTION_KEYS": LONG}, "must not contain SECRET_KEY"),
        ({"DATABASE_URL": "mysql://root@localhost/wiz"}, "DATABASE_URL"),
        ({"REDIS_URL": "amqp://localhost"}, "REDIS_URL"),
        ({"WIZ_PUBLIC_URL": "chat.example.org"}, "WIZ_PUBLIC_URL"),
        ({"WIZ_DEBUG": "1", "WIZ_PUBLIC_URL": "https://chat.example.org"}, "WIZ_DEBUG is on"),
        ({"WIZ_DEBUG": "1", "WIZ_ALLOWED_HOSTS": "chat.example.org"}, "WIZ_DEBUG is on"),
        ({"WIZ_ALLOWED_HOSTS": "*"}, "WIZ_ALLOWED_HOSTS"),
        ({"WIZ_SIGNUP": "everybody"}, "WIZ_SIGNUP"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "REDIS_URL does not answer"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, "The database does not work"),
        ({"WIZ_ADMIN_EMAIL": "admin@example.org"}, "WIZ_ADMIN_PASSWORD"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_up_refuses_with_one_line(data_dir: Path, variables: dict[str, str], words: str) -> None:
    """S38."""
    result = run_manage(clean_environment(data_dir, **variables), "up", "--port", "0")
    assert result.returncode == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_debug_on_a_public_address_is_refused(data_dir: Path) -> None:
    """S38."""
    result = run_manage(clean_environment(data_dir, WIZ_DEBUG="1"), "up", "--port", "0", "--host", "0.0.0.0")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "WIZ_DEBUG is on" in result.stderr


def test_a_secret_file_that_others_can_read_is_refused(data_dir: Path) -> None:
    """S38."""
    environment = clean_environment(data_dir)
    run_manage(environment, "check")
    (data_dir / "secrets" / "secret_key").chmod(0o644)
    result = run_manage(environment, "up", "--port", "0")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "chmod 600" in result.stderr


def test_one_process_alone_refuses_a_wrong_deployment_too(data_dir: Path) -> None:
    result = run_manage(clean_environment(data_dir, WIZ_ALLOWED_HOSTS="*"), "run", "web")
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
