"""The verbs of the command line, a module each.

A module has a frozen dataclass `Arguments`, whose docstring and fields are the verb's help,
`EXAMPLES`, and `run(arguments) -> Answer | None`. Engine parts load inside `run`, so that help is
fast.
"""
