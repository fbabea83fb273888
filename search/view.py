"""A snapshot of one tree, for people to walk and for networkx."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tesuji.search.base import Edge
from tesuji.search.tree import ROOT, UNVISITED, Tree

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True)
class TreeView:
    """A copy of one tree; values of an edge are for the side to move at its node."""

    nodes: npt.NDArray[Any]  # [N] node_dtype
    edges: npt.NDArray[Any]  # [E] edge_dtype
    keys: npt.NDArray[np.uint64]  # [N] random bits that led to each node; [0] without chance
    name_action: Callable[[int], str]

    @classmethod
    def of(cls, tree: Tree, t: int, name_action: Callable[[int], str] = str) -> TreeView:
        """Copy tree `t` of a batch."""
        record = tree.trees[t]
        return cls(
            tree.nodes[t, : record.num_nodes].view(np.ndarray).copy(),
            tree.edges[t, : record.num_edges].view(np.ndarray).copy(),
            tree.keys[t, : record.num_nodes].copy(),
            name_action,
        )

    def find(self, path: Sequence[int]) -> int:
        """Return the node after the actions `path`, by the most visited outcomes.

        Raises:
            ValueError: the tree does not reach that far.
        """
        return self._walk(path)[-1]

    def keys_of(self, path: Sequence[int]) -> tuple[int, ...]:
        """Return what `Domain.step` takes as keys to follow `path` to `find(path)`."""
        nodes = self._walk(path)[1:]
        return tuple(int(self.keys[node]) if len(self.keys) else 0 for node in nodes)

    def _walk(self, path: Sequence[int]) -> list[int]:
        nodes = [ROOT]
        for action in path:
            edges = self._range(nodes[-1])
            index = next((i for i in edges if self.edges[i]["action"] == action), -1)
            outcomes = self._outcomes(index) if index >= 0 else []
            if not outcomes:
                raise ValueError(f"the tree has no node after {list(path)}")
            nodes.append(max(outcomes, key=lambda node: int(self.nodes[node]["visits"])))
        return nodes

    def _outcomes(self, index: int) -> list[int]:
        """Return the nodes that an edge leads to."""
        found, child = [], int(self.edges[index]["child"])
        while child != UNVISITED:
            found.append(child)
            child = int(self.nodes[child]["sibling"])
        return found

    def children(self, path: Sequence[int] = ()) -> list[Edge]:
        """Return the edges of the node after `path`, most visited first."""
        found = [self._edge(index) for index in self._range(self.find(path))]
        return sorted(found, key=lambda edge: (-edge.visits, -edge.prior, edge.action))

    def to_graph(self, max_nodes: int = 1000) -> networkx.DiGraph:
        """Return the `max_nodes` most visited nodes as a graph, the root being node 0."""
        import networkx  # noqa: PLC0415 (heavy)

        graph = networkx.DiGraph()
        kept = np.argsort(-self.nodes["visits"], kind="stable")[:max_nodes]
        for node in kept.tolist():
            record = self.nodes[node]
            graph.add_node(
                node,
                visits=int(record["visits"]),
                value=float(record["value_sum"] / max(int(record["visits"]), 1)),
                raw_value=float(record["raw_value"]),
                lower=float(record["lower"]),
                upper=float(record["upper"]),
            )
        for node in kept.tolist():
            for index in self._range(node):
                edge = self._edge(index)
                for child in self._outcomes(index):
                    if child in graph:
                        graph.add_edge(node, child, name=self.name_action(edge.action),
                                       **edge._asdict())  # fmt: skip
        return graph

    def _range(self, node: int) -> range:
        first = int(self.nodes[node]["first_edge"])
        return range(first, first + int(self.nodes[node]["num_edges"]))

    def _edge(self, index: int) -> Edge:
        edge = self.edges[index]
        node_visits = max(int(edge["visits"]), 1)
        q = min(max(edge["value_sum"] / node_visits, edge["lower"]), edge["upper"])
        known = edge["visits"] > 0 or edge["lower"] == edge["upper"]
        return Edge(
            int(edge["action"]),
            int(edge["visits"]),
            float(edge["prior"]),
            float(q) if known else float("nan"),
            float("nan"),
            float(edge["lower"]),
            float(edge["upper"]),
        )
