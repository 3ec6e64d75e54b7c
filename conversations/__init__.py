"""Conversations, messages and the generation engine that streams answers."""
