"""The registry: who can generate text, with what key, which models, at what price."""
