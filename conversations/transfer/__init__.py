"""Conversations in files: what Wiz writes, and what it reads of its own and of others."""
