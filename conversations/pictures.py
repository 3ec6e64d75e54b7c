"""From an upload to a picture: judged by its content, made anew, small enough for every model that sees.

What comes out is a plain PNG or JPEG of one frame: no EXIF, no place where it was taken, nothing behind its end. These
two are read by every provider and every local server, which WebP and GIF are not.
"""

import hashlib
import io
import threading
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

UPLOAD_LIMIT: Final = 10 * 1024 * 1024  # bytes that come in
STORED_LIMIT: Final = 2_500_000  # bytes that stay; eight of them fit into a request of every vendor
LONGEST_SIDE: Final = 2048  # pixels
MOST_PIXELS: Final = 60_000_000  # of a JPEG, which is read at a fraction of its size; phones make 50 million
MOST_WHOLE_PIXELS: Final = 25_000_000  # of the others, which have to be unpacked whole
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")
QUALITIES: Final = (88, 80, 70, 55)
AT_ONCE: Final = 2  # pictures that one process unpacks at a time: each may take 100 MB
_turns = threading.BoundedSemaphore(AT_ONCE)


class PictureRefused(Exception):
    """An upload cannot be taken; says why."""


class NotAPicture(PictureRefused):
    """It is not what it seems, or broken."""


class PictureTooLarge(PictureRefused):
    """It has too many bytes or pixels."""


class QuotaReached(PictureRefused):
    """The person keeps as much as is allowed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be kept."""

    media_type: str
    width: int
    height: int
    content: bytes

    @property
    def sha256(self) -> str:
        """The digest of its bytes, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


def read_picture(upload: bytes) -> Picture:
    """The picture in these bytes. Raises ``NotAPicture`` or ``PictureTooLarge``."""
    if len(upload) > UPLOAD_LIMIT:
        problem = _("The picture is too large: at most %(limit)d MB are taken.")
        raise PictureTooLarge(problem % {"limit": UPLOAD_LIMIT // 2**20})
    if not upload:
        raise NotAPicture(_("The file is empty."))
    with _turns:
        try:
            return _made_anew(upload)
        except PictureRefused:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise _too_many_pixels() from None
        except UnidentifiedImageError:
            raise NotAPicture(_("This is not a picture. PNG, JPEG, WebP and GIF are taken.")) from None
        except Exception:  # decoders raise anything for hostile bytes
            raise NotAPicture(_("The picture is broken or cut off. Save it again and try once more.")) from None


def _made_anew(upload: bytes) -> Picture:
    with Image.open(io.BytesIO(upload), formats=FORMATS) as opened:
        is_jpeg, may_be_photo = opened.format == "JPEG", opened.format in {"JPEG", "WEBP"}
        if opened.width * opened.height > (MOST_PIXELS if is_jpeg else MOST_WHOLE_PIXELS):
            raise _too_many_pixels()
        opened.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    plain = _plain(upright)
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    plain.info = {}
    return _encoded(plain, is_photo=may_be_photo)


def _too_many_pixels() -> PictureTooLarge:
    return PictureTooLarge(_("The picture has too many pixels. Make it smaller and try again."))


def _plain(image: Image.Image) -> Image.Image:
    """In one of the modes L, RGB, RGBA; the last only where something shows through."""
    if image.mode.startswith("I"):  # 16 bits a pixel, whose upper half is kept
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in {"1", "L"} and "transparency" not in image.info:
        return image.convert("L")
    if image.mode in {"LA", "PA", "La", "RGBA", "RGBa"} or "transparency" in image.info:
        clear = image.convert("RGBA")
        lowest, _highest = clear.getchannel("A").getextrema()
        return clear if lowest != 255 else clear.convert("RGB")
    return image.convert("RGB")


def _encoded(image: Image.Image, *, is_photo: bool) -> Picture:
    if not is_photo or image.mode == "RGBA":
        content = _saved(image, "PNG")
        if len(content) <= STORED_LIMIT:
            return Picture("image/png", image.width, image.height, content)
    image = _on_white(image)
    for quality in QUALITIES:
        content = _saved(image, "JPEG", quality=quality)
        if len(content) <= STORED_LIMIT:
            return Picture("image/jpeg", image.width, image.height, content)
    raise _too_many_pixels()


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()
