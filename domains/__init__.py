"""The rules: the domain contract, the registry and one folder a family."""

if __name__ != "tesuji.domains":
    raise ImportError("import this package as tesuji.domains; the bare name poisons numba's cache")
