"""A secret in a database column that is decrypted only when somebody opens it.

The encryption is that of ``django-fernet-fields-v2``. The value that models carry is a ``Sealed``: its ``repr`` and
``str`` show nothing, it serialises to nothing, and a lost encryption key hurts only whoever opens it. What is encrypted
is JSON that binds the secret to the row and to the host it may be sent to.
"""

import json
from typing import Any

from cryptography.fernet import InvalidToken
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.encoding import force_bytes, force_str
from fernet_fields import EncryptedTextField


class SecretUnreadable(Exception):
    """None of the encryption keys opens the value, or it was sealed for another row or host."""


class Sealed:
    """A secret that is still encrypted; ``token`` is the Fernet token."""

    __slots__ = ("_field", "token")

    def __init__(self, token: bytes, field: "SealedField") -> None:
        self.token = token
        self._field = field

    def __repr__(self) -> str:
        return "<sealed>"

    def open(self, *, row: str, host: str) -> str:
        """The plaintext, if it was sealed for this row and host; raises ``SecretUnreadable`` otherwise."""
        return self._field.unseal(self.token, row=row, host=host)


class SealedField(EncryptedTextField):  # type: ignore[misc]
    """A Fernet-encrypted column whose Python value is ``Sealed`` or ``None``. Assign the result of ``seal``."""

    def seal(self, secret: str, *, row: str, host: str) -> Sealed:
        """Encrypt ``secret`` for one row and one host."""
        content = json.dumps({"v": 1, "row": row, "host": host, "secret": secret})
        return Sealed(self.fernet.encrypt(force_bytes(content)), self)

    def unseal(self, token: bytes, *, row: str, host: str) -> str:
        """The reverse of ``seal``; raises ``SecretUnreadable``."""
        try:
            content = json.loads(force_str(self.fernet.decrypt(token)))
        except (InvalidToken, ValueError):
            raise SecretUnreadable from None
        if content.get("row") != row or content.get("host") != host:
            raise SecretUnreadable
        return str(content["secret"])

    def reseal(self, sealed: Sealed) -> Sealed:
        """The same content under the newest encryption key; raises ``SecretUnreadable``."""
        try:
            return Sealed(self.fernet.encrypt(self.fernet.decrypt(sealed.token)), self)
        except InvalidToken:
            raise SecretUnreadable from None

    def from_db_value(self, value: bytes | memoryview | None, *_: object) -> Sealed | None:
        """Wrap, do not decrypt."""
        return None if value is None else Sealed(bytes(value), self)

    def to_python(self, value: object) -> Sealed | None:
        """Only ``Sealed`` values pass; a stray plaintext is a programming error."""
        if value is None or isinstance(value, Sealed):
            return value
        raise TypeError("Assign field.seal(…), not the secret itself.")

    def get_prep_value(self, value: object) -> Sealed | None:
        """Refuse plaintext before it reaches the database."""
        return self.to_python(value)

    def get_db_prep_save(self, value: object, connection: BaseDatabaseWrapper) -> Any:
        """The token as it is; it was encrypted by ``seal``."""
        sealed = self.to_python(value)
        return None if sealed is None else connection.Database.Binary(sealed.token)  # type: ignore[attr-defined]

    def value_to_string(self, obj: models.Model) -> str:  # noqa: ARG002 - Django's signature
        """Nothing: dumps carry no secret, not even an encrypted one."""
        return ""


def sealed_field(model: type[models.Model], name: str) -> SealedField:
    """A model's sealed column."""
    field = model._meta.get_field(name)
    assert isinstance(field, SealedField)  # noqa: S101 - tells the type checker
    return field
