"""The settings of a search as its kernels take them; see `search/config.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

parameters_dtype = np.dtype(
    [
        ("c_init", np.float64),
        ("c_base", np.float64),
        ("fpu_reduction", np.float64),
        ("value_scale", np.float64),
        ("maxvisit_init", np.float64),
        ("lowest", np.float64),
        ("highest", np.float64),
        ("dirichlet_alpha", np.float64),
        ("dirichlet_fraction", np.float64),
        ("gumbel_scale", np.float64),
        ("forced_playouts", np.float64),
        ("policy_temperature", np.float64),
        ("widening", np.float64),
        ("widening_exponent", np.float64),
        ("gumbel", np.int64),
        ("fpu", np.int64),
        ("rescale", np.int64),
        ("prove", np.int64),
        ("chance", np.int64),  # whether steps draw outcomes
        ("graph", np.int64),  # whether paths to a position share its node
        ("adaptive", np.int64),  # whether a tree's own values set their scale
        ("lookahead", np.int64),
        ("lookahead_steps", np.int64),
        ("proof_moves", np.int64),
        ("proof_nodes", np.int64),
        ("leaves", np.int64),
        ("canonical", np.int64),
        ("num_symmetries", np.int64),
        ("num_actions", np.int64),
        ("max_considered", np.int64),
    ]
)
# The settings of a search as the kernels take them: one record of `parameters_dtype`, one pointer.
Parameters = Any
