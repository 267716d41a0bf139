"""The multi-turn verdict equals the official verdict: on all accepted answers, and on thousands of mutated answers."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import bfcl_multi_turn_mutations as mutations
import bfcl_multi_turn_oracle as oracle
import pytest

from toolgym.envs.bfcl.dialogue.dialogue import FORCED, RESPONSE, Dialogue, Entry, check
from toolgym.envs.bfcl.multi_turn.tasks import CATEGORIES, load
from toolgym.tasks import Task

PER_DIALOGUE = 6


def cases(category: str, seed: str, n: int) -> list[tuple[Task, Any, mutations.Turns]]:
    """n mutated answers to each dialogue, with any number of steps."""
    rows = oracle.rows(category)
    out = []
    for task in load(category):
        row, gold = rows[task.id]
        for i in range(n):
            random = Random(f"{seed}:{task.id}:{i}")
            out.append((task, rows[task.id], mutations.mutated(mutations.answer(gold, random), row, random)))
    return out


def ours(entry: Entry, turns: mutations.Turns) -> tuple[bool, str | None]:
    verdict = check(entry, turns)
    return verdict.success, verdict.error_type


@pytest.mark.parametrize("category", CATEGORIES)
def test_accepted_calls_return_what_they_return_officially_and_pass(category: str) -> None:
    for task in load(category):
        row, gold = oracle.rows(category)[task.id]
        calls = [call for turn in gold for call in turn]
        dialogue = Dialogue(task.data)
        assert [dialogue.execute(call) for call in calls] == oracle.results(row, calls)
        assert ours(task.data, [[turn] for turn in gold]) == oracle.verdict(row, gold, [[turn] for turn in gold])
        assert ours(task.data, [[[call] for call in turn] for turn in gold]) == (True, None)


@pytest.mark.parametrize("category", CATEGORIES)
def test_mutated_answers_get_the_official_verdict_and_error_type(category: str) -> None:
    seen = Counter[Any]()
    for task, (row, gold), turns in cases(category, "verdicts", PER_DIALOGUE):
        turns = oracle.as_harness(turns)
        official = oracle.verdict(row, gold, turns)
        assert ours(task.data, turns) == official, (task.id, turns)
        seen[official] += 1
    assert len(seen) == 5  # passed, and each of four ways to fail
    assert min(seen.values()) > 10
    assert seen[True, None] < 0.7 * seen.total()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_dialogue_played_step_by_step_ends_where_the_official_harness_ends_it(category: str) -> None:
    forced = 0
    for task, (row, gold), turns in cases(category, "steps", 1):
        dialogue = Dialogue(task.data)
        for steps in turns:
            for step in steps:
                for call in step:
                    dialogue.execute(call)
                dialogue.end_step()
                if dialogue.over:
                    break
            if not dialogue.over:
                dialogue.end_turn()
            if dialogue.over:
                break
        official = oracle.verdict(row, gold, oracle.as_harness(turns))
        assert (dialogue.verdict.success, dialogue.verdict.error_type) == official, (task.id, turns)
        forced += official[1] == FORCED
    assert forced > 2


def test_the_limit_of_steps_fails_a_dialogue_only_where_the_user_had_more_to_say() -> None:
    category = "multi_turn_base"
    task = load(category)[0]
    row, gold = oracle.rows(category)[task.id]
    more = [["pwd()"]] * (oracle.LIMIT + 1 - len(gold[-1]))
    last = [[[call] for call in turn] for turn in gold]
    last[-1] += more
    assert ours(task.data, last) == oracle.verdict(row, gold, last) == (True, None)
    first = [[["pwd()"]] * (oracle.LIMIT + 1)]
    assert ours(task.data, first) == oracle.verdict(row, gold, first) == (False, FORCED)


@pytest.mark.parametrize("category", CATEGORIES)
def test_results_of_mutated_answers_read_as_officially(category: str) -> None:
    """Results are equal, errors too, except for text that is not a function call: that error has Python's wording."""
    compared = errors = 0
    for task, (row, _), turns in cases(category, "results", 1):
        calls = [call for steps in turns for step in steps for call in step if call not in mutations.ODD]
        dialogue = Dialogue(task.data)
        for call, official in zip(calls, oracle.results(row, calls), strict=True):
            result = dialogue.execute(call)
            if "_instance" in official or "recursion" in official:  # contains the model's name; an endless search
                continue
            compared += 1
            errors += official.startswith("Error during execution")
            assert result == official, (task.id, call)
    assert compared > 1000
    assert errors > 10


def test_what_official_objects_share_is_shared_within_a_dialogue_and_not_beyond() -> None:
    """Objects that the official code shares. An insurance bought with a shared card does not change the compared state.

    A mention added to a tweet whose mentions are a parameter's default list does not either, but the accepted tweet
    then has the mention too.
    """
    seen = Counter[Any]()
    booking, *_ = oracle.long_context.BOOKING_RECORD_EXTENSION
    card, *_ = oracle.long_context.CREDIT_CARD_EXTENSION
    for category in ("multi_turn_long_context", "multi_turn_base"):
        for task in load(category):
            row, gold = oracle.rows(category)[task.id]
            turns = [[[call] for call in turn] for turn in gold]
            if "TravelAPI" in task.data.classes:
                token = row["initial_config"]["TravelAPI"].get("access_token")
                turns[-1].append([f"purchase_insurance({token!r}, 'x', {booking!r}, 5, {card!r})"])
            for steps in turns:
                for step in tuple(steps):
                    if step[0].startswith("post_tweet(") and "mentions" not in step[0]:
                        steps += [[f"mention(tweet_id={i}, mentioned_usernames=['@a'])"] for i in range(1, 12)]
            official = oracle.verdict(row, gold, turns)
            assert ours(task.data, turns) == official, task.id
            seen[category, "TravelAPI" in task.data.classes, official] += 1
            calls = [call for steps in turns for step in steps for call in step]
            for _ in range(2):
                dialogue = Dialogue(task.data)
                assert [dialogue.execute(call) for call in calls] == oracle.results(row, calls)
    assert seen["multi_turn_long_context", True, (True, None)] > 20
    assert seen["multi_turn_base", False, (False, RESPONSE)] > 3


def test_verdicts_do_not_depend_on_order_or_threads() -> None:
    chosen = [case for category in CATEGORIES for case in cases(category, "threads", 1)[::4]]
    wanted = [ours(task.data, turns) for task, _, turns in chosen]
    order = list(range(len(chosen)))
    Random(0).shuffle(order)
    again = {i: ours(chosen[i][0].data, chosen[i][2]) for i in order}
    assert [again[i] for i in range(len(chosen))] == wanted
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda case: ours(case[0].data, case[2]), chosen * 2)) == wanted * 2


def test_a_running_dialogue_can_be_copied_and_pickled() -> None:
    for category in CATEGORIES:
        for task in load(category)[::20]:
            gold = task.data.ground_truth
            first = Dialogue(task.data)
            half = len(gold) // 2
            for turn in gold[:half]:
                _play(first, turn)
            kept = copy.deepcopy(first), pickle.loads(pickle.dumps(first))
            for turn in gold[half:]:
                _play(first, turn)
            for other in kept:
                assert other.turn == half
                assert not other.over
                for turn in gold[half:]:
                    _play(other, turn)
                assert other.verdict.success
                assert other.turns == first.turns


def _play(dialogue: Dialogue, turn: tuple[str, ...]) -> None:
    for call in turn:
        dialogue.execute(call)
    if turn:
        dialogue.end_step()
    dialogue.end_turn()
