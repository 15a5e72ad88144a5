"""Kinetics: families of reactions compiled to a right-hand side over lanes, and keyed random numbers."""
