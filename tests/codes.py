"""Codes as an authenticator app shows them."""

import base64
import hmac
import struct
import time


def app_code(secret: str, *, steps: int = 0) -> str:
    """The six digits of now (RFC 6238), or of some steps of 30 seconds later."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, "sha1").digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"
