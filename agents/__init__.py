"""Agents: named ways to use a model."""
