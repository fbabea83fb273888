"""Neural-guided search and planning over any domain."""

__version__ = "0.1.0"
