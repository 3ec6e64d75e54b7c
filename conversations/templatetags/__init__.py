"""Template tags of the rail and the transcript."""
