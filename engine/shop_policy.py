"""Dispatching policies as files: a few hundred weights, as JSON; `shop_training.py` learns them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tesuji.engine.errors import UsageError
from tesuji.engine.storage import atomic_write, dump_json
from tesuji.search.scheduling.policy_search import FEATURES, PolicyWeights

POLICY = "policy.json"  # in the folder of a run
SHIPPED = Path(__file__).parent / "weights" / "job_shop" / POLICY
_FORMAT = "tesuji dispatching policy"


def save_policy(path: Path, weights: PolicyWeights, trained: dict[str, Any]) -> None:
    """Write weights as JSON, with what is known of their training.

    Raises:
        StorageError: it could not be written.
    """
    lists = {name: value.tolist() for name, value in weights._asdict().items()}
    atomic_write(path, dump_json({"format": _FORMAT, "trained": trained, **lists}))


def load_policy(source: str = "net") -> PolicyWeights:
    """Return the weights that `source` names.

    Args:
        source: `net` for those that ship, or the folder of a run.

    Raises:
        UsageError: it holds none.
    """
    path = SHIPPED if source == "net" else Path(source).expanduser() / POLICY
    try:
        data = json.loads(path.read_text())
        weights = PolicyWeights(*(np.array(data[n], np.float64) for n in PolicyWeights._fields))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} holds no dispatching policy ({error})") from None
    units = weights.out.shape
    sound = weights.hidden.shape == (FEATURES, *units) and weights.shift.shape == units
    if not sound or len(units) != 1 or not all(np.isfinite(w).all() for w in weights):
        raise UsageError(f"{path} holds no dispatching policy of {FEATURES} features")
    return weights


def read_totals(run: Path) -> dict[str, Any]:
    """Return what a run had done when it wrote its policy.

    Raises:
        UsageError: the policy is of no run.
    """
    try:
        totals: dict[str, Any] = dict(json.loads((run / POLICY).read_text())["trained"]["totals"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{run / POLICY} is of no run ({error})") from None
    return totals
