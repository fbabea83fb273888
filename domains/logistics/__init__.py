"""Tasks of transport."""
