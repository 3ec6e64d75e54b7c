"""What is known about families of models beforehand, as data. Rules fill in only what nobody told.

Sources: the vendors' model pages and the API references of OpenAI, Anthropic, DeepSeek, Google, Mistral, Qwen, xAI.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from providers.types import Capability

C = Capability


class Family(NamedTuple):
    """Models whose id (lower case, without a vendor prefix) matches ``pattern`` from its start."""

    pattern: re.Pattern[str]
    capabilities: Mapping[Capability, bool]


def _family(pattern: str, *yes: Capability, no: tuple[Capability, ...] = ()) -> Family:
    return Family(re.compile(pattern), {**dict.fromkeys(yes, True), **dict.fromkeys(no, False)})


# Words of models that do not chat: embeddings, ranking, speech, music, pictures, films, moderation, reading of scans,
# translation of single sentences, plain completion, and what answers over a live connection only.
NOT_CHAT: Final = re.compile(
    r"embed|rerank|\bbge-|\be5-|\bgte-|^voyage|minilm|mpnet|colbert|bert-"
    r"|whisper|transcri|\btts|[-_]tts|speech|voice|orpheus|audio|sonic|lyria|musicgen|kokoro|parakeet"
    r"|realtime|\blive\b|-streaming|translat|indictrans|m2m100"
    r"|dall-?e|\bimage|[-_]image|imagen|flux|stable-diffusion|banana|seedream|recraft|ideogram|midjourney"
    r"|\bsora|\bveo|gemini-omni|seedance|\bkling|hailuo|ocr\b"
    r"|moderation|prompt-guard|llama-guard|safeguard|content-safety"
    r"|^(text-)?(ada|babbage|curie|davinci)\b|turbo-instruct|computer-use"
)
# Served by OpenAI's Responses endpoint only, so not by the chat completions dialect.
RESPONSES_ONLY: Final = re.compile(r"^(o\d|gpt-\d[\d.]*)-(pro|deep-research)|^o\d-mini-deep-research|codex")
# Families that their vendors have shut down or announced to; never offered from the static list.
ENDED: Final = re.compile(
    r"^(ft:|gpt-3|gpt-4($|-)|gpt-4\.5|gpt-4o|chatgpt-4o|o1|o3|gpt-5($|-)"
    r"|claude-(v?[12]|3)|deepseek-(chat|reasoner|v3))"
)
FAMILIES: Final = (
    _family(r"gpt-(4o|4\.1|[5-9])|chatgpt|gpt-chat", C.VISION, C.TOOLS, C.JSON_SCHEMA, C.JSON_MODE),
    _family(r"gpt-[5-9](?!.*chat)", C.REASONING, no=(C.SAMPLING,)),
    _family(r"o[1-9]($|-)", C.TOOLS, C.JSON_SCHEMA, C.REASONING, no=(C.SAMPLING,)),
    _family(r"gpt-oss", C.TOOLS, C.JSON_SCHEMA, C.REASONING, no=(C.VISION,)),
    _family(r"claude", C.VISION, C.TOOLS, no=(C.JSON_MODE,)),
    _family(r"claude-\w+-([5-9]|4-[5-9])|claude-(opus|sonnet)-4", C.REASONING),
    _family(r"claude-\w+-([5-9]|4-[5-9])", C.JSON_SCHEMA),
    _family(r"claude-\w+-[5-9]", no=(C.SAMPLING,)),
    _family(r"deepseek", C.TOOLS, C.JSON_MODE, no=(C.VISION, C.JSON_SCHEMA)),
    _family(r"deepseek-(reasoner|r\d|v[4-9])", C.REASONING),
    _family(r"gemini|gemma-[3-9]", C.VISION),
    _family(r"gemini", C.TOOLS, C.JSON_SCHEMA, C.JSON_MODE),
    _family(r"gemini-(2\.5|[3-9])", C.REASONING),
    _family(r"mistral|ministral|mixtral|codestral|devstral|magistral|pixtral", C.TOOLS, C.JSON_MODE),
    _family(r"pixtral|mistral-(small|medium|large)-(latest|3|4|2[5-9])", C.VISION),
    _family(r"magistral", C.REASONING),
    _family(r"llama-?(3\.[1-3]|4)", C.TOOLS),
    _family(r"llama-?4|llama-3\.2-(11|90)b|.*vision|.*llava|.*-vl", C.VISION),
    _family(r"qwen-?([23]|max|plus)|qwq", C.TOOLS, C.JSON_MODE),
    _family(r"qwq|qwen-?3|.*thinking|.*reasoning", C.REASONING),
    _family(r"grok-[3-9]", C.TOOLS, C.JSON_SCHEMA, C.REASONING),
    _family(r"practice", C.SAMPLING, C.TOOLS, C.JSON_SCHEMA, C.JSON_MODE),
    _family(r"practice-reasoning", C.REASONING),
)
EVERY_MODEL: Final[Mapping[Capability, bool]] = {C.STREAMING: True, C.SAMPLING: True}


def is_chat(model_id: str) -> bool:
    """Whether a model of this name takes messages and answers with text."""
    return NOT_CHAT.search(_bare(model_id)) is None


def is_responses_only(model_id: str) -> bool:
    """Whether OpenAI serves this model outside the chat completions endpoint only."""
    return RESPONSES_ONLY.search(_bare(model_id)) is not None


def is_ended(model_id: str) -> bool:
    """Whether the vendor has ended this model or said when."""
    return ENDED.search(_bare(model_id)) is not None


def known_capabilities(model_id: str) -> dict[Capability, bool]:
    """What the rules say; later rules win."""
    found = dict(EVERY_MODEL)
    for family in FAMILIES:
        if family.pattern.match(_bare(model_id)):
            found.update(family.capabilities)
    return found


def _bare(model_id: str) -> str:
    """``openai/gpt-x:free`` → ``gpt-x:free``."""
    return model_id.lower().rpartition("/")[2]
