"""Sweep files: the typed model, and how it is read and checked."""
