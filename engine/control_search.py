"""A policy without real steps: searched for in the model, and judged there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tesuji.engine.checkpoint import Tensors
from tesuji.engine.control_agent import take_tensors, tensors_of
from tesuji.engine.control_lessons import Examples, discounted_returns
from tesuji.engine.episodes import Runner
from tesuji.engine.selfplay import mix_seed
from tesuji.nets.control import ControlNet
from tesuji.nets.control_native import ControlAgent, Policies, policy_weights, set_policy
from tesuji.search.trajectory.random_search import RandomSearch
from tesuji.search.trajectory.settings import RandomSearchSettings

_RECENT = 5  # rounds whose mean says which search is the best
_SAVED = 25  # rounds of a search, between two times that it is kept
_JUDGED = 16  # episodes that say what states are worth
_DEVIATION = 0.1  # of the policy's actions


class PolicySearch:
    """A search for a policy that can be left, and gone on with to the same bytes.

    Args:
        net: whose policy is where it begins, and which gets what is found.
        runner: of the environment, whose constraints have a price.
        settings: of the search.
        seed: of what is random.
        anew: whether there is no policy yet, nor scales of observations.
    """

    def __init__(
        self, net: ControlNet, runner: Runner, settings: RandomSearchSettings, seed: int, anew: bool
    ) -> None:
        self._net, self._settings, self._anew = net, settings, anew
        self._tensors, self._simulated = tensors_of(net), 0
        scales = () if anew else (self._tensors["center"], self._tensors["spread"])
        self._searches: dict[str, RandomSearch] = {}
        for number in range(settings.searches):
            first = self._tensors
            if anew and number:
                sizes = len(first["center"]), runner.model.low.size
                first = tensors_of(ControlNet(net.config, *sizes))
            self._searches[str(number + 1)] = RandomSearch(
                runner.model,
                lambda weights, *found: Policies(weights, self._tensors, *(scales or found)),
                policy_weights(first), settings, runner.violations, mix_seed(seed, number),
            )  # fmt: skip

    def run(self, tell: Callable[[str], None], keep: Callable[[], None]) -> None:
        """Search on to the end; the network has the policy that is found.

        Args:
            tell: is told how it goes.
            keep: is called now and then, when the network has the best policy so far.
        """
        settings, done = self._settings, 0
        while (
            number := min(len(each.means) for each in self._searches.values())
        ) < settings.rounds:
            if number >= settings.trial:
                best = max(self._searches, key=self._mean)
                self._searches = {best: self._searches[best]}
            for name, search in self._searches.items():
                if len(search.means) > number:
                    continue  # it was left after this one
                self._simulated += search.improve()
                tell(
                    f"policy search{f' {name}' if settings.searches > 1 else ''}, round "
                    f"{number + 1} of {settings.rounds}: mean return {search.means[-1]:.1f}"
                )
                done += 1
                if done % _SAVED == 0:
                    self._take()
                    keep()
        self._take()

    def spent(self) -> int:
        """Return how many steps of the model were simulated since this was last asked."""
        spent, self._simulated = self._simulated, 0
        return spent

    def tensors(self) -> Tensors:
        """Return where it stands, by name."""
        return {
            f"{name}.{key}": value
            for name, search in self._searches.items()
            for key, value in search.tensors().items()
        }

    def restore(self, tensors: Tensors) -> None:
        """Stand where `tensors` was asked."""
        parts: dict[str, Tensors] = {}
        for name, value in tensors.items():
            number, _, key = name.partition(".")
            parts.setdefault(number, {})[key] = value
        self._searches = {name: self._searches[name] for name in parts}
        for name, part in parts.items():
            self._searches[name].restore(part)

    def _mean(self, name: str) -> float:
        return float(np.mean(self._searches[name].means[-_RECENT:] or [-np.inf]))

    def _take(self) -> None:
        """Give the network the best policy so far."""
        search, tensors = self._searches[max(self._searches, key=self._mean)], self._tensors
        set_policy(tensors, search.weights, _DEVIATION)
        if self._anew:
            tensors["center"] = search.center.astype(np.float32)
            tensors["spread"] = search.spread.astype(np.float32)
        take_tensors(self._net, tensors)


def judge_policy(
    net: ControlNet, runner: Runner, discount: float, rng: np.random.Generator
) -> Examples:
    """Return what states of the policy's episodes in the model are worth, and its actions there."""
    state = runner.domain.reset(int(rng.integers(2**31)))
    noise = rng.normal(size=(_JUDGED, runner.domain.spec.max_steps, runner.model.low.size))
    actions, rollouts = runner.model.follow(state, ControlAgent(tensors_of(net)), noise)
    rewards, before = rollouts.rewards, rollouts.going
    rest = np.zeros(_JUDGED)
    if discount < 1.0:  # episodes that go on do so at their mean
        rest = rollouts.alive[:, -1] * rewards.mean(axis=1) / (1.0 - discount)
    values = discounted_returns(rewards, rest, discount)
    seen = rollouts.seen(state.observation)
    return Examples(seen[before], actions[before].astype(np.float32), values[before])
