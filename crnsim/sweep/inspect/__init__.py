"""Looking after results: how far a sweep is, whether its files are whole, whether its numbers come again."""
