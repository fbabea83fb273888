"""Networks and the evaluators that run them."""

if __name__ != "tesuji.nets":
    raise ImportError("import this package as tesuji.nets; the bare name poisons numba's cache")
