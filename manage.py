#!/usr/bin/env python
"""Django's command-line entry point for Wiz."""

import os
import sys


def main() -> None:
    """Run a management command against ``wizsite.settings``; a wrong environment is one line and exit status 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wizsite.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        settings.INSTALLED_APPS  # noqa: B018 - reads the settings, and with them the environment
    except (ImproperlyConfigured, OSError) as error:
        sys.exit(f"Wiz cannot start: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
