"""Small theorems, and what is none, for tests."""

THEOREMS = {
    "modus ponens": "fof(a, axiom, p => q). fof(b, axiom, p). fof(c, conjecture, q).",
    "excluded middle": "fof(c, conjecture, p | ~ p).",
    "drinker": "fof(c, conjecture, ? [X] : (drinks(X) => ! [Y] : drinks(Y))).",
    "two instances": "fof(a, axiom, ! [X] : (p(X) | p(f(X)))). fof(c, conjecture, ? [X] : p(X)).",
    "equivalences": "fof(c, conjecture, ((p <=> q) <=> r) <=> (p <=> (q <=> r))).",
    "equality": "fof(a, axiom, f(c) = c). fof(c, conjecture, f(f(f(c))) = c).",
    "no conjecture": "cnf(a, axiom, p(X) | q). cnf(b, axiom, ~ p(c)). cnf(d, axiom, ~ q).",
    "barber": "fof(a, axiom, ? [X] : ! [Y] : (shaves(X, Y) <=> ~ shaves(Y, Y))).",
}
OTHERS = {
    "nothing": "fof(a, axiom, p). fof(c, conjecture, q).",
    "converse": "fof(a, axiom, ! [X] : (p(X) => q(X))). fof(c, conjecture, q(c) => p(c)).",
    "satisfiable": "cnf(a, axiom, p(X) | q(X)). cnf(b, axiom, ~ p(c)).",
}
