"""The network that chooses from a menu: the same weights score each choice, given a summary of all choices.

A permutation of the choices permutes the scores (Zaheer et al. 2017, arXiv 1703.06114). So knowledge about a tool in
one slot holds in every slot. A request and a tool are compared by the product of learnt projections of their words.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import MultiInputPolicy, QNetwork
from torch import Tensor, nn

FAR_BELOW = -1e8
"""The score of a masked choice."""


class MenuScores(BaseFeaturesExtractor):
    """Output (batch, choices + 1): a score for each choice, then the value of the whole menu.

    Args:
        observation_space: the observation space of DiscreteTools.
        width: the width of the hidden layers.
        masked: whether choices that the menu does not have get the score ``FAR_BELOW``.
    """

    def __init__(self, observation_space: spaces.Dict, width: int = 64, masked: bool = True):
        sizes = {name: int(space.shape[0]) for name, space in observation_space.spaces.items() if space.shape}
        self.rows = sizes["mask"]
        super().__init__(observation_space, features_dim=self.rows + 1)
        self.masked = masked
        self.slots = sizes["tools"] // sizes["request"]
        self.columns = sizes["candidates"] // self.rows
        self.request = nn.Linear(sizes["request"], width // 2, bias=False)
        self.tool = nn.Linear(sizes["request"], width // 2, bias=False)
        self.row = nn.Sequential(nn.Linear(self.columns + width // 2, width), nn.ReLU())
        self.score = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        mask = observations["mask"] > 0.5  # (batch, choices), True if the menu has the choice
        rows = observations["candidates"].reshape(-1, self.rows, self.columns)
        tools = self.tool(observations["tools"].reshape(rows.shape[0], self.slots, -1))  # (batch, slots, width / 2)
        # 16: both factors are means over many hashed words, so their products are small
        meeting = 16 * tools * self.request(observations["request"])[:, None]
        # (batch, choices, width / 2): each tool slot has equally many choices, and the last choice has no tool
        meeting = meeting.repeat_interleave((self.rows - 1) // self.slots, dim=1)
        meeting = torch.cat([meeting, torch.zeros_like(meeting[:, :1])], dim=1)
        # masked choices count neither in the mean nor in the maximum: hidden is 0 there, and at least 0 elsewhere
        hidden = self.row(torch.cat([rows, meeting], dim=2)) * mask[:, :, None]
        mean = hidden.sum(1) / mask.sum(1, keepdim=True)
        pooled = torch.cat([mean, hidden.amax(1)], dim=1)  # (batch, 2 * width), the summary of the menu
        around = pooled[:, None].expand(-1, self.rows, -1)
        scores = self.score(torch.cat([hidden, around], dim=2))[:, :, 0]
        if self.masked:
            scores = scores.masked_fill(~mask, FAR_BELOW)
        return torch.cat([scores, self.value(pooled)], dim=1)


class Part(nn.Module):
    """Selects some columns, unchanged."""

    def __init__(self, start: int, end: int | None):
        super().__init__()
        self.start, self.end = start, end

    def forward(self, columns: Tensor) -> Tensor:
        return columns[:, self.start : self.end]


class MenuPolicy(MultiInputActorCriticPolicy):
    """The policy for PPO and A2C. Masked choices have probability 0."""

    def __init__(self, observation_space: Any, action_space: Any, lr_schedule: Any, **kwargs: Any):
        kwargs |= {"net_arch": [], "features_extractor_class": MenuScores}
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        # the scores are the logits: a layer in between would treat the slots differently
        self.action_net, self.value_net = cast(Any, Part(0, -1)), cast(Any, Part(-1, None))
        optimizer = cast(Any, self.optimizer_class)
        self.optimizer = optimizer(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)


class MenuQNetwork(QNetwork):
    """The scores are the action values. Greedy actions are the best choices that the menu has."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.q_net = nn.Sequential(Part(0, -1))

    def _predict(self, observation: Any, deterministic: bool = True) -> Tensor:
        values: Tensor = self(observation).masked_fill(observation["mask"] < 0.5, FAR_BELOW)
        return values.argmax(dim=1).reshape(-1)


class MenuQPolicy(MultiInputPolicy):
    """The policy for DQN. Its random actions may be choices that the menu lacks; the env treats them as answers."""

    def __init__(self, observation_space: Any, action_space: Any, lr_schedule: Any, **kwargs: Any):
        kwargs |= {
            "net_arch": [],
            "features_extractor_class": MenuScores,
            "features_extractor_kwargs": {"masked": False},
        }
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def make_q_net(self) -> QNetwork:
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return MenuQNetwork(**arguments).to(self.device)
