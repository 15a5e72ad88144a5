"""A search over designs: what may vary, what is better, how candidates are raced, and what comes of it."""
