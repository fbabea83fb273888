"""PDDL: read, check and ground planning tasks."""
