"""Scheduling: job shops and flexible job shops, their files, their checker and their game."""
