"""Constraints as z3 expressions: stated once, compiled for the search, explained by the solver."""
