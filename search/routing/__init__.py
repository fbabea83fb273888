"""Vehicle routing: ruin and recreate, and lower bounds with certificates."""
