"""The template tags of the agents."""
