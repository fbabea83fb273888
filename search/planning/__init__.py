"""Planning: searches and heuristics over ground planning tasks."""
