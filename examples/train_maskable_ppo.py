"""MaskablePPO on ``DiscreteTools``: it samples only choices that the menu has. ``pip install sb3-contrib``."""

import gymnasium as gym
from sb3_contrib import MaskablePPO

import toolgym  # noqa: F401  registers the suites
from toolgym.agents.sb3.agent import SB3Agent
from toolgym.wrappers import DiscreteTools

MENU = {"max_candidates": 16, "features": 64}
"""Arguments of DiscreteTools, which the agent needs too."""


def train(env_id="ToolGym-Office-v0", steps=20_000, seed=0, env_kwargs=None, **settings):
    """Train on a suite; returns the policy as an agent of ``evaluate``. ``settings``: of MaskablePPO."""
    env = DiscreteTools(gym.make(env_id, **(env_kwargs or {})), **MENU)  # its action_masks() is asked at each step
    settings = {"n_steps": 512, "batch_size": 128, "gamma": 0.9, "learning_rate": 1e-3, **settings}
    model = MaskablePPO("MultiInputPolicy", env, seed=seed, device="cpu", **settings)
    return SB3Agent(model.learn(steps), **MENU)


if __name__ == "__main__":
    from toolgym import evaluate

    suite = {"level": "choose"}
    agent = train(env_kwargs=suite)
    episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={**suite, "split": "val"}, n=100)
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
