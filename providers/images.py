"""Images for models that see: recognised by what they are, not by what they are called. Nothing is fetched."""

import base64
import binascii
import re
from typing import Final

from providers.errors import RequestRefused
from providers.types import ImagePart

SIZE_LIMIT: Final = 5 * 1024 * 1024  # bytes; the least that one of the vendors takes
ENCODED_LIMIT: Final = SIZE_LIMIT * 4 // 3 + 4
ALIASES: Final = {"image/jpg": "image/jpeg"}
_DATA_URL = re.compile(r"data:([a-z0-9.+/-]*)(;[^,]*)?,", re.IGNORECASE)
_HOW: Final = "Send the image itself, as a data URL: data:image/png;base64,…"
_WHAT: Final = "Send PNG, JPEG, GIF or WebP."


def image_from_bytes(data: bytes, *, media_type: str = "") -> ImagePart:
    """An uploaded image. Raises ``RequestRefused`` when it is none, too large, or not of the declared type."""
    if len(data) > SIZE_LIMIT:
        raise RequestRefused(detail=f"The image is larger than {SIZE_LIMIT // 1024**2} MB. Make it smaller.")
    found = _recognise(data)
    if not found:
        raise RequestRefused(detail=f"This is not an image that models can read. {_WHAT}")
    declared = ALIASES.get(media_type.lower(), media_type.lower())
    if declared and declared != found:
        raise RequestRefused(detail=f"The image is called {declared[:60]}, but it is {found}.")
    return ImagePart(media_type=found, data=base64.b64encode(data).decode())


def image_from_data_url(url: str) -> ImagePart:
    """The image in a ``data:…;base64,…`` URL. Raises ``RequestRefused``; no address is ever fetched."""
    head = _DATA_URL.match(url)
    if head is None:
        if url.lower().startswith(("http:", "https:")):
            raise RequestRefused(detail=f"Wiz fetches no images from the web. {_HOW}")
        raise RequestRefused(detail=f"This is not the URL of an image. {_HOW}")
    media_type, options = head[1].lower(), (head[2] or "").lower()
    if not options.endswith(";base64"):
        raise RequestRefused(detail="The data URL of an image has to be in base64.")
    if media_type.startswith("image/svg"):
        raise RequestRefused(detail=f"SVG is a document, not a picture. {_WHAT}")
    if len(url) - head.end() > ENCODED_LIMIT:
        raise RequestRefused(detail=f"The image is larger than {SIZE_LIMIT // 1024**2} MB. Make it smaller.")
    try:
        data = base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise RequestRefused(detail="The data URL of an image is not valid base64.") from None
    return image_from_bytes(data, media_type=media_type)


def _recognise(data: bytes) -> str:
    """The media type that the first bytes tell; empty for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return ""
