"""Robots as domains."""
