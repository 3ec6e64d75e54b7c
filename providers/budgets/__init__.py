"""Budgets: how much people, groups and the whole server may use, and what happens when they have."""
