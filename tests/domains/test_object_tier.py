from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.base import Domain
from tesuji.domains.check import check_domain
from tesuji.domains.registry import make


@pytest.fixture
def twin() -> Domain:
    path = Path(__file__).with_name("object_connect_four.py")
    return make(f"{path}:object_connect_four")


def test_both_tiers_agree_step_by_step(twin: Domain) -> None:
    compiled = make("connect_four")
    rng = np.random.default_rng(5)
    for _ in range(30):
        states, discount = (compiled.reset(), twin.reset()), -1.0
        while discount != 0:
            here, there = states
            assert compiled.render(here) == twin.render(there)
            assert compiled.to_play(here) == twin.to_play(there)
            assert np.array_equal(compiled.observe(here), twin.observe(there))
            legal = compiled.legal(here)
            assert np.array_equal(legal, twin.legal(there))
            action = int(rng.choice(np.flatnonzero(legal)))
            here, *outcome = compiled.step(here, action)
            there, *twin_outcome = twin.step(there, action)
            assert outcome == twin_outcome
            states, discount = (here, there), outcome[1]


def test_an_object_domain_passes_the_conformance_suite(twin: Domain) -> None:
    report = check_domain(twin, num_episodes=5)
    assert report.tier == "object"
