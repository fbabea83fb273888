"""What `check_domain` finds: faults by name, and the probe that runs a domain and reports them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Domain, State

# Every fault by its code, with what to do about it.
FAULTS = {
    "spec": "make the DomainSpec agree with the rules",
    "raises": "make the method work for every state that play reaches",
    "legal-shape": "return a bool array [num_actions]",
    "legal-varies": "let the state alone decide the mask, and fill all of it",
    "no-legal-action": "return discount 0 at an end, or allow a pass",
    "mask-step": "let `legal` allow just what `step` carries out",
    "reward": "return a finite reward",
    "discount": "return 1 where the same side moves on, -1 where the other does, 0 at an end",
    "to-play": "let `to_play` follow the discount: the side changes just where it is negative",
    "value-range": "widen DomainSpec.value_range, or scale the rewards",
    "too-long": "raise DomainSpec.max_steps, or end the episode",
    "mutates": "work on a copy and leave the given state as it was",
    "aliasing": "return a new array or state each time",
    "reset-varies": "let the seed alone decide the first state",
    "step-varies": "let state, action and key alone decide the outcome",
    "not-deterministic": "say deterministic=False, or leave the key unused",
    "observation-shape": "return a float32 array of DomainSpec.observation_shape",
    "observation-not-finite": "return finite observations",
    "observation-leak": "show nothing but the state: no history, no counter, no random number",
    "key-collision": "let `key` hold all that play from the state depends on",
    "key-type": "return bytes, or None for every state",
    "symmetry-identity": "let symmetry 0 change nothing",
    "symmetry-action": "let `transform_action` permute the actions",
    "symmetry-legal": "let `transform` and `transform_action` turn the same way",
    "symmetry-step": "let `transform` and `step` commute: turn then move = move then turn",
    "symmetry-observation": "show in the observation how the state is turned",
    "action-name": "give each legal action its own name",
    "parse-action": "let `parse_action` understand what `action_name` writes",
    "render": "return text",
    "board": "let `board` and `action_cells` agree on one grid",
    "kernel-compile": "write the kernel in the Python that numba compiles",
    "kernel-bounds": "write inside the mask, the observation and the row only",
    "kernel-twin": "make the kernel give the same as plain Python (mind integer types)",
}

# What a method may raise by mistake; anything else (KeyboardInterrupt, MemoryError) passes.
RAISED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)


class DomainFault(ValueError):
    """A domain breaks its contract.

    Attributes:
        code: the fault's stable name, a key of `FAULTS`.
        what: what was seen, and what was expected.
        seed: the seed of the reset that leads to the state.
        actions: the actions from there; every step had key 0 unless `what` says otherwise.
        state: the state as text.
    """

    def __init__(
        self, domain: str, code: str, what: str, seed: int, actions: tuple[int, ...], state: str
    ) -> None:
        self.code, self.what, self.seed, self.actions = code, what, seed, actions
        self.state = state
        path = " ".join(map(str, actions)) or "none"
        place = f"reset seed {seed}, actions: {path}"
        super().__init__(f"{domain}: {code}: {what}; {FAULTS[code]} ({place})\n{state}")


class Probe:
    """A domain under test: calls its methods, watches the states, knows where it stands."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.spec = domain.spec
        self.seed = 0
        self.actions: list[int] = []
        self.state: State = None
        # What each key stood for: a state, and how it looked.
        self.seen: dict[bytes, tuple[State, tuple[Any, ...]]] = {}
        self.moving_actions: set[int] = set()
        self.permutations: dict[int, npt.NDArray[np.int64]] = {}
        self.num_transpositions = 0

    def fault(self, code: str, what: str) -> NoReturn:
        """Raise the fault `code` at the present state."""
        try:
            text = "" if self.state is None else str(self.domain.render(self.state))
        except RAISED as error:
            text = f"(render raises {_described(error)})"
        raise DomainFault(
            self.spec.name, code, what, self.seed, tuple(self.actions), text
        ) from None

    def require(self, condition: Any, code: str, what: str) -> None:
        """Raise the fault `code` unless `condition` holds."""
        if not condition:
            self.fault(code, what)

    def call(self, method: str, *arguments: Any, code: str = "raises") -> Any:
        """Return what a method of the domain returns; it must not raise or change a state."""
        before = fingerprint(arguments[0])
        try:
            result = getattr(self.domain, method)(*arguments)
        except RAISED as error:
            shown = ", ".join(str(a) for a in arguments[1:])
            self.fault(code, f"{method}({shown}) raises {_described(error)}")
        if fingerprint(arguments[0]) != before:
            self.fault("mutates", f"{method} changes the state it is given")
        return result

    def array(self, method: str, state: State) -> npt.NDArray[Any]:
        """Return an array from a method that must not hand out memory it still uses."""
        first, second = self.call(method, state), self.call(method, state)
        if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
            kept = [second, *arrays(state)]
            if first.flags.writeable and any(np.shares_memory(first, other) for other in kept):
                self.fault("aliasing", f"{method} returns memory that a caller could change")
        return first  # type: ignore[no-any-return]

    def look(self, state: State) -> tuple[Any, ...]:
        """Return all that shows of a state: key, side to move, mask, observation."""
        return (
            self.call("key", state),
            self.call("to_play", state),
            np.asarray(self.call("legal", state)).tobytes(),
            np.asarray(self.call("observe", state)).tobytes(),
        )


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def fingerprint(value: Any, depth: int = 12) -> Any:
    """Return a comparable deep copy of any value's content, at most `depth` levels down."""
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject:
        copy: Any = (value.dtype.str, value.shape, value.tobytes())
    elif depth == 0:  # an object that holds itself
        copy = type(value).__name__
    elif isinstance(value, np.ndarray):
        copy = fingerprint(value.tolist(), depth - 1)
    elif isinstance(value, Mapping):
        copy = [(repr(key), fingerprint(value[key], depth - 1)) for key in value]
    elif isinstance(value, (list, tuple)):
        copy = [fingerprint(item, depth - 1) for item in value]
    elif isinstance(value, (set, frozenset)):
        copy = sorted(repr(fingerprint(item, depth - 1)) for item in value)
    else:
        fields = _fields(value)
        copy = repr(value) if fields is None else fingerprint(fields, depth - 1)
    return copy


def arrays(value: Any, depth: int = 12) -> Iterator[npt.NDArray[Any]]:
    """Yield the arrays that a value holds, at most `depth` levels down."""
    if isinstance(value, np.ndarray):
        yield value
    elif depth > 0:
        items = value if isinstance(value, (list, tuple)) else (_fields(value) or {}).values()
        for item in items:
            yield from arrays(item, depth - 1)


def _fields(value: Any) -> dict[str, Any] | None:
    """Return an object's attributes, or None for a plain value, a function or a class."""
    if callable(value):
        return None
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    names += getattr(value, "__dict__", {})
    return {name: getattr(value, name) for name in names if hasattr(value, name)} or None
