"""Stochastic simulation of single molecules: exact methods by partial propensities."""
