"""What every operation makes of every fault: the expectations of ``test_fault_table``, written out.

A row: the fault, the operations it concerns, the code, the number of calls that reach the provider (by kind where the
kinds differ), and the reader's sentence. The provider is called Acme, the model practice. ``stream_text``,
``list_models`` and ``test_provider`` make one attempt; ``generate_text`` and ``generate_object`` at most three for each
way of asking.
"""

from collections.abc import Mapping
from typing import Final

ALL: Final = "stream_text generate_text generate_object list_models test_provider"
ONCE: Final = "stream_text list_models test_provider"
RETRIED: Final = "generate_text generate_object"
CHAT: Final = "stream_text generate_text generate_object test_provider"
ONCE_CHAT: Final = "stream_text test_provider"
NOT_OBJECT: Final = "stream_text generate_text list_models test_provider"

Calls = int | Mapping[str, int] | None
"""``None`` where nobody is there to count."""
Row = tuple[str, str, str, Calls, str]

WAYS: Final = {"openai": 4, "anthropic": 3, "deepseek": 4, "openai-compatible": 4}
"""The ways in which an object is asked for, one after the other, when each is refused as a wrong request."""

REFUSED: Final = "Acme did not accept the request (400)."
TOO_FAST: Final = "Acme limits how fast it answers and asked us to wait (429)."
ODD: Final = "Acme sent an answer that is not in the expected format."
UNREACHED: Final = "Acme could not be reached."
CUT_SHORT: Final = "The answer from Acme ended too early."

ROWS: Final[list[Row]] = [
    ("400", NOT_OBJECT, "invalid_request", 1, REFUSED),
    ("400", "generate_object", "invalid_request", WAYS, REFUSED),
    ("400-again", NOT_OBJECT, "invalid_request", 1, REFUSED),
    ("400-again", "generate_object", "invalid_request", WAYS, REFUSED),
    ("401", ALL, "auth_failed", 1, "Acme refused the key (401)."),
    ("403", CHAT, "permission_denied", 1, "The key for Acme may not use practice (403)."),
    ("403", "list_models", "permission_denied", 1, "The key for Acme may not use the model (403)."),
    ("404", CHAT, "model_not_found", 1, "Acme does not know practice (404)."),
    ("404", "list_models", "model_not_found", 1, "Acme does not know the model (404)."),
    ("context", CHAT, "context_length", 1, "The conversation is too long for practice (400)."),
    ("context", "list_models", "context_length", 1, "The conversation is too long for the model (400)."),
    ("quota", ALL, "quota_exceeded", 1, "The account at Acme has no credit or quota left (429)."),
    ("429", ONCE, "rate_limit", 1, TOO_FAST),
    ("429", RETRIED, "ok", 3, ""),
    ("429-date", ONCE, "rate_limit", 1, TOO_FAST),
    ("429-date", RETRIED, "ok", 2, ""),
    ("429-ms", ONCE, "rate_limit", 1, TOO_FAST),
    ("429-ms", RETRIED, "ok", 2, ""),
    ("429-nonsense", ONCE, "rate_limit", 1, TOO_FAST),
    ("429-nonsense", RETRIED, "ok", 2, ""),
    ("429-long", ALL, "rate_limit", 1, TOO_FAST),
    ("500", ONCE, "server_error", 1, "Acme had an internal error (500)."),
    ("500", RETRIED, "server_error", 3, "Acme had an internal error (500)."),
    ("500-then-ok", ONCE, "server_error", 1, "Acme had an internal error (500)."),
    ("500-then-ok", RETRIED, "ok", 2, ""),
    ("502", ONCE, "server_error", 1, "Acme had an internal error (502)."),
    ("502", RETRIED, "server_error", 3, "Acme had an internal error (502)."),
    ("503", ONCE, "overloaded", 1, "Acme is overloaded (503)."),
    ("503", RETRIED, "overloaded", 3, "Acme is overloaded (503)."),
    ("529", ONCE, "overloaded", 1, "Acme is overloaded (529)."),
    ("529", RETRIED, "overloaded", 3, "Acme is overloaded (529)."),
    ("301", ALL, "invalid_request", 1, "Acme did not accept the request (301)."),
    ("302", ALL, "invalid_request", 1, "Acme did not accept the request (302)."),
    ("303", ALL, "invalid_request", 1, "Acme did not accept the request (303)."),
    ("307", ALL, "invalid_request", 1, "Acme did not accept the request (307)."),
    ("308", ALL, "invalid_request", 1, "Acme did not accept the request (308)."),
    ("html", ONCE, "bad_response", 1, ODD),
    ("html", RETRIED, "bad_response", 3, ODD),
    ("empty", ONCE, "bad_response", 1, ODD),
    ("empty", RETRIED, "bad_response", 3, ODD),
    ("204", ONCE, "bad_response", 1, ODD),
    ("204", RETRIED, "bad_response", 3, ODD),
    ("garbage", ONCE, "bad_response", 1, ODD),
    ("garbage", RETRIED, "bad_response", 3, ODD),
    ("malformed-sse", ONCE, "bad_response", 1, ODD),
    ("malformed-sse", RETRIED, "bad_response", 3, ODD),
    ("truncated-json", ONCE, "bad_response", 1, ODD),
    ("truncated-json", RETRIED, "bad_response", 3, ODD),
    ("error-body", ONCE, "server_error", 1, "Acme had an internal error (502)."),
    ("error-body", RETRIED, "server_error", 3, "Acme had an internal error (502)."),
    ("cut", ONCE, "incomplete", 1, CUT_SHORT),
    ("cut", RETRIED, "incomplete", 3, CUT_SHORT),
    ("rst", ONCE, "connection_failed", 1, UNREACHED),
    ("rst", RETRIED, "connection_failed", 3, UNREACHED),
    ("error-event", ONCE_CHAT, "server_error", 1, "Acme had an internal error."),
    ("error-event", RETRIED, "server_error", 3, "Acme had an internal error."),
    ("error-event", "list_models", "ok", 1, ""),
    ("no-usage", ALL, "ok", 1, ""),
    ("odd-usage", ALL, "ok", 1, ""),
    ("no-done", ALL, "ok", 1, ""),
    ("onebyte", ALL, "ok", 1, ""),
    ("crlf", ALL, "ok", 1, ""),
    ("surrogates", ALL, "ok", 1, ""),
    ("longline", ALL, "ok", 1, ""),
    ("empty-list", ALL, "ok", 1, ""),
    ("no-structure", NOT_OBJECT, "ok", 1, ""),
    ("no-structure", "generate_object", "ok", WAYS, ""),
    ("bad-json-then-ok", NOT_OBJECT, "ok", 1, ""),
    ("bad-json-then-ok", "generate_object", "ok", 2, ""),
    ("always-bad-json", NOT_OBJECT, "ok", 1, ""),
    (
        "always-bad-json",
        "generate_object",
        "invalid_object",
        3,
        "practice did not answer in the form that was asked for.",
    ),
    # No server, or none that speaks HTTP.
    ("refused", ALL, "connection_failed", None, UNREACHED),
    ("no name", ALL, "connection_failed", None, UNREACHED),
    ("no tls", ALL, "connection_failed", None, UNREACHED),
    ("reset", ALL, "connection_failed", None, UNREACHED),
]

NOTHING_CAME: Final = "Acme accepted the request but sent nothing in time."
STOPPED: Final = "Acme stopped sending in the middle of the answer."
TOO_LONG: Final = "Acme took longer than an answer may take."

SLOW_ROWS: Final[list[Row]] = [
    ("silent", ONCE, "timeout", 1, NOTHING_CAME),
    ("silent", RETRIED, "timeout", 3, NOTHING_CAME),
    ("slow-first", ONCE, "timeout", 1, NOTHING_CAME),
    ("slow-first", RETRIED, "timeout", 3, NOTHING_CAME),
    ("stall", ONCE, "timeout", 1, STOPPED),
    ("stall", RETRIED, "timeout", 3, STOPPED),
    ("comments", ONCE_CHAT, "timeout", 1, TOO_LONG),
    ("comments", RETRIED, "timeout", 3, TOO_LONG),
    ("comments", "list_models", "ok", 1, ""),
    ("drip", ONCE_CHAT, "timeout", 1, TOO_LONG),
    ("drip", "generate_text", "timeout", 3, TOO_LONG),
    ("drip", "list_models", "ok", 1, ""),
    ("endless", "stream_text", "timeout", 1, TOO_LONG),
    ("endless", "generate_text", "timeout", 3, TOO_LONG),
    ("endless", "generate_object", "ok", 1, ""),  # an object has an end, even there
    ("endless", "list_models", "ok", 1, ""),
    ("endless", "test_provider", "timeout", 1, TOO_LONG),
]
UNTOLD: Final = {("drip", "generate_object")}  # a short object may arrive in time, by some ways of asking
