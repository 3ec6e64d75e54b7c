"""The environment: defaults, nonsense, secrets on disk."""

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from wizsite import env


def test_an_unset_or_blank_variable_gives_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIZ_X", raising=False)
    assert env.text("WIZ_X", "default") == "default"
    monkeypatch.setenv("WIZ_X", "  ")
    assert env.text("WIZ_X", "default") == "default"


@pytest.mark.parametrize(("word", "meaning"), [("1", True), ("Yes", True), ("off", False), ("FALSE", False)])
def test_yes_and_no_are_understood(monkeypatch: pytest.MonkeyPatch, word: str, meaning: bool) -> None:
    monkeypatch.setenv("WIZ_X", word)
    assert env.boolean("WIZ_X", default=not meaning) is meaning


def test_a_boolean_that_is_neither_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIZ_X", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="WIZ_X='perhaps'"):
        env.boolean("WIZ_X", default=True)


@pytest.mark.parametrize("value", ["many", "1.5", "-1", "11"])
def test_a_number_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WIZ_X", value)
    with pytest.raises(ImproperlyConfigured, match="WIZ_X"):
        env.integer("WIZ_X", 5, maximum=10)


def test_a_choice_outside_the_list_names_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIZ_X", "maybe")
    with pytest.raises(ImproperlyConfigured, match="closed, open"):
        env.choice("WIZ_X", "closed", ("closed", "open"))


def test_a_list_has_no_empty_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIZ_X", " a, ,b,")
    assert env.words("WIZ_X") == ["a", "b"]


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("WIZ_X_FILE", str(tmp_path / "secret"))
    assert env.secret("WIZ_X") == "from a file"


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIZ_X", "one")
    monkeypatch.setenv("WIZ_X_FILE", "/two")
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env.secret("WIZ_X")


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WIZ_X_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="WIZ_X_FILE"):
        env.secret("WIZ_X")


def test_a_generated_secret_is_kept_and_private(tmp_path: Path) -> None:
    first = env.stored_secret("WIZ_X", tmp_path / "secrets")
    assert env.stored_secret("WIZ_X", tmp_path / "secrets") == first
    assert stat.S_IMODE((tmp_path / "secrets" / "wiz_x").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_secret_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """S38."""
    env.stored_secret("WIZ_X", tmp_path)
    (tmp_path / "wiz_x").chmod(0o640)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        env.stored_secret("WIZ_X", tmp_path)


@pytest.mark.parametrize("value", ["short", "a-good-secret-with-more-than-32-characters,short"])
def test_a_short_secret_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    """S38."""
    monkeypatch.setenv("WIZ_X", value)
    with pytest.raises(ImproperlyConfigured, match="too short"):
        env.stored_secret("WIZ_X", tmp_path)


@pytest.mark.parametrize("url", ["mysql://u@h/db", "oracle://x"])
def test_another_database_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        env.database(tmp_path)


def test_without_a_database_url_it_is_sqlite_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert env.database(tmp_path) == {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "wiz.sqlite3"),
    }


def test_another_broker_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REDIS_URL", "amqp://localhost")
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
        env.valkey_url(tmp_path)


def test_a_long_data_folder_gets_a_short_private_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    socket = env.valkey_socket(folder)
    assert len(str(socket)) <= env.MAX_SOCKET_PATH
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    socket.parent.rmdir()


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "HTTPS_PROXY", "http_proxy"])
def test_vendor_and_proxy_variables_are_dropped(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://example.org")
    env.scrub()
    assert env.text(name) == ""
