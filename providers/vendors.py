"""Vendors that speak OpenAI's dialect, offered where somebody is asked for a base URL.

The addresses are those of the vendors' own documentation.
"""

from typing import Final

COMPATIBLE_VENDORS: Final = (
    ("Cerebras", "https://api.cerebras.ai/v1"),
    ("Fireworks", "https://api.fireworks.ai/inference/v1"),
    ("Google Gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
    ("Groq", "https://api.groq.com/openai/v1"),
    ("Mistral", "https://api.mistral.ai/v1"),
    ("OpenRouter", "https://openrouter.ai/api/v1"),
    ("Together", "https://api.together.xyz/v1"),
    ("xAI", "https://api.x.ai/v1"),
    ("Ollama", "http://127.0.0.1:11434/v1"),
    ("LM Studio", "http://127.0.0.1:1234/v1"),
)


def vendor_name(base_url: str) -> str:
    """What the vendor at this address is called; empty when it is none of these."""
    return next((name for name, url in COMPATIBLE_VENDORS if url == base_url.rstrip("/")), "")
