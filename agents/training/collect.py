"""Plays groups of rollouts, many episodes at once, and keeps each one's tokens exactly as they were sampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import gymnasium as gym
import msgspec
from msgspec import UNSET

from toolgym.env import ToolEnv
from toolgym.grading import TOKENS_RAN_OUT
from toolgym.playing.wrapped import limited
from toolgym.rollout import failure_kind
from toolgym.snapshot import Snapshot
from toolgym.tasks import Task
from toolgym.types import FrozenDict, Message, Trajectory, Turn, message
from toolgym.vector import step_together

from ..sampler import Sampler
from ..tokens import ChatTokens, Sample, TemplateError, Transcript
from ..tool_offer import check_offer
from .advantages import shared_states
from .milestones import milestones
from .sft import gold_sample

TaskName: TypeAlias = tuple[int, str]
"""Index of a collector's suite, and the task's id in that suite."""


class Rollout(msgspec.Struct):
    """One episode, as text and as tokens.

    Or a fork: an episode that starts from a state inside another one, whose messages so far are its opening messages.
    """

    trajectory: Trajectory
    sample: Sample
    """``sample.truncated`` is True if the token limit, the turn limit or the context ended the episode or an answer."""
    forks: list[list[Rollout]] = []
    """By turn: the forks from the state before it. If several members share the state, the first one holds them."""
    suite: int = 0
    """Index of the collector's suite."""
    milestones: list[list[tuple[int, float]]] = []
    """By turn, if the collector finds them: see milestones.py."""

    @property
    def reward(self) -> float:
        return self.trajectory.reward

    @property
    def valid(self) -> bool:
        """Whether the reward is valid and there are sampled tokens to credit."""
        return self.trajectory.reward_valid and bool(self.sample.turns)


class Collector:
    """Plays groups of episodes in environments of its own, which it reuses from call to call.

    Args:
        make_envs: one per suite; returns a new ToolEnv, bare or wrapped.
        policy: samples the answers.
        chat: the tokenizer with its chat template.
        max_tokens: limit of a whole episode, prompt included. An episode without room for another token ends.
        milestones: find the milestones of every answer, for ``credit="term"``.
        demonstrations: False leaves the environment's demonstrations out of the samples: episodes are played with them.
    """

    def __init__(
        self,
        make_envs: Sequence[Callable[[], gym.Env[Any, Any]]],
        policy: Sampler,
        chat: ChatTokens,
        max_tokens: int | None = None,
        milestones: bool = False,
        demonstrations: bool = True,
    ):
        self.make_envs = make_envs
        self.demonstrations = demonstrations
        self.policy = policy
        self.chat = chat
        self.milestones = milestones
        limits = [limit for limit in (max_tokens, policy.context) if limit is not None]
        self.max_tokens = min(limits) if limits else None
        self.envs: list[list[ToolEnv]] = [[] for _ in make_envs]
        self._tasks: dict[int, Sequence[Task]] = {}
        self.step: int | None = None
        """The trainer's, for schedules of rewards and of strength; None before ``set_step``."""

    def env(self, suite: int = 0, index: int = 0) -> ToolEnv:
        """The environment of the suite's episode ``index``."""
        envs = self.envs[suite]
        while len(envs) <= index:
            made = self.make_envs[suite]()
            env = limited(made)
            if not envs:
                check_offer(self.chat, env)
                self._tasks[suite] = _drawn_from(made, env)
            if self.step is not None:
                env.set_step(self.step)
            envs.append(env)
        return envs[index]

    def tasks(self, suite: int = 0) -> Sequence[Task]:
        """The suite's tasks; only the selected ones if ``OnlyTasks`` is around the environment."""
        self.env(suite)
        return self._tasks[suite]

    def opening(self, task: TaskName) -> str:
        """The task's own first messages: tasks whose prompts are equal have the same."""
        return repr(self.env(task[0]).find_task(task[1]).messages)

    def set_step(self, step: int) -> None:
        """Tell the schedules of every environment the trainer's step, also of those that are made later."""
        self.step = step
        for envs in self.envs:
            for env in envs:
                env.set_step(step)

    def play(self, tasks: Sequence[TaskName], num_generations: int = 1, forks: int = 0) -> list[list[Rollout]]:
        """A group of ``num_generations`` episodes for each task, all played at once.

        The model reads equal prompts once, and episodes that end leave the batch.

        With ``forks``, every turn of a valid episode gets that many comparisons: members of the group in the same
        state before the turn, and forks for the rest. A fork plays from that state to the end and computes its own
        tokens only. The episodes are the same as without forks.

        If the template refuses a task's tools, its episodes are not valid. Raises SnapshotError for forks of an
        environment whose state cannot be copied.
        """
        self.policy.forget()  # an empty KV cache: samples must not depend on earlier calls, or a resumed run differs
        played = [0] * len(self.envs)  # by suite, environments in use: every episode has its own
        episodes = []
        for suite, task_id in tasks:
            for repeat in range(num_generations):
                episodes.append(_Episode.begin(self.env(suite, played[suite]), task_id, self.chat, repeat))
                played[suite] += 1
        # one flat list over all groups: everything that still goes on is sampled in one call
        self._play(episodes, branching=forks > 0)
        rollouts = [episode.rollout() for episode in episodes]
        groups = [slice(i, i + num_generations) for i in range(0, len(rollouts), num_generations)]
        for (suite, _), group in zip(tasks, groups, strict=True):
            for rollout in rollouts[group]:
                rollout.suite = suite
        if forks:
            # forks of all groups are played together, in one batch
            for group in groups:
                self._branch(episodes[group], rollouts[group], forks)
            self._play([fork for episode in episodes for _, fork in episode.forks])
            for episode, rollout in zip(episodes, rollouts, strict=True):
                for k, fork in episode.forks:
                    rollout.forks[k].append(fork.rollout())
        if not self.demonstrations:
            for group in groups:
                self._leave_out(episodes[group.start], rollouts[group])
        self.policy.forget()  # the update needs the memory of the KV cache
        return [rollouts[group] for group in groups]

    def _play(self, episodes: Sequence[_Episode], branching: bool = False) -> None:
        """Play to the end.

        Args:
            branching: keep the state before each turn.
        """
        going = [episode for episode in episodes if not episode.over]
        while going:
            # one round: one answer and one env step for every episode that goes on
            going = [episode for episode in going if not self._full(episode)]
            for episode in going if branching else ():
                episode.mark()
            answers = self.policy.sample_ids([episode.transcript.token_ids for episode in going], self.max_tokens)
            for episode, answer in zip(going, answers, strict=True):
                # tokens are kept as sampled, never encoded again from the text
                episode.transcript.append_sampled(answer.token_ids, answer.logprobs, answer.version)
                episode.truncated |= answer.finish_reason == "length"
                if self.milestones:
                    episode.milestones.append(milestones(episode.env, str(answer.answer)))
            # the text goes to the environment, the token ids stay here
            steps = step_together([episode.env for episode in going], [answer.answer for answer in answers])
            for episode, answer, step in zip(going, answers, steps, strict=True):
                episode.take(step, answer.text)
            going = [episode for episode in going if not episode.over]  # a smaller batch in the next round

    def _branch(self, group: Sequence[_Episode], rollouts: Sequence[Rollout], forks: int) -> None:
        """Begin forks at turns whose state was reached by fewer than ``forks`` other members of the group."""
        states = shared_states([rollout.sample if rollout.valid else None for rollout in rollouts])
        there = Counter(state for row in states for state in row)  # playouts from each state: members and forks
        for episode, rollout, row in zip(group, rollouts, states, strict=True):
            rollout.forks = [[] for _ in row]
            for k, state in enumerate(row):
                missing = forks + 1 - there[state]
                if missing > 0:
                    # counted at once: the next member in this state uses these forks
                    there[state] += missing
                    # the forks reuse the KV cache of the tokens before this turn
                    self.policy.branch(episode.transcript.token_ids, rollout.sample.turns[k][0])
                    episode.forks += [(k, episode.fork(k)) for _ in range(missing)]

    def gold(self, task: TaskName) -> Rollout:
        """The task's gold actions, played in the environment, in the tokens that sampling them would give.

        If no tokens decode to an action, the rollout is not valid, and its ``error`` says why.
        """
        env = self.env(task[0])
        episode = _Episode.begin(env, task[1], self.chat, 0)
        for text in env.gold(env.task):
            if not episode.over:
                if self.milestones:
                    episode.milestones.append(milestones(env, text))
                episode.take(env.step(text))
        played = episode.rollout()
        about = played.trajectory
        if episode.refused:
            return played
        try:
            sample = gold_sample(self.chat, about.messages, [turn.messages for turn in env.turns], episode.tools)
            found = Rollout(about, sample, milestones=episode.milestones)
        except ValueError as error:
            about.reward_valid, about.error = False, str(error)  # SFT leaves it out
            return played
        if not self.demonstrations:
            self._leave_out(episode, [found])
        return found

    def _leave_out(self, episode: _Episode, rollouts: Sequence[Rollout]) -> None:
        """Put the prompt without demonstrations into the samples of one task, which ``episode`` has played."""
        if not episode.refused:
            prompt = self.chat.prompt(episode.env.without_demonstrations(), episode.tools)
            for rollout in rollouts:
                rollout.sample = rollout.sample.after(prompt)
                for fork in (fork for turn in rollout.forks for fork in turn):
                    fork.sample = fork.sample.after(prompt)

    def _full(self, episode: _Episode) -> bool:
        if self.max_tokens is None or len(episode.transcript.token_ids) < self.max_tokens:
            return False
        episode.cut()
        return True


def _drawn_from(made: gym.Env[Any, Any], env: ToolEnv) -> Sequence[Task]:
    if not made.has_wrapper_attr("task_ids"):
        return env.tasks
    return [env.find_task(task_id) for task_id in made.get_wrapper_attr("task_ids")]


class _Episode:
    """An episode under way: its environment, conversation and tokens."""

    def __init__(
        self, env: ToolEnv, messages: Sequence[Message], transcript: Transcript, trajectory: Trajectory, info: Any
    ):
        self.env = env
        self.messages = list(messages)
        self.transcript = transcript
        self.trajectory = trajectory
        self.info = info
        self.before = len(env.turns)
        """In a fork, the number of turns that the original episode played."""
        self.tools: Sequence[FrozenDict] = ()
        """Offered with the first prompt."""
        self.over = self.truncated = False
        self.refused = ""
        """Why the chat template refuses the first prompt: the episode is over, and not valid."""
        self.states: list[tuple[Snapshot, Transcript]] = []
        """Before each turn, if the episode may be forked."""
        self.forks: list[tuple[int, _Episode]] = []
        """(first turn, fork)"""
        self.milestones: list[list[tuple[int, float]]] = []
        """Of each turn, if they are found."""

    @classmethod
    def begin(cls, env: ToolEnv, task_id: str, chat: ChatTokens, repeat: int) -> _Episode:
        observation, info = env.reset(options={"task_id": task_id})
        trajectory = Trajectory(
            env_id=env.spec.id if env.spec is not None else type(env).__name__,
            task_id=task_id,
            messages=tuple(observation["messages"]),
            repeat=repeat,
            category=info.get("category", ""),
        )
        messages, tools = observation["messages"], observation["tools"]
        try:
            transcript, refused = chat.transcript(messages, tools), ""
        except TemplateError as error:
            transcript, refused = chat.transcript([message("user", "")]), str(error)
        episode = cls(env, messages, transcript, trajectory, info)
        episode.tools, episode.refused, episode.over = tools, refused, bool(refused)
        return episode

    def mark(self) -> None:
        """Keep the present state, before a turn."""
        self.states.append((self.env.snapshot(), self.transcript.branch()))

    def fork(self, turn: int) -> _Episode:
        """An episode that continues from the state before that turn, in an environment of its own."""
        snapshot, transcript = self.states[turn]
        (env,) = self.env.fork()  # the original environment may still be in use
        env.restore(snapshot)
        about = self.trajectory
        opening = Trajectory(
            about.env_id, about.task_id, snapshot.messages, repeat=about.repeat, category=about.category
        )
        return _Episode(env, snapshot.messages, transcript.branch(), opening, self.info)

    def take(self, step: tuple[Any, Any, bool, bool, dict[str, Any]], sampled: str | None = None) -> None:
        """Record a step of the environment.

        Args:
            step: the result of ``env.step``.
            sampled: the text of the sampled tokens, if the tokens are kept: the environment's reply is then appended
                to them. The environment may have cut the action; the conversation keeps the whole text.
        """
        _, _, terminated, truncated, self.info = step  # the turn holds the reward
        turn: Turn = self.env.turns[-1]
        self.over = terminated or truncated
        self.truncated |= truncated
        if truncated:
            self.trajectory.cut_off = "turns"
        answer, *replies = turn.messages
        # the sampled text, as the tokens decode to it: the environment may have cut the action
        self.messages.append(answer if sampled is None else message("assistant", sampled))
        if sampled is not None and not self.over:
            self.transcript.append_environment(self.messages, replies)
        self.messages += replies

    def cut(self) -> None:
        """End the episode because its tokens ran out. The reward's final terms are as at the turn limit."""
        self.over = self.truncated = True
        self.trajectory.cut_off = "context"
        if len(self.env.turns) > self.before:  # without an action there is no reward to add terms to
            self.info = self.env.cut_off(TOKENS_RAN_OUT)

    def rollout(self) -> Rollout:
        trajectory, info = self.trajectory, self.info
        # a fork's own turns alone: its return is the return to go from the state it began in
        trajectory.turns = list(self.env.turns[self.before :])
        trajectory.reward = sum(turn.reward.total for turn in trajectory.turns)
        trajectory.success = info.get("success", False)
        trajectory.verdict = info.get("verdict", TOKENS_RAN_OUT)
        trajectory.error_type = info.get("error_type")
        trajectory.reward_valid, trajectory.error = info["reward_valid"], info.get("error")
        trajectory.truncated = self.truncated
        trajectory.faults = info.get("faults", UNSET)
        trajectory.perturbations = UNSET if self.env.view is None else self.env.view.kinds
        if not trajectory.reward_valid:
            trajectory.error_kind = failure_kind(trajectory.turns)
        elif self.refused:
            trajectory.reward_valid, trajectory.success, trajectory.error_kind = False, None, "refused"
            trajectory.error = self.refused
        elif self.truncated and not self.env.turns:  # as in an evaluation: the policy had no part in it
            tokens = len(self.transcript.token_ids)
            trajectory.reward_valid, trajectory.success, trajectory.error_kind = False, None, "context"
            trajectory.error = f"the first prompt has {tokens} tokens, which leaves no room for an answer"
        sample = self.transcript.sample(truncated=self.truncated)
        return Rollout(trajectory, sample, milestones=self.milestones)
