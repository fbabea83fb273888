"""Control beside a peer that learns without a model: SAC (Haarnoja et al. 2018).

    pip install stable-baselines3
    python benchmarks/control_peers.py Pendulum-v1 --steps 5000 --episodes 100

A JSON line each: mean return over the same seeds, real steps that were learned from, processor's
seconds of training, and milliseconds of a decision. SAC is that of Stable-Baselines3; ours is what
`tesuji run` does with the agent that ships, or without one.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence

import gymnasium
import numpy as np
import torch

from tesuji.domains.robotics.environments import make_environment
from tesuji.engine.commands.run import Arguments, run

Act = Callable[[np.ndarray], np.ndarray]


def returns(env: gymnasium.Env, act: Act, episodes: int) -> tuple[float, float]:
    """Return the mean return over seeds from 0, and a decision's milliseconds."""
    total, spent, steps = 0.0, 0.0, 0
    for seed in range(episodes):
        seen, _ = env.reset(seed=seed)
        ended = False
        while not ended:
            began = time.process_time()
            action = act(seen)
            spent += time.process_time() - began
            seen, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            steps += 1
            ended = terminated or truncated
    return total / episodes, 1000 * spent / steps


def ours(name: str, episodes: int) -> dict[str, object]:
    """Return the row of tesuji."""
    began = time.process_time()
    facts = run(Arguments(environment=name, episodes=episodes)).facts
    spent = time.process_time() - began
    steps = sum(each["steps"] for each in facts["episodes"])
    mean = float(np.mean([each["return"] for each in facts["episodes"]]))
    return {"name": "tesuji", "return": round(mean, 2), "ms": round(1000 * spent / steps, 2)}


def sac(name: str, steps: int, episodes: int, seed: int) -> dict[str, object]:
    """Return the row of SAC with its library's settings."""
    from stable_baselines3 import SAC  # noqa: PLC0415 - a peer, which need not be there

    env = make_environment(name)
    began = time.process_time()
    model = SAC("MlpPolicy", env, seed=seed, device="cpu").learn(steps)
    trained = time.process_time() - began
    mean, milliseconds = returns(
        env, lambda seen: model.predict(seen, deterministic=True)[0], episodes
    )
    return {
        "name": "SAC", "return": round(mean, 2), "real_steps": steps,
        "training_seconds": round(trained, 1), "ms": round(milliseconds, 3),
    }  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    """Measure both on one environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--steps", type=int, default=5000, help="that the peer learns from")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(words)
    torch.set_num_threads(1)
    print(json.dumps(ours(options.name, options.episodes)), flush=True)
    try:
        row = sac(options.name, options.steps, options.episodes, options.seed)
    except ModuleNotFoundError as error:
        row = {"name": "SAC", "error": f"{error}; pip install stable-baselines3"}
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
