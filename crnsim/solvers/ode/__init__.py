"""Adaptive integration of batches of runs by compiled code."""
