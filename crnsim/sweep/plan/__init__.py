"""Plans: a sweep laid out in groups and chunks, with what they would cost."""
