"""Vectors that depend on nothing but the text: the same text has the same one."""

import base64
import hashlib
import json
import struct

from providers.practice.connection import Fields

DIMENSIONS = 8
LARGEST = 32


def embed(fields: Fields) -> dict[str, object]:
    """The body of an answer to ``POST /v1/embeddings``."""
    given = fields.get("input")
    items = given if isinstance(given, list) and not all(isinstance(item, int) for item in given) else [given]
    wanted = fields.get("dimensions")
    count = min(wanted, LARGEST) if isinstance(wanted, int) else DIMENSIONS
    vectors = [_vector(item, count) for item in items]
    if fields.get("encoding_format") == "base64":
        shown: list[object] = [base64.b64encode(struct.pack(f"<{count}f", *vector)).decode() for vector in vectors]
    else:
        shown = list(vectors)
    tokens = sum(max(len(json.dumps(item)) // 4, 1) for item in items)
    return {
        "object": "list",
        "model": fields.get("model"),
        "data": [{"object": "embedding", "index": number, "embedding": vector} for number, vector in enumerate(shown)],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _vector(item: object, count: int) -> list[float]:
    digest = hashlib.sha256(json.dumps(item).encode()).digest()
    return [byte / 256 for byte in digest[:count]]
