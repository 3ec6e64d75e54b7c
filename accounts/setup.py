"""The one-time link with which the first administrator is created.

The token is signed with the site's secret key and says nothing else; it stops working when the first
administrator exists or after a week.
"""

from django.core import signing

from accounts.models import Installation, User

SALT = "wiz.setup"
MAX_AGE = 7 * 24 * 3600  # seconds


def is_set_up() -> bool:
    """Whether somebody has become the first administrator."""
    return Installation.objects.exists() or User.objects.filter(is_superuser=True).exists()


def make_setup_token() -> str:
    """The last part of the set-up link."""
    return signing.dumps("setup", salt=SALT)


def is_setup_token(token: str) -> bool:
    """Whether this is a genuine, fresh token and nobody has used it."""
    try:
        return signing.loads(token, salt=SALT, max_age=MAX_AGE) == "setup" and not is_set_up()
    except signing.BadSignature:
        return False
