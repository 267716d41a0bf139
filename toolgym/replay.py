"""Replaying a run: the actions that were recorded, through the env again, must give the same bytes.

    from toolgym.replay import replay, rescore

    for each in replay("runs/mine"):
        print(each.episode.task_id, each.status, *each.differences)
    rescore("runs/mine", "toolrl-reference", out="runs/mine-reference")

A run is a folder of ``evaluate`` or ``toolgym eval --out``, one that training kept (``evaluations/step-...``,
``groups/step-...``), or a whole training run: all that it kept. The env is made as the run's settings say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import msgspec

from toolgym.env import ToolEnv
from toolgym.grading import TOKENS_RAN_OUT
from toolgym.rewards import Reward, ToolRLReward, get_rubric
from toolgym.rollout import AgentError, ContextFull, Refused, rollout
from toolgym.runlog import open_folder, write_run
from toolgym.stored.run_files import RunError, describe, dump_episode, read_episodes, read_settings
from toolgym.stored.strict_json import from_exact_json, to_json
from toolgym.stored.trust import ALL, short, trusted_settings
from toolgym.types import Observation, Trajectory

MOST_DIFFERENCES = 20
"""Differences of an episode that are named."""
_AROUND = 30
MakeEnv = Callable[[str, dict[str, Any]], gym.Env[Any, Any]]
"""Makes an env from an id and arguments, as a run's settings have them."""


class Replayed(msgspec.Struct, frozen=True):
    """An episode and what came of its actions this time."""

    episode: Trajectory
    """As it was recorded."""
    again: Trajectory | None = None
    """As it went now; None if it was not played to its end."""
    differences: tuple[str, ...] = ()
    """The differences, in words."""
    reason: str = ""
    """The reason if it cannot be replayed."""
    elsewhere: bool = False
    """Whether the task itself has changed, or no longer exists."""

    @property
    def status(self) -> Literal["same", "different", "not replayable"]:
        return "not replayable" if self.reason else "different" if self.differences else "same"


class StoredRun(msgspec.Struct, frozen=True):
    """A folder with ``run.json`` and ``episodes.jsonl``."""

    folder: Path
    settings: dict[str, Any]
    episodes: list[Trajectory]

    @property
    def kept_by_training(self) -> bool:
        return "step" in self.settings

    @property
    def step(self) -> int | None:
        """The trainer's step at which the episodes were scored; None without a trainer."""
        if not self.kept_by_training:
            return None
        # a group is kept when its step is done and counted; evaluations are scored as at the start
        return max(0, int(self.settings["step"]) - 1) if "temperature" in self.settings else 0


def replay(
    run: str | Path,
    *,
    make: MakeEnv | None = None,
    on_episode: Callable[[Replayed], None] | None = None,
    trust: Collection[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> list[Replayed]:
    """Play the recorded actions of a run again and compare everything but the time it took.

    Episodes that were not valid (the agent failed, a tool hung) are not replayable. ``make`` makes the env if the
    settings alone cannot: for an env or a rubric that was passed as an object. It gets all settings as they are.

    Without ``make``, settings that could import code, or open files and addresses, are refused unless ``trust`` names
    them, e.g. ``trust=["judge", "judge_options"]``, or ``env_kwargs`` gives them anew; see trust.py.

    Raises RunError for a folder that does not hold a run, for settings that do not make an env, and if none of the
    tasks is the same as before: then the env has other data, another version or other settings than the run.
    """
    found = []
    for stored in stored_runs(run):
        for each in replay_stored(stored, make, trust=trust, env_kwargs=env_kwargs):
            found.append(each)
            if on_episode is not None:
                on_episode(each)
    check_tasks(found, run)
    return found


def rescore(
    run: str | Path,
    rubric: str | Reward,
    out: str | Path,
    *,
    make: MakeEnv | None = None,
    on_episode: Callable[[Replayed], None] | None = None,
    trust: Collection[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> list[Trajectory]:
    """Score a run's episodes with another rubric and write them to a new run's folder, ``out``.

    Episodes that were not valid are taken over as they are. ``make``, ``trust`` and ``env_kwargs``: see ``replay``.

    Raises RunError, and writes nothing, if anything but the
    rewards differs, and for a rubric with a schedule if the run does not say its step.
    """
    runs = stored_runs(run)
    if len(runs) > 1:
        raise RunError(f"{run} is a training run: score one of its folders again, such as {runs[-1].folder}")
    (stored,), model = runs, get_rubric(rubric)
    name = rubric if isinstance(rubric, str) else describe(rubric)
    _check_schedule(model, stored)
    folder = Path(out)
    if (folder / "run.json").is_file():
        raise RunError(f"{folder} already holds a run; choose another folder")
    found = []
    for each in replay_stored(stored, make, rubric=model, trust=trust, env_kwargs=env_kwargs):
        found.append(each)
        if on_episode is not None:
            on_episode(each)
    check_tasks(found, run)
    changed = [each for each in found if each.status == "different"]
    if changed:
        raise RunError(
            f"{run}: {len(changed)} of {len(found)} episodes do not replay as they were recorded, so their rewards "
            "would be those of others; nothing is written. "
            f"The first: {changed[0].episode.task_id}: {changed[0].differences[0]}"
        )
    open_folder(folder, folder / "run.json")
    arguments = {**stored.settings.get("env_kwargs", {}), **(env_kwargs or {}), "rubric": name}
    scored = [each.again or each.episode for each in found]
    write_run(folder, {**stored.settings, "env_kwargs": arguments, "rescored": str(stored.folder)}, scored)
    return scored


def stored_runs(path: str | Path) -> list[StoredRun]:
    """The runs to replay under ``path``. Raises RunError if there are none."""
    path = Path(path)
    folder = path.parent if path.name == "episodes.jsonl" else path
    if (folder / "run.json").is_file():
        runs = [_stored(folder)]
    else:
        kept = [part for kind in ("evaluations", "groups") for part in sorted((folder / kind).glob("step-*"))]
        runs = [_stored(part) for part in kept if (part / "run.json").is_file()]
    if not runs and (folder / "metrics.jsonl").is_file():
        raise RunError(f"the training run in {folder} has kept no episodes: there were no evaluations, nor groups yet")
    if not runs:
        what = "it has no run.json" if folder.is_dir() else "there is no such folder"
        raise RunError(f"{folder} is not a run's folder: {what}")
    if not any(stored.episodes for stored in runs):
        raise RunError(f"{folder} holds no finished episodes")
    return runs


def replay_stored(
    stored: StoredRun,
    make: MakeEnv | None = None,
    *,
    rubric: Reward | None = None,
    trust: Collection[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> Iterator[Replayed]:
    """Replay a folder's episodes one by one. With ``rubric`` rewards come from it and are not compared.

    ``make``, ``trust`` and ``env_kwargs`` are as in ``replay``.
    """
    env: gym.Env[Any, Any] | None = None
    where = str(stored.folder / "run.json")
    env_id, arguments = trusted_settings(stored.settings, where, [ALL] if make is not None else trust, env_kwargs)
    for episode in stored.episodes:
        if not episode.reward_valid:
            yield Replayed(episode, reason=episode.error or "the episode was not valid")
            continue
        if make is None and env_id.rpartition(":")[2] != episode.env_id:
            raise RunError(f"{stored.folder}: {episode.task_id} was played in {episode.env_id}, the run in {env_id}")
        if env is None:
            env = _made(where, env_id, arguments, make, rubric)
            if stored.step is not None:
                env.unwrapped.set_step(stored.step)  # type: ignore[attr-defined]
        yield _replayed(env, episode, stored, rubric is None)


def check_tasks(found: Sequence[Replayed], run: str | Path) -> None:
    """Raises RunError, which names the ``run``, if no episode's task is the same as before."""
    played = [each for each in found if not each.reason]
    if played and all(each.elsewhere for each in played):
        first = played[0]
        raise RunError(
            f"{run}: this env's data, version or settings are not those of the run: none of its {len(played)} tasks is "
            f"what it was. The first, {first.episode.task_id}: {first.differences[0]}"
        )


# One episode ------------------------------------------------------------------------------------


class _Script:
    """Plays the recorded actions, if the episode opens as it did."""

    def __init__(self, episode: Trajectory):
        self.episode = episode
        self.texts = iter([turn.answer for turn in episode.turns])
        self.opened = self.ran_out = self.cut = False

    def act(self, observation: Observation) -> str:
        if not self.opened and observation.messages != self.episode.messages:
            raise AgentError("another opening")
        self.opened = True
        text = next(self.texts, None)
        if text is None:
            # something that the env does not know has ended the episode
            ended = self.episode.cut_off or ("context" if self.episode.truncated else "")
            if ended and ended != "turns":
                self.cut = True
                if ended == "context":
                    raise ContextFull(TOKENS_RAN_OUT)
                raise Refused("" if ended == "wrapper" else self.episode.verdict, kind=ended)
            self.ran_out = True
            raise AgentError("no further action was recorded")
        return text


def _replayed(env: gym.Env[Any, Any], episode: Trajectory, stored: StoredRun, rewards: bool) -> Replayed:
    script = _Script(episode)
    try:
        env.unwrapped.find_task(episode.task_id)  # type: ignore[attr-defined]
    except KeyError as error:
        return Replayed(episode, differences=(str(error.args[0]),), elsewhere=True)
    again = rollout(env, script, task_id=episode.task_id, repeat=episode.repeat)
    if not script.opened:
        changed = differences({"opening": episode.messages}, {"opening": again.messages})
        return Replayed(episode, differences=changed, elsewhere=True)
    if stored.kept_by_training:  # an answer that was cut short is known to the trainer alone
        again.truncated |= episode.truncated
    again.seconds = episode.seconds
    if script.cut:  # a wrapper's end may be no truncation
        again.truncated = episode.truncated
    if not episode.cut_off:  # a run of an earlier version, or one that training kept
        again.cut_off = ""
    if script.ran_out:
        n = len(episode.turns)
        goes_on = f"the episode goes on after {n} actions, where the recorded one ended"
        return Replayed(episode, again, (*_compared(episode, again, rewards, turns_only=True), goes_on))
    return Replayed(episode, again, _compared(episode, again, rewards))


def _compared(was: Trajectory, now: Trajectory, rewards: bool, turns_only: bool = False) -> tuple[str, ...]:
    both = []
    for each in (was, now):
        found = from_exact_json(dump_episode(each))
        if not rewards:
            found["reward"] = None
            for turn in found["turns"]:
                calls = [{**call, "score": None} for call in turn["reward"]["calls"]]
                turn["reward"] = {"calls": calls}
        both.append({"turns": found["turns"]} if turns_only else {k: v for k, v in found.items() if k != "env_id"})
    return differences(*both)


# The run ----------------------------------------------------------------------------------------


def _stored(folder: Path) -> StoredRun:
    about = folder / "run.json"
    settings = read_settings(about)
    step = settings.get("step", 0)
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise RunError(f"{about} has no number of a step: step={short(repr(step))}")
    trusted_settings(settings, str(about), [ALL])  # says whether there is an env at all
    return StoredRun(folder, settings, read_episodes(folder))


def _made(
    where: str, env_id: str, arguments: Mapping[str, Any], make: MakeEnv | None, rubric: Reward | None
) -> gym.Env[Any, Any]:
    given = dict(arguments) if rubric is None else {**arguments, "rubric": rubric}
    try:
        env = make(env_id, given) if make is not None else gym.make(env_id, **given)
    except (gym.error.Error, ModuleNotFoundError, TypeError, ValueError) as error:
        shown = short(to_json(dict(arguments), default=describe))
        raise RunError(
            f"{where}: cannot make {short(env_id)} with the run's settings {shown}: {error}. What was passed as an "
            "object is not in run.json: call toolgym.replay.replay(run, make=...)"
        ) from error
    if not isinstance(env.unwrapped, ToolEnv):
        raise RunError(f"{where}: {short(env_id)} is a {type(env.unwrapped).__name__}, not a ToolEnv")
    return env


def _check_schedule(rubric: Reward, stored: StoredRun) -> None:
    scheduled = isinstance(rubric, ToolRLReward) and (
        rubric.scale in ("two_stage", "dynamic") or rubric.length == "dynamic"
    )
    if scheduled and stored.step is None:
        raise RunError(f"{rubric!r} depends on the trainer's step, which {stored.folder} does not hold")


# What differs between two records ---------------------------------------------------------------


def differences(was: Any, now: Any) -> tuple[str, ...]:
    """How two JSON-like values differ, one line for each place; () if they would be the same bytes.

    Tuples and lists are the same, and so are 1 and 1.0; the order of keys counts.
    """
    found: list[str] = []
    for line in _walk(was, now, ""):
        if len(found) == MOST_DIFFERENCES:
            found.append("... and more")
            break
        found.append(line)
    return tuple(found)


def _walk(was: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        if was.keys() == now.keys() and list(was) != list(now):
            yield f"{path}: the keys have another order"
        for key in {**was, **now}:
            yield from _item(was, now, key, key in was, key in now, f"{path}.{key}" if path else str(key))
    elif isinstance(was, (list, tuple)) and isinstance(now, (list, tuple)):
        for i in range(max(len(was), len(now))):
            yield from _item(was, now, i, i < len(was), i < len(now), f"{path}[{i}]")
    elif not _same(was, now):
        yield f"{path}: {_change(was, now)}"


def _item(was: Any, now: Any, key: Any, before: bool, after: bool, path: str) -> Iterator[str]:
    if before and after:
        yield from _walk(was[key], now[key], path)
    elif before:
        yield f"{path}: was {_short(was[key])}, is not there now"
    else:
        yield f"{path}: is {_short(now[key])} now, was not there"


def _same(was: Any, now: Any) -> bool:
    numbers = type(was) in (int, float) and type(now) in (int, float)
    equal = was == now or (was != was and now != now)  # two that are not numbers
    return bool(equal) and (numbers or type(was) is type(now))


def _change(was: Any, now: Any) -> str:
    if isinstance(was, str) and isinstance(now, str) and max(len(was), len(now)) > 2 * _AROUND:
        at = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
        return f"from character {at} on, was {_short(was[at:])}, is {_short(now[at:])}"
    return f"was {_short(was)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 2 * _AROUND else f"{text[: 2 * _AROUND]}..."
