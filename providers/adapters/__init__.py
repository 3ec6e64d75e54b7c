"""One adapter per wire dialect, and the table that says which kind speaks which."""
