"""First-order problems as domains."""
