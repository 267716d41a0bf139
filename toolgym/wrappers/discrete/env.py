"""DiscreteTools: any suite with discrete actions, for stable-baselines3 and other libraries without text."""

from __future__ import annotations

from typing import Any, TypeAlias

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from toolgym.env import ToolEnv
from toolgym.types import Observation
from toolgym.wrappers.discrete.menu import Menu, MenuMaker

Features: TypeAlias = dict[str, NDArray[np.float32]]
Action: TypeAlias = "int | np.integer[Any] | NDArray[np.integer[Any]]"


class DiscreteTools(gym.Wrapper[Features, Action, Observation, str], RecordConstructorArgs):
    """A ToolEnv in which an action is the number of a choice on a menu.

    A choice is a call of an offered tool, or an answer without a call. Simple rules find the arguments of calls in
    the user's last message and the schemas, never in the expected answer (filling.py). The answer contains the last
    result of a tool, or is a refusal if no tool has returned a result. A policy learns when to call, which tool, and
    when to stop. A task cannot be solved if the rules do not find its arguments.

    Action: ``Discrete(max_candidates + 1)``: choice ``tool * fillings + filling``, and ``max_candidates`` for the
    answer. With ``multi=True`` ``MultiDiscrete([slots + 1, fillings])``: the slot of a tool (the last slot is the
    answer) and a filling. Some choices are not available at some steps. An unavailable choice is an answer without a
    call, and sets ``info["invalid_action"]``. With ``multi``, an unavailable filling is replaced by the first one.

    Observation: a Dict of float32 vectors of fixed length: see ``MenuMaker.space``. ``action_masks()`` says which
    choices are available, as MaskablePPO of sb3-contrib expects; so does ``"mask"`` in the observation.

    ``info`` is the info of the env, with its RewardBreakdown, and ``action_text``, the text that was sent to the env.

    Args:
        env: any ToolEnv, wrapped or not, with text actions.
        max_candidates, fillings, features: see ``MenuMaker``.
        multi: an action is two numbers instead of one.
    """

    steps_once = True
    """A TimeLimit around it counts the env's own actions; see ``toolgym.playing.wrapped``."""

    def __init__(
        self,
        env: gym.Env[Any, Any],
        max_candidates: int = 16,
        fillings: int = 2,
        features: int = 256,
        multi: bool = False,
    ):
        RecordConstructorArgs.__init__(
            self, max_candidates=max_candidates, fillings=fillings, features=features, multi=multi
        )
        super().__init__(env)
        if not isinstance(env.unwrapped, ToolEnv):
            raise TypeError(f"DiscreteTools wraps ToolEnvs, got {type(env.unwrapped).__name__}")
        self.maker = MenuMaker(max_candidates, fillings, features)
        self.multi = multi
        self.observation_space: gym.Space[Any] = self.maker.space
        self.action_space: gym.Space[Any] = (
            spaces.MultiDiscrete([self.maker.slots + 1, fillings]) if multi else spaces.Discrete(max_candidates + 1)
        )
        self._menu: Menu | None = None

    @property
    def menu(self) -> Menu:
        """The choices at the last observation. Raises ResetNeeded before the first one."""
        if self._menu is None:
            raise ResetNeeded("no menu yet: call reset() first")
        return self._menu

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Features, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        return self._see(observation), info

    def step(self, action: Action) -> tuple[Features, float, bool, bool, dict[str, Any]]:
        """Play a choice. Raises ValueError for an action outside the action space, ResetNeeded outside an episode."""
        menu, choice = self.menu, self.choice(action)
        text = self._dialect.render(menu.completion(choice))
        observation, reward, terminated, truncated, info = self.env.step(text)
        info["action_text"] = text
        info["invalid_action"] = not menu.mask[choice]
        return self._see(observation), float(reward), terminated, truncated, info

    def choice(self, action: Action) -> int:
        """The number on the menu, for an action of either space."""
        if not self.action_space.contains(_plain(action)):
            raise ValueError(f"action {action!r} is not in {self.action_space}")
        if not self.multi:
            return int(action)
        tool, filling = (int(each) for each in np.asarray(action))
        if tool == self.maker.slots:
            return self.maker.max_candidates
        first = tool * self.maker.fillings
        return first + filling if self.menu.mask[first + filling] else first

    def action_masks(self) -> NDArray[np.bool_]:
        """Which choices are available: (max_candidates + 1,); with ``multi`` (slots + 1 + fillings,), slots first."""
        mask = self.menu.mask
        if not self.multi:
            return mask.copy()
        table = mask[:-1].reshape(self.maker.slots, self.maker.fillings)
        # MultiDiscrete masks cannot depend on each other: a filling is allowed if any tool has it
        fillings = [i == 0 or bool(table[:, i].any()) for i in range(self.maker.fillings)]
        tools = [bool(row.any()) for row in table]
        return np.array([*tools, True, *fillings])

    @property
    def _dialect(self) -> Any:
        base = self.env.unwrapped
        assert isinstance(base, ToolEnv)
        return base.dialect

    def _see(self, observation: Any) -> Features:
        self._menu = self.maker.make(observation, self._dialect)
        return {name: array.copy() for name, array in self._menu.features.items()}


def _plain(action: Any) -> Any:
    """A number that Discrete accepts: some policies return arrays without dimensions."""
    return action[()] if isinstance(action, np.ndarray) and action.ndim == 0 else action
