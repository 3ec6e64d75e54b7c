"""Wiz on a home screen."""

from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.test import Client
from PIL import Image


def test_a_stranger_can_install_it(client: Client) -> None:
    """Browsers fetch the manifest without cookies."""
    response = client.get("/manifest.webmanifest")
    assert response["Content-Type"] == "application/manifest+json"
    assert "no-store" not in response["Cache-Control"]
    manifest = response.json()
    assert manifest["display"] == "standalone"
    assert manifest["start_url"] == "/c/"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    assert [icon["purpose"] for icon in manifest["icons"]].count("maskable") == 1
    for icon in manifest["icons"]:
        picture = (Path(settings.BASE_DIR) / icon["src"].lstrip("/")).read_bytes()
        assert len(picture) < 20_000
        with Image.open(BytesIO(picture)) as image:
            assert f"{image.width}x{image.height}" == icon["sizes"]
    for shortcut in manifest["shortcuts"]:
        assert client.get(shortcut["url"]).status_code == 302, "to the log-in"


def test_pages_name_manifest_icons_and_colours(client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert 'rel="apple-touch-icon"' in page
    assert page.count('name="theme-color"') == 2
