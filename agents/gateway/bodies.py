"""Strict bodies: what a dialect's table does not name is refused with its name, never passed on."""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

from agents.gateway.failures import Refused
from providers.errors import RequestRefused
from providers.images import image_from_data_url
from providers.schemas import is_deeper
from providers.types import ImagePart, JSONSchema

MESSAGE_LIMIT: Final = 10_000  # messages or items of one request
LARGE: Final = 262_144  # bytes; reading such a body takes long enough to do it beside the loop
NO_PARAMETERS: Final[JSONSchema] = {"type": "object", "properties": {}}
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?\Z", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(.*?)`(?: - at `\$\.?(.*)`)?\Z", re.DOTALL)
_PLACE: Final = re.compile(r" - at `\$\.?(.*)`\Z", re.DOTALL)

Body = TypeVar("Body")
Result = TypeVar("Result")
JSONObject = dict[str, object]


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An object of which every field is known."""


async def off_loop(body: bytes, read: Callable[[bytes], Result]) -> Result:
    """``read`` on the body, in a thread if that may take long."""
    return await asyncio.to_thread(read, body) if len(body) > LARGE else read(body)


def decode(decoder: msgspec.json.Decoder[Body], body: bytes) -> Body:
    """The typed body. Raises ``Refused`` with the name of the parameter that is wrong."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        refusal = _invalid(str(error))
    except (ValueError, RecursionError) as error:
        refusal = Refused(400, f"The body is not valid JSON: {str(error)[:200]}", code="invalid_json")
    raise refusal


def plain_schema(value: JSONObject | None, place: str) -> JSONSchema:
    """A JSON schema of bounded depth; an empty one for none."""
    if value is None:
        return NO_PARAMETERS
    if is_deeper(value):
        raise Refused(400, f"{place} is nested too deeply.", param=place, code="invalid_schema")
    return value


def read_image(url: str, place: str) -> ImagePart:
    """The image in a data URL; raises ``Refused`` with the place."""
    try:
        return image_from_data_url(url)
    except RequestRefused as error:
        refusal = Refused(400, f"{place}: {error.detail}", param=place, code="invalid_image")
    raise refusal


def refuse(param: str, message: str, code: str = "unsupported_value") -> Refused:
    """400 for a parameter that cannot be honoured."""
    return Refused(400, message, param=param, code=code)


def check_count(items: Sequence[object], param: str) -> None:
    """Refuse what would keep the loop busy by its number alone."""
    if len(items) > MESSAGE_LIMIT:
        raise refuse(param, f"{param} holds more than {MESSAGE_LIMIT} items.", "invalid_value")


def _invalid(problem: str) -> Refused:
    if found := _UNKNOWN.match(problem):
        name = _joined(found[2], found[1])
        return Refused(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    if found := _MISSING.match(problem):
        name = _joined(found[2], found[1])
        message = f"Missing required parameter: '{name}'."
        return Refused(400, message, param=name, code="missing_required_parameter")
    place = _PLACE.search(problem)
    name = place[1][:200] if place else ""
    said = problem[: place.start()] if place else problem
    message = f"Invalid value for '{name}': {said[:300]}." if name else f"The body is not what was expected: {said}."
    return Refused(400, message, param=name or None, code="invalid_value")


def _joined(place: str | None, name: str) -> str:
    return f"{place}.{name}"[:200] if place else name[:200]
