"""Experiments: from points to results, by training or with given weights, and the chemical read-out."""
