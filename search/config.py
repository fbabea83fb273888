"""How a search chooses: PUCT or Gumbel, as frozen settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SearchSettings:
    """What every tree search has.

    Attributes:
        lookahead: plies of exact look-ahead for ends of the game at a new leaf (MCTS-minimax
            hybrid, Baier & Winands 2015); 0 for none.
        lookahead_steps: steps that it may take at a leaf; where more legal actions would need
            more, it looks fewer plies ahead.
        proof_moves: leaves with at most so many legal actions are asked of a proof search before
            they are evaluated (compiled games of two players without chance); 0 for none, None
            for what the domain finds worth it.
        proof_nodes: positions that it may open for each question there.
        policy_temperature: divides the evaluator's logits; above 1 trusts a sharp policy less.
        prove: back up proven wins, draws and losses exactly (score-bounded MCTS, Cazenave &
            Saffidine 2010) and stop at a proven root.
        cache_entries: evaluations kept by position, shared by all trees of a search; 0 for none,
            as where `leaves` is above 1.
        canonical: evaluate each position in the form that sorts first under its symmetries.
        leaves: leaves that one tree puts into a batch, kept apart by virtual loss.
        graph: let all paths to a position share its node (Monte Carlo graph search; compiled,
            deterministic domains, one leaf at a time).
    """

    lookahead: int = 3
    lookahead_steps: int = 400
    proof_moves: int | None = None
    proof_nodes: int = 50
    policy_temperature: float = 1.0
    prove: bool = True
    cache_entries: int = 65_536
    canonical: bool = True
    leaves: int = 1
    graph: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.lookahead <= 8:
            raise ValueError(f"lookahead must be between 0 and 8 plies, got {self.lookahead}")
        if self.lookahead_steps < 1:
            raise ValueError(f"lookahead_steps must be at least 1, got {self.lookahead_steps}")
        if self.proof_moves is not None and self.proof_moves < 0:
            raise ValueError(f"proof_moves must be at least 0, got {self.proof_moves}")
        if self.proof_nodes < 1:
            raise ValueError(f"proof_nodes must be at least 1, got {self.proof_nodes}")
        if not self.policy_temperature > 0:
            raise ValueError(f"policy_temperature must be above 0, got {self.policy_temperature}")
        if self.cache_entries < 0:
            raise ValueError(f"cache_entries must be at least 0, got {self.cache_entries}")
        if not 1 <= self.leaves <= 4096:
            raise ValueError(f"leaves must be between 1 and 4096, got {self.leaves}")
        if self.graph and self.leaves > 1:
            raise ValueError(f"graph search takes one leaf at a time, got leaves = {self.leaves}")


@dataclass(frozen=True)
class PUCT(SearchSettings):
    """AlphaZero's search (Silver et al. 2018).

    Attributes:
        c_init: exploration constant.
        c_base: visits at which exploration has grown by a logarithmic step.
        fpu: value of an unvisited action: `parent` (the node's mean value), `reduction` (less
            `fpu_reduction * sqrt(visited prior)`, as in Leela and KataGo), `loss`, or `minmax`
            (Q normalised between the siblings' extremes, as in MuZero and mctx).
        fpu_reduction: how much `reduction` takes off.
        dirichlet_alpha: noise on the root's priors; 0 takes `10 / legal actions`.
        dirichlet_fraction: share of that noise, 0 for none.
        temperature: of the root's choice by visits; 0 takes the most visited.
        forced_playouts: a root action that was tried gets at least the root of this times its prior
            times all visits; the policy is freed of those that PUCT would not have made (Wu 2019,
            section 3.2, where it is 2). 0 for none.
        widening: where above 0, a node that was visited `n` times offers its first
            `widening * n ** widening_exponent` actions (progressive widening, Couetoux et al.
            2011): for domains whose actions are samples.
        widening_exponent: of the visits.
    """

    policy_temperature: float = 2.0
    c_init: float = 0.8
    c_base: float = 19652.0
    fpu: Literal["parent", "reduction", "loss", "minmax"] = "reduction"
    fpu_reduction: float = 0.2
    dirichlet_alpha: float = 0.0
    dirichlet_fraction: float = 0.0
    temperature: float = 0.0
    forced_playouts: float = 0.0
    widening: float = 0.0
    widening_exponent: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.widening < 0:
            raise ValueError(f"widening must be at least 0, got {self.widening}")
        if not 0 < self.widening_exponent <= 1:
            raise ValueError(
                f"widening_exponent must be above 0 and at most 1, got {self.widening_exponent}"
            )
        if not 0 <= self.dirichlet_fraction <= 1:
            raise ValueError(
                f"dirichlet_fraction must be between 0 and 1, got {self.dirichlet_fraction}"
            )
        if self.temperature < 0:
            raise ValueError(f"temperature must be at least 0, got {self.temperature}")
        if self.forced_playouts < 0:
            raise ValueError(f"forced_playouts must be at least 0, got {self.forced_playouts}")
        if self.forced_playouts and self.fpu == "minmax":
            raise ValueError("forced_playouts are not defined for fpu=minmax; choose another fpu")


@dataclass(frozen=True)
class Gumbel(SearchSettings):
    """Gumbel AlphaZero (Danihelka et al., ICLR 2022): sequential halving at the root.

    Attributes:
        max_considered: root actions that sequential halving starts with.
        gumbel_scale: scale of the root's Gumbel noise; 0 plays the best, 1 samples as in training.
        value_scale: weight of completed Q against logits.
        maxvisit_init: visits added before that weight.
        rescale: normalise completed Q to [0, 1] between the siblings' extremes.
    """

    max_considered: int = 16
    gumbel_scale: float = 0.0
    value_scale: float = 0.1
    maxvisit_init: float = 50.0
    rescale: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_considered < 1:
            raise ValueError(f"max_considered must be at least 1, got {self.max_considered}")
        if self.gumbel_scale < 0:
            raise ValueError(f"gumbel_scale must be at least 0, got {self.gumbel_scale}")
