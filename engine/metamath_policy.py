"""Learns which assertion of a Metamath database proves a goal, from proofs before a theorem."""

from __future__ import annotations

import time

import torch

from tesuji.domains.proving.features import BUCKETS
from tesuji.domains.proving.metamath_clauses import Library
from tesuji.domains.proving.metamath_proofs import replay
from tesuji.engine.theorem_policy import Known, PolicyTables, Taught, Theorem, candidates
from tesuji.nets.config import ConnectionNetConfig
from tesuji.nets.connection import ConnectionNet, learn_connections
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.lessons import Lesson, lesson
from tesuji.search.proving.policy import Policy

EPOCHS = 10
_FEWEST = 50  # proofs to learn from
_MORE = 1.25  # times as many proofs as before are learned from anew


class MetamathTeacher:
    """Learns policies from a database's proofs.

    Attributes:
        taught: from how many proofs the newest policy was learned.
        seconds: of processor time, that learning took.
    """

    def __init__(self, library: Library, seed: int) -> None:
        self._library, self._seed = library, seed
        self._lessons: dict[str, Lesson | None] = {}
        self._known = Known()
        self._theorem: Theorem | None = None
        self._policy: Policy | None = None
        self._until = -1  # number of the assertion before which the policy was learned
        self.taught, self.seconds = 0, 0.0

    def policy_for(self, label: str) -> Policy | None:
        """Return a policy that knows no proof but those before a theorem; None for want of proofs.

        A policy that was learned from fewer of them serves until there are a quarter more.

        Raises:
            ValueError: a proof is not sound.
        """
        began = time.process_time()
        number = self._library.numbers[label]
        if self._theorem is None:
            self._theorem = Theorem(self._library.database.name, self._library.named, self._known)
        before = [each for each in self._library.theorems() if self._library.numbers[each] < number]
        lessons = [found for each in before if (found := self._lesson(each)) is not None]
        serves = self._until <= number and len(lessons) < _MORE * self.taught
        if len(lessons) >= _FEWEST and not serves:
            self._policy = self._learn(self._theorem, lessons)
            self.taught, self._until = len(lessons), number
        self.seconds += time.process_time() - began
        return self._policy if len(lessons) >= _FEWEST else None

    def _lesson(self, label: str) -> Lesson | None:
        if label not in self._lessons:
            assert self._theorem is not None
            closed = replay(self._library, label)
            self._lessons[label] = None if closed is None else lesson(
                self._library.matrix_for(label), self._theorem.names, *closed
            )  # fmt: skip
        return self._lessons[label]

    def _learn(self, theorem: Theorem, lessons: list[Lesson]) -> Policy:
        torch.manual_seed(self._seed)
        net = ConnectionNet(ConnectionNetConfig(sight="names"), BUCKETS)
        actions = self._known.actions()
        goals = candidates(Taught(theorem, each) for each in lessons)
        learn_connections(net, actions, goals, EPOCHS, self._seed)
        policy = PolicyTables(net, actions, None).policy(theorem)
        Guided(theorem.matrix, policy).run(1)  # to have its kernels compiled, or loaded
        return policy
