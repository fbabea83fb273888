"""Board games as compiled domains."""
