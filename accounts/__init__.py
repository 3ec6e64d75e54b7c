"""People: users, groups, API tokens, preferences, first-run setup."""
