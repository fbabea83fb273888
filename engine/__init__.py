"""What people touch: command line, self-play, training, arena, play and the planner."""

if __name__ != "tesuji.engine":
    raise ImportError("import this package as tesuji.engine; the bare name poisons numba's cache")
