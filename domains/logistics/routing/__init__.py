"""Vehicle routing: instances, the files that hold them, and an independent checker of routes."""
