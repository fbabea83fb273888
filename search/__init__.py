"""Tree search over any domain, compiled and generic."""

if __name__ != "tesuji.search":
    raise ImportError("import this package as tesuji.search; the bare name poisons numba's cache")
