"""Episodes to samples: groups of rollouts of the same task, played together, token by token as sampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import gymnasium as gym
import msgspec

from toolgym.env import ToolEnv
from toolgym.grading import TOKENS_RAN_OUT
from toolgym.snapshot import Snapshot
from toolgym.tasks import Task
from toolgym.types import Message, Trajectory, Turn, message
from toolgym.vector import step_together

from ..policy import Policy
from ..tokens import ChatTokens, Sample, TemplateError, Transcript
from .advantages import shared_states
from .sft import gold_sample

TaskName: TypeAlias = tuple[int, str]
"""Which of a collector's suites, and the task's id there."""


class Rollout(msgspec.Struct):
    """One episode, as text and as tokens.

    Or a fork: the same from a state within an episode on, with what came before as its opening messages.
    """

    trajectory: Trajectory
    sample: Sample
    """``truncated`` where an answer was cut off by the token limit, or the episode by its turns or the context."""
    forks: list[list[Rollout]] = []
    """By turn, those from the state before it. Where several of the group were in that state, the first holds them."""

    @property
    def reward(self) -> float:
        return self.trajectory.reward

    @property
    def valid(self) -> bool:
        """Whether the reward says something about the policy, and there is something to credit."""
        return self.trajectory.reward_valid and bool(self.sample.turns)


class Collector:
    """Plays groups of episodes in environments of its own, which are kept from one call to the next.

    Args:
        make_envs: one for each suite; gives a new ToolEnv, bare or wrapped.
        policy: samples the answers; its ``max_new_tokens`` bounds one answer.
        chat: keeps the tokens.
        max_tokens: of a whole episode, prompt included; one that has no room for another token ends there.
    """

    def __init__(
        self,
        make_envs: Sequence[Callable[[], gym.Env[Any, Any]]],
        policy: Policy,
        chat: ChatTokens,
        max_tokens: int | None = None,
    ):
        self.make_envs = make_envs
        self.policy = policy
        self.chat = chat
        limits = [limit for limit in (max_tokens, policy.context) if limit is not None]
        self.max_tokens = min(limits) if limits else None
        self.envs: list[list[ToolEnv]] = [[] for _ in make_envs]
        self._tasks: dict[int, Sequence[Task]] = {}
        self._step: int | None = None

    def env(self, suite: int = 0, index: int = 0) -> ToolEnv:
        """The environment of the suite's episode ``index``."""
        envs = self.envs[suite]
        while len(envs) <= index:
            made = self.make_envs[suite]()
            env = cast(ToolEnv, made.unwrapped)
            if not envs:
                self._tasks[suite] = _drawn_from(made, env)
            if self._step is not None:
                env.set_step(self._step)
            envs.append(env)
        return envs[index]

    def tasks(self, suite: int = 0) -> Sequence[Task]:
        """What the suite's tasks are drawn from: those of ``OnlyTasks`` where that is around the environment."""
        self.env(suite)
        return self._tasks[suite]

    def set_step(self, step: int) -> None:
        """Tell every rubric's schedule the trainer's step, those of environments made later too."""
        self._step = step
        for envs in self.envs:
            for env in envs:
                env.set_step(step)

    def play(self, tasks: Sequence[TaskName], num_generations: int = 1, forks: int = 0) -> list[list[Rollout]]:
        """A group of ``num_generations`` episodes for each task, all played at once.

        Prompts that are alike are read once by the model, and episodes that end leave the batch. An episode whose
        chat template will not go on (some trim an answer's last blank) ends as not valid.

        With ``forks``, the policy then goes on from the states before the turns of valid episodes, each time to the
        end, until every episode has so many others to be compared with at each of its turns: members of the group that
        were in the same state count, forks make up the rest. They read their own tokens only. The episodes are the
        same as without.

        Raises TemplateError where the template refuses every one of several episodes, SnapshotError for forks of an
        environment whose state cannot be copied.
        """
        self.policy.forget()  # so that what is sampled does not depend on what was sampled before
        played = [0] * len(self.envs)
        episodes = []
        for suite, task_id in tasks:
            for repeat in range(num_generations):
                episodes.append(_Episode.begin(self.env(suite, played[suite]), task_id, self.chat, repeat))
                played[suite] += 1
        refused = self._play(episodes, branching=forks > 0)
        if len(refused) == len(episodes) > 1:
            raise refused[0]  # not the odd answer that a template trims: it rewrites them all
        rollouts = [episode.rollout() for episode in episodes]
        groups = [slice(i, i + num_generations) for i in range(0, len(rollouts), num_generations)]
        if forks:
            for group in groups:
                self._branch(episodes[group], rollouts[group], forks)
            self._play([fork for episode in episodes for _, fork in episode.forks])
            for episode, rollout in zip(episodes, rollouts, strict=True):
                for k, fork in episode.forks:
                    rollout.forks[k].append(fork.rollout())
        self.policy.forget()  # an update needs the memory
        return [rollouts[group] for group in groups]

    def _play(self, episodes: Sequence[_Episode], branching: bool = False) -> list[TemplateError]:
        """Play to the end; ``branching`` keeps the states in between. The template's refusals in the last round."""
        going, refused = list(episodes), []
        while going:
            going = [episode for episode in going if not self._full(episode)]
            for episode in going if branching else ():
                episode.mark()
            answers = self.policy.sample_ids([episode.transcript.token_ids for episode in going], self.max_tokens)
            for episode, answer in zip(going, answers, strict=True):
                episode.transcript.append_sampled(answer.token_ids, answer.logprobs)
                episode.truncated |= answer.finish_reason == "length"
            steps = step_together([episode.env for episode in going], [answer.text for answer in answers])
            for episode, answer, step in zip(going, answers, steps, strict=True):
                episode.take(step, answer.text)
            refused = [episode.refusal for episode in going if episode.refusal is not None]
            going = [episode for episode in going if not episode.over]
        return refused

    def _branch(self, group: Sequence[_Episode], rollouts: Sequence[Rollout], forks: int) -> None:
        """Fork where fewer than ``forks`` others of the group were in a turn's state."""
        states = shared_states([rollout.sample if rollout.valid else None for rollout in rollouts])
        there = Counter(state for row in states for state in row)
        for episode, rollout, row in zip(group, rollouts, states, strict=True):
            rollout.forks = [[] for _ in row]
            for k, state in enumerate(row):
                missing = forks + 1 - there[state]
                if missing > 0:
                    there[state] += missing
                    self.policy.branch(episode.transcript.token_ids, rollout.sample.turns[k][0])
                    episode.forks += [(k, episode.fork(k)) for _ in range(missing)]

    def gold(self, task: TaskName) -> Rollout:
        """The task's gold actions, played through the environment, in the tokens that sampling them would give.

        Where the template or the tokenizer would change one of them, the rollout is not valid, and says why.
        """
        env = self.env(task[0])
        episode = _Episode.begin(env, task[1], self.chat, 0)
        for text in env.gold(env.task):
            if not episode.over:
                episode.take(env.step(text))
        played = episode.rollout()
        about = played.trajectory
        try:
            return Rollout(about, gold_sample(self.chat, about.messages, [turn.messages for turn in env.turns]))
        except ValueError as error:
            about.reward_valid, about.error = False, str(error)
            return played

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
    """An episode under way."""

    def __init__(
        self, env: ToolEnv, messages: Sequence[Message], transcript: Transcript, trajectory: Trajectory, info: Any
    ):
        self.env = env
        self.messages = list(messages)
        self.transcript = transcript
        self.trajectory = trajectory
        self.info = info
        self.before = len(env.turns)
        """Turns that were another's."""
        self.over = self.truncated = False
        self.refusal: TemplateError | None = None
        """Why the episode's tokens could not go on: its reward then counts for nothing."""
        self.states: list[tuple[Snapshot, Transcript]] = []
        """Before each turn, where it is to be forked."""
        self.forks: list[tuple[int, _Episode]] = []
        """By the turn that they begin with."""

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
        return cls(env, observation["messages"], chat.transcript(observation["messages"]), trajectory, info)

    def mark(self) -> None:
        """Keep the state as it is now, before a turn."""
        self.states.append((self.env.snapshot(), self.transcript.branch()))

    def fork(self, turn: int) -> _Episode:
        """Another that goes on from before that turn, in an environment of its own."""
        snapshot, transcript = self.states[turn]
        (env,) = self.env.fork()
        env.restore(snapshot)
        about = self.trajectory
        opening = Trajectory(
            about.env_id, about.task_id, snapshot.messages, repeat=about.repeat, category=about.category
        )
        return _Episode(env, snapshot.messages, transcript.branch(), opening, self.info)

    def take(self, step: tuple[Any, Any, bool, bool, dict[str, Any]], sampled: str | None = None) -> None:
        """Note a step. Where its text was ``sampled``, what the environment said is appended to the tokens, for the
        model to go on; they stand for all that was sampled, though the environment may have cut it."""
        _, _, terminated, truncated, self.info = step
        turn: Turn = self.env.turns[-1]
        self.over = terminated or truncated
        self.truncated |= truncated
        answer, *others = turn.messages
        self.messages.append(answer if sampled is None else message("assistant", sampled))
        if sampled is not None and not self.over:
            try:
                self.transcript.append_environment(self.messages, others)
            except TemplateError as error:
                self.refusal, self.over = error, True
        self.messages += others

    def cut(self) -> None:
        """End the episode where its tokens ran out. It pays for its end as one does that ran out of turns."""
        self.over = self.truncated = True
        if len(self.env.turns) > self.before:
            self.info = self.env.cut_off(TOKENS_RAN_OUT)

    def rollout(self) -> Rollout:
        trajectory, info = self.trajectory, self.info
        trajectory.turns = list(self.env.turns[self.before :])
        trajectory.reward = sum(turn.reward.total for turn in trajectory.turns)
        trajectory.success = info.get("success", False)
        trajectory.verdict = info.get("verdict", TOKENS_RAN_OUT)
        trajectory.error_type = info.get("error_type")
        trajectory.reward_valid, trajectory.error = info["reward_valid"], info.get("error")
        if self.refusal is not None:
            trajectory.reward_valid, trajectory.error = False, str(self.refusal)
        trajectory.truncated = self.truncated
        return Rollout(trajectory, self.transcript.sample(truncated=self.truncated))
