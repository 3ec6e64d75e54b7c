"""Images are what their bytes say, and nothing is fetched."""

import base64

import pytest

from providers.errors import RequestRefused
from providers.images import SIZE_LIMIT, image_from_bytes, image_from_data_url
from providers.types import ImagePart

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"
HEADS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0rest",
    "image/gif": b"GIF89arest",
    "image/webp": b"RIFF\x10\x00\x00\x00WEBPrest",
}


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(("media_type", "data"), HEADS.items())
def test_the_four_kinds_are_recognised_by_their_bytes(media_type: str, data: bytes) -> None:
    expected = ImagePart(media_type, base64.b64encode(data).decode())
    assert image_from_bytes(data) == expected
    assert image_from_data_url(data_url(data, media_type)) == expected


def test_common_spellings_are_understood() -> None:
    jpeg = data_url(HEADS["image/jpeg"], "image/jpg")
    assert image_from_data_url(jpeg).media_type == "image/jpeg"
    assert image_from_data_url(data_url(PNG, "IMAGE/PNG").replace("data:", "DATA:")).media_type == "image/png"
    assert image_from_data_url(data_url(PNG, "image/png;charset=utf-8")).media_type == "image/png"
    assert image_from_data_url(data_url(PNG, "")).media_type == "image/png"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (data_url(PNG, "image/gif"), "it is image/png"),
        (data_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), "SVG"),
        (data_url(b"<svg/>"), "not an image"),
        (data_url(b"%PDF-1.7", "application/pdf"), "not an image"),
        (data_url(b""), "not an image"),
        ("data:image/png;base64,***", "base64"),
        ("data:image/png;base64,abc", "base64"),
        ("data:image/png,abc", "base64"),
        ("https://example.org/cat.png", "fetches no images"),
        ("HTTP://169.254.169.254/", "fetches no images"),
        ("file:///etc/passwd", "data URL"),
        ("", "data URL"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(url: str, word: str) -> None:
    with pytest.raises(RequestRefused) as error:
        image_from_data_url(url)
    assert word in error.value.detail


def test_too_large_is_refused_whichever_way_it_comes() -> None:
    fits = PNG.ljust(SIZE_LIMIT, b"x")
    assert image_from_data_url(data_url(fits)) == image_from_bytes(fits)
    with pytest.raises(RequestRefused) as by_bytes:
        image_from_bytes(fits + b"x")
    with pytest.raises(RequestRefused) as by_url:
        image_from_data_url(data_url(fits + b"xxxx"))
    assert "5 MB" in by_bytes.value.detail
    assert by_bytes.value.detail == by_url.value.detail
