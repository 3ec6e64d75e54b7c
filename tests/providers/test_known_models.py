"""Every model name in the price data is told apart rightly: what chats is offered, what does not is not."""

from collections.abc import Iterator

from genai_prices.data_snapshot import get_snapshot

from providers import catalogue_facts, families, pricing
from providers.models import Provider
from providers.types import ModelInfo

# The names in the data that do not chat, looked through by hand: embedders, rankers, classifiers and deciders that
# write no words, speech, music, pictures, films, moderation, scans, translation, plain completion, live connections.
# After an update of the data a failure here lists the new names: look at each, then teach the rules or add it.
NAMES = """
ada amazon.nova-2-sonic-v1:0 amazon.nova-sonic-v1:0 amazon.titan-embed-text-v1 amazon.titan-embed-text-v2:0
babbage babbage-002 bge-base-en-v1.5 bge-large-en-v1.5 bge-m3 bge-multilingual-gemma2 bge-reranker-base
bge-small-en-v1.5 chatgpt-image-latest clairic clef clef-flash clef-omni codestral-embed-2505 computer-use curie
databricks-bge-large-en databricks-gte-large-en databricks-qwen3-embedding-0-6b davinci davinci-002
deepseek-ocr-2 distilbert-sst-2-int8 eleven_realtime_v1_max eleven_realtime_v1_mini embed-v4.0 extract
gemini-2.5-flash-image gemini-2.5-flash-lite-preview-tts gemini-2.5-flash-tts gemini-2.5-pro-tts
gemini-3-pro-image gemini-3-pro-image-preview gemini-3.1-flash-image gemini-3.1-flash-image-preview
gemini-3.1-flash-lite-image gemini-3.1-flash-live-preview gemini-3.1-flash-tts-preview gemini-3.8-flash-lite-tts
gemini-3.8-flash-tts gemini-3.8-live gemini-embedding-001 gemini-embedding-2 gemini-live-2.5-flash
gemini-nano-banana-2.1 gemini-omni-1.1-flash gemini-omni-1.2-flash gemini-omni-flash-preview
gemini-robotics-er-2-streaming-preview glm-ocr gpt-3.5-turbo-instruct gpt-4o-audio-preview
gpt-4o-mini-audio-preview gpt-4o-mini-realtime-preview gpt-4o-mini-transcribe gpt-4o-mini-tts
gpt-4o-realtime-preview gpt-4o-transcribe gpt-5-image gpt-5-image-mini gpt-5.4-image-2 gpt-audio gpt-audio-mini
gpt-image-1 gpt-image-1-mini gpt-image-1.5 gpt-image-2 gpt-image-2.5-flare gpt-image-2.5-sunburst
gpt-jt-moderation-6b gpt-live-1 gpt-live-transcribe gpt-oss-safeguard-20b gpt-realtime gpt-realtime-2
gpt-realtime-mini gpt-realtime-translate gpt-realtime-whisper gpt-transcribe grok-voice-latest
grok-voice-think-fast-1.0 grok-voice-think-fast-2.0 indictrans2-en-indic-1b jev-1.13 jev-1.13.0 jev-1.14
jev-1.14.0 llama-guard-2-8b llama-guard-3-8b llama-guard-4-12b llama-prompt-guard-2-22m llama-prompt-guard-2-86m
lyria-3-clip-preview lyria-3-pro-preview m2m100-1.2b ming-image-0.1-design mistral-embed mistral-ocr-2503
mistral-ocr-2505 mistral-ocr-2512 mistral-ocr-4-0 mistral-ocr-4-1 mistral-ocr-latest moderation
nemotron-3.5-content-safety nemotron-3.5-content-safety:free orpheus-arabic-saudi orpheus-v1-english
paddleocr-vl plamo-embedding-1b pplx-decider-flash-v1.2 pplx-decider-v1-27b pplx-decider-v1.1-27b
pplx-decider-v1.2 pplx-embed-context-v1-0.6b pplx-embed-context-v1-4b pplx-embed-v1-0.6b pplx-embed-v1-4b
qwen3-embedding-0.6b qwen3-embedding-8b summarize tev1-4b-experimental text-davinci-002 text-davinci-003
text-embedding-3-large text-embedding-3-small text-embedding-ada-002 trio-spark-v1.3 tts-1 tts-1-hd
voxtral-mini-2602 voxtral-mini-transcribe-3-0 voxtral-mini-transcribe-realtime-2602
voxtral-mini-transcribe-realtime-3-0 voxtral-small-transcribe-3-0 voyage-01 voyage-02 voyage-2 voyage-3
voyage-3-large voyage-3-lite voyage-3.5 voyage-3.5-lite voyage-4 voyage-4-large voyage-4-lite voyage-code-2
voyage-code-3 voyage-code-4 voyage-context-3 voyage-context-4 voyage-finance-2 voyage-large-2
voyage-large-2-instruct voyage-law-2 voyage-lite-01 voyage-lite-01-instruct voyage-lite-02-instruct
voyage-multilingual-2 whisper-1 whisper-large-v3 whisper-large-v3-turbo
"""
NOT_CHAT = frozenset(NAMES.split())
# Pictures and sound are a side of these: they chat with words, but need parameters that Wiz does not send.
ON_PURPOSE = {"gpt-5-image", "gpt-5-image-mini", "gpt-5.4-image-2", "gpt-audio", "gpt-audio-mini", "computer-use"}
# The same address sells calls that only choose between given answers, under the name of a model that chats.
NOT_A_VENDOR = "openai-decisions"


def known_names() -> Iterator[tuple[str, bool]]:
    """Each name in the data without its maker, and whether Wiz would offer it."""
    for vendor in get_snapshot().providers:
        for model in vendor.models:
            if vendor.id != NOT_A_VENDOR:
                is_paid_for_text = pricing._known(model).is_paid_for_text
                yield model.id.lower().rpartition("/")[2], is_paid_for_text and families.is_chat(model.id)


def test_no_known_model_that_does_not_chat_is_offered() -> None:
    assert sorted({name for name, is_offered in known_names() if is_offered} & NOT_CHAT) == []


def test_no_known_chat_model_is_hidden() -> None:
    assert sorted({name for name, is_offered in known_names() if not is_offered} - NOT_CHAT) == []


def test_the_list_of_this_test_holds_no_name_that_has_left_the_data() -> None:
    names = {name for name, _ in known_names()}
    assert len(names) > 1000
    assert sorted(NOT_CHAT - names) == []
    assert ON_PURPOSE <= NOT_CHAT


def test_the_data_knows_better_than_a_name_and_the_provider_better_than_the_data() -> None:
    provider = Provider(kind="openai-compatible", base_url="https://openrouter.ai/api/v1")

    def chats(*, told: bool | None) -> bool:
        listed = [ModelInfo(id="cloudflare/clef", is_chat=told)]
        return next(catalogue_facts.from_list(provider, listed)).is_chat

    assert families.is_chat("cloudflare/clef")
    assert not chats(told=None)
    assert chats(told=True)


def test_google_s_names_are_known_with_the_collection_before_them() -> None:
    address = "https://generativelanguage.googleapis.com/v1beta/openai"
    plain = pricing.find_known("openai-compatible", address, "gemini-2.5-pro")
    listed = pricing.find_known("openai-compatible", address, "models/gemini-2.5-pro")
    assert plain == listed
    assert listed is not None
    assert listed.input_price is not None


def test_what_the_data_calls_deprecated_is_marked_and_left_out_of_the_list_known_beforehand() -> None:
    provider = Provider(kind="openai-compatible", base_url="https://api.mistral.ai/v1")
    (facts,) = catalogue_facts.from_list(provider, [ModelInfo(id="mistral-tiny")])
    assert facts.lifecycle == "deprecated"
    names = {facts.id for facts in catalogue_facts.from_vendor(provider)}
    assert "mistral-tiny" not in names
    assert len(names) > 5
