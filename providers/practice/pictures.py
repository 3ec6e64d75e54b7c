"""The images in a request, in either dialect, and what can be said about one without looking closely."""

import base64
import binascii
import io
from collections.abc import Iterator, Mapping
from typing import cast

from PIL import Image

from providers.practice.connection import Fields

IMAGE_TOKENS = 800  # that one image is counted as


def images_in(content: object) -> Iterator[str]:
    """The base64 of every image of a message's content."""
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, Mapping):
            continue
        source = part.get("image_url") or part.get("source")
        if isinstance(source, Mapping):
            fields = cast("Fields", source)
            yield str(fields.get("url") or fields.get("data") or "").rpartition(",")[2]


def describe(image: str) -> str:
    """``PNG 800 by 600``."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(image))) as opened:
            return f"{opened.format} {opened.width} by {opened.height}"
    except (binascii.Error, ValueError, OSError):
        return "one that I cannot open"
