"""Parts of bodies that chat completions and responses have in common."""

from agents.gateway.bodies import JSONObject, Strict


class Refusal(Strict, tag="refusal"):
    """What the model refused earlier."""

    refusal: str


class PlainFormat(Strict, tag="text"):
    """Text, as ever."""


class ObjectFormat(Strict, tag="json_object"):
    """Some JSON."""


class NamedSchema(Strict):
    """A JSON schema."""

    name: str
    schema: JSONObject
    description: object = None
    strict: object = None
