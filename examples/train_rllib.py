"""PPO of RLlib on ``DiscreteTools``, with masked choices. ``pip install "ray[rllib]" torch``.

RLlib's module for masks, from its own examples, wants the mask beside one flat vector.
"""

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from ray.tune.registry import register_env

import toolgym  # noqa: F401  registers the suites
from toolgym.agents.sb3.agent import SB3Agent
from toolgym.wrappers import DiscreteTools

MENU = {"max_candidates": 16, "features": 64}
"""Arguments of DiscreteTools, which the agent needs too."""


def flat(features):
    """The observation of one env, (..., columns) each, as RLlib's module wants it."""
    vectors = [features[name] for name in ("request", "tools", "candidates")]
    return {"action_mask": features["mask"], "observations": np.concatenate(vectors, axis=-1)}


def make_env(config):
    """The suite ``config["id"]`` with the arguments ``config["kwargs"]``, for RLlib."""
    env = DiscreteTools(gym.make(config["id"], **config["kwargs"]), **MENU)
    shapes = {name: array.shape for name, array in flat(env.observation_space.sample()).items()}
    space = spaces.Dict({name: spaces.Box(-np.inf, np.inf, shape, np.float32) for name, shape in shapes.items()})
    return gym.wrappers.TransformObservation(env, flat, space)


class Greedy:
    """A module of RLlib as a model with ``predict``, which SB3Agent plays."""

    def __init__(self, module):
        self.module = module

    def predict(self, features, deterministic=True):
        seen = {name: torch.as_tensor(array) for name, array in flat(features).items()}
        with torch.no_grad():
            scores = self.module.forward_inference({"obs": seen})["action_dist_inputs"]
        return scores.argmax(dim=-1).numpy(), None


def train(env_id="ToolGym-Office-v0", iterations=20, env_kwargs=None, runners=0, **settings):
    """Train on a suite; returns the policy as an agent of ``evaluate``. ``settings``: of ``PPOConfig.training``."""
    ours = {"lr": 1e-3, "gamma": 0.9, "train_batch_size_per_learner": 1000, "minibatch_size": 128, "num_epochs": 8}
    register_env("toolgym", make_env)
    config = (
        PPOConfig()
        .environment("toolgym", env_config={"id": env_id, "kwargs": env_kwargs or {}})
        .env_runners(num_env_runners=runners)
        .rl_module(rl_module_spec=RLModuleSpec(module_class=ActionMaskingTorchRLModule))
        .training(**{**ours, **settings})
    )
    algorithm = config.build_algo()
    for _ in range(iterations):
        algorithm.train()
    return SB3Agent(Greedy(algorithm.get_module()), **MENU)


if __name__ == "__main__":
    from toolgym import evaluate

    suite = {"level": "choose"}
    agent = train(env_kwargs=suite)
    episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={**suite, "split": "val"}, n=100)
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
