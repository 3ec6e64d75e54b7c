"""``manage.py create_token EMAIL``: a new API token, printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from accounts.scopes import Scope
from accounts.services import create_token


class Command(BaseCommand):
    """Prints the value of a new token, and nothing else, on standard output."""

    help = "Create an API token for a person and print it; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """EMAIL, --name, --days, --scope."""
        parser.add_argument("email")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--days", type=int, default=None, help="days until it expires (default: never)")
        parser.add_argument(
            "--scope",
            action="append",
            dest="scopes",
            choices=Scope.values,
            help="what it opens; may be given several times (default: all that the person may)",
        )

    def handle(
        self, *args: Any, email: str, name: str, days: int | None, scopes: list[str] | None, **options: Any
    ) -> None:
        """Raises ``CommandError`` in one line."""
        user = User.objects.filter(email__iexact=email.strip()).first()
        if user is None or not user.is_active:
            raise CommandError(f"There is no active user with the address {email}.")
        if days is not None and not 1 <= days <= 3650:
            raise CommandError("--days must be between 1 and 3650.")
        if not name.strip() or len(name) > 100:
            raise CommandError("--name must have 1 to 100 characters.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        try:
            _, value = create_token(user=user, name=name.strip(), expires_at=expires_at, scopes=scopes)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.stdout.write(value)
