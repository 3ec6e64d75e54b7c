"""The gateway below /v1/: agents and models for every client that speaks OpenAI's or Anthropic's dialect."""
