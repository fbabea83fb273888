"""Schedules of shops: construction, tabu search and lower bounds."""
