"""One filter on the root handler that hides secrets in every log line."""

import logging
import re

SECRET = re.compile(r"(?i)\b(bearer\s+|sk-|wiz_|x-api-key['\"]?\s*[:=]\s*['\"]?)[A-Za-z0-9._~+/=-]{6,}")


class RedactSecrets(logging.Filter):
    """Replace keys and bearer tokens in the finished message; never drops a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite ``record`` in place."""
        message = record.getMessage()
        if (clean := SECRET.sub(r"\1[hidden]", message)) != message:
            record.msg, record.args = clean, None
        return True
