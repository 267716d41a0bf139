"""Snapshot, restore and fork on environments of one's own: state, rubric, tools, refusals."""

from __future__ import annotations

import pickle
from threading import Lock

import gymnasium as gym
import numpy as np
import pytest
from conftest import Shop, calling, saying, shop, shop_tasks
from gymnasium.error import ResetNeeded

from toolgym import Rubric, Task, Tool, ToolCall, ToolEnv, tool, tools_of
from toolgym.snapshot import Snapshot, SnapshotError
from toolgym.types import message

MILK = calling(("add", {"item": "milk", "quantity": 2}))
EGGS = calling(("add", {"item": "eggs"}))
TOTAL = calling(("total", {}))


def play(env, texts):
    return repr([env.step(text) for text in texts if not env.over])


def test_an_episode_goes_on_from_a_snapshot_as_often_as_asked():
    env = shop()
    env.reset(seed=3, options={"task_id": "milk"})
    env.step(MILK)
    before = env.snapshot()
    first = play(env, [EGGS, TOTAL, saying("Done.")])
    for _ in range(2):
        observation = env.restore(before)
        assert observation.messages[-1]["content"] == '{"milk":2}'
        assert env.state.cart == {"milk": 2}
        assert play(env, [EGGS, TOTAL, saying("Done.")]) == first
        assert env.over
    assert env.snapshot() != before
    assert env.restore(before) is not None
    assert env.snapshot() == before
    assert hash(env.snapshot()) == hash(before)


def test_forks_go_their_own_ways():
    env = shop()
    env.reset(seed=0, options={"task_id": "milk"})
    env.step(MILK)
    one, two = env.fork(2)
    assert type(one) is type(env)
    assert (one.tasks, one.rubric, one.dialect) == (env.tasks, env.rubric, env.dialect)
    one.step(EGGS)
    two.step(MILK)
    assert [each.state.cart for each in (env, one, two)] == [{"milk": 2}, {"milk": 2, "eggs": 1}, {"milk": 4}]
    assert [len(each.turns) for each in (env, one, two)] == [1, 2, 2]
    one.reset(options={"task_id": "hello"})
    assert env.task.id == "milk"
    assert two.observe().messages[-1]["content"] == '{"milk":4}'
    assert env.fork(0) == []


def test_the_next_tasks_are_drawn_alike():
    env = shop()
    env.reset(seed=5)
    here, other = env.snapshot(), shop()
    drawn = [env.reset()[1]["task_id"] for _ in range(20)]
    other.restore(here)
    assert [other.reset()[1]["task_id"] for _ in range(20)] == drawn
    assert other.np_random_seed == 5
    env.restore(here)
    (fork,) = env.fork()
    assert [fork.reset()[1]["task_id"] for _ in range(20)] == drawn
    assert [env.reset()[1]["task_id"] for _ in range(20)] == drawn
    env.np_random = np.random.Generator(np.random.MT19937(4))
    other.restore(env.snapshot())
    assert other.np_random.integers(10**9) == env.np_random.integers(10**9)


def test_spaces_that_were_sampled_from_are_not_shared():
    env = shop()
    env.reset(seed=0)
    env.action_space.seed(1)
    (fork,) = env.fork()
    assert [fork.action_space.sample() for _ in range(5)] == [env.action_space.sample() for _ in range(5)]


def test_an_episode_that_is_over_and_one_that_failed_stay_so():
    env = shop(max_turns=2)
    env.reset(options={"task_id": "milk"})
    env.fail("the till is down")
    other = shop(max_turns=2)
    other.restore(env.snapshot())
    *_, truncated, info = other.step(TOTAL)
    assert (truncated, info["reward_valid"], info["error"]) == (False, False, "the till is down")
    *_, truncated, _ = other.step(TOTAL)
    assert truncated
    env.restore(other.snapshot())
    with pytest.raises(ResetNeeded, match="over"):
        env.step(TOTAL)


def test_a_foreign_snapshot_is_refused_and_changes_nothing():
    env = shop()
    env.reset(options={"task_id": "milk"})
    env.step(MILK)
    now = env.snapshot()

    class Other(ToolEnv):
        pass

    changed = [*shop_tasks()[:2], Task.of("hello", "Good evening!", tools_of(Shop), [[]])]
    more = [*shop_tasks(), Task.of("more", "More!", tools_of(Shop), [[]])]
    hello = shop()
    hello.reset(options={"task_id": "hello"})
    for other, snapshot, why in [
        (Other(shop_tasks(), state=Shop), now, "its suite is toolgym.env:ToolEnv, not .*Other"),
        (shop(dialect="hermes"), now, "its dialect is toolrl, not hermes"),
        (shop(max_turns=3), now, "max_turns.* is .10, 64, 1000000., not .3"),
        (ToolEnv(shop_tasks()[1:], state=Shop), now, "other tasks: 'milk' is not one of"),
        (ToolEnv(changed, state=Shop), hello.snapshot(), "other tasks: 'hello' asks for something else"),
        (ToolEnv(more, state=Shop), now, "other tasks: 'milk' is the same, but they are not"),
    ]:
        other.reset(seed=1)
        before = other.snapshot()
        for each in (snapshot, pickle.loads(pickle.dumps(snapshot))):
            with pytest.raises(SnapshotError, match=why):
                other.restore(each)
        assert other.snapshot() == before
    with pytest.raises(TypeError, match="takes a snapshot, got dict"):
        env.restore({})
    with pytest.raises(ResetNeeded):
        shop().snapshot()
    with pytest.raises(ResetNeeded):
        shop().fork()


def test_a_snapshot_cannot_be_changed():
    env = shop()
    env.reset(options={"task_id": "milk"})
    snapshot = env.snapshot()
    with pytest.raises(AttributeError):
        snapshot.over = True
    with pytest.raises(TypeError):
        snapshot.messages[0]["content"] = "x"
    digest = snapshot.digest
    env.step(MILK)
    env.restore(snapshot)
    env.step(EGGS)
    again = Snapshot(**{name: getattr(snapshot, name) for name in Snapshot.__struct_fields__})
    assert again.digest == digest, "the digest, computed anew after all that, is that of the state at the time"


def test_every_part_of_the_state_is_in_the_digest():
    def after(texts, fail=False, **kwargs):
        env = shop(**kwargs)
        env.reset(seed=1, options={"task_id": "milk"})
        for text in texts:
            env.step(text)
        if fail:
            env.fail("x")
        return env.snapshot().digest

    assert after([MILK]) == after([MILK])
    others = [after([]), after([EGGS]), after([MILK, MILK]), after([MILK], fail=True), after([MILK], max_turns=3),
              after([MILK], rubric="toolrl-reference", dialect="toolrl", max_calls=3)]  # fmt: skip
    assert len({after([MILK]), *others}) == len(others) + 1
    env, hidden = shop(), shop()
    for each in (env, hidden):
        each.reset(options={"task_id": "milk"})
    assert env.snapshot() == hidden.snapshot()
    hidden.state.cart["secret"] = 1
    assert env.snapshot() != hidden.snapshot()
    env.np_random  # noqa: B018  makes a stream from entropy, from which the next tasks will come
    hidden.state.cart.clear()
    assert env.snapshot() != hidden.snapshot()


class Counting(Shop):
    """A state that copies itself."""

    copies = 0

    def __deepcopy__(self, memo):
        Counting.copies += 1
        new = Counting()
        new.cart = dict(self.cart)
        return new


def test_a_state_may_say_how_it_is_copied():
    env = ToolEnv(shop_tasks(), state=Counting)
    env.reset(options={"task_id": "milk"})
    env.step(MILK)
    (fork,) = env.fork()
    assert Counting.copies == 2
    fork.step(MILK)
    assert (env.state.cart, fork.state.cart) == ({"milk": 2}, {"milk": 4})


LATE = Tool("late", "Offered later.", function=lambda: "here I am", timeout=None)


class Moody(ToolEnv):
    """A suite that keeps something of its own, and offers another tool midway."""

    def start(self, task):
        super().start(task)
        self.mood = [0]

    def reply(self, completion, records):
        self.mood[0] += 1
        self.offer((*self.task.tools, LATE))
        return (message("user", f"mood {self.mood[0]}"),)

    def finished(self, completion):
        return False

    def save_state(self):
        return super().save_state(), list(self.mood)

    def load_state(self, saved):
        super().load_state(saved[0])
        self.mood = list(saved[1])


class Finding(Moody):
    def find_tools(self, names):
        return (*super().find_tools([name for name in names if name != "late"]), LATE)


def test_a_suite_with_more_state_has_two_hooks():
    env = Moody(shop_tasks(), state=Shop)
    env.reset(options={"task_id": "milk"})
    env.step(MILK)
    env.step(MILK)
    snapshot, (fork,) = env.snapshot(), env.fork()
    assert "mood 3" in fork.step(EGGS)[0].messages[-1]["content"]
    assert "mood 3" in env.step(EGGS)[0].messages[-1]["content"]
    fresh = Moody(shop_tasks(), state=Shop)
    fresh.restore(snapshot)
    assert "late" in [each["function"]["name"] for each in fresh.observe().tools]
    assert "here I am" in repr(fresh.step(calling(("late", {}))))


def test_tools_offered_midway_are_found_again_after_pickling():
    for cls in (Moody, Finding):
        env = cls(shop_tasks(), state=Shop)
        env.reset(options={"task_id": "milk"})
        env.step(MILK)
        snapshot = pickle.loads(pickle.dumps(env.snapshot()))
        other = cls(shop_tasks(), state=Shop)
        if cls is Moody:
            with pytest.raises(SnapshotError, match="offers no 'late'; Moody needs its own find_tools"):
                other.restore(snapshot)
            with pytest.raises(ResetNeeded):
                other.step(MILK)
        else:
            assert other.restore(snapshot) == env.observe()
            assert play(other, [MILK, calling(("late", {}))]) == play(env, [MILK, calling(("late", {}))])


class NoRepeats:
    """A rubric that remembers: a text earns 1 the first time."""

    def __init__(self):
        self.seen = []
        self.rubric = Rubric([("new", lambda evidence: float(evidence.completion.text not in self.seen), 1.0)])

    def score(self, evidence):
        scores = self.rubric.score(evidence)
        self.seen = [*self.seen, evidence.completion.text]
        return scores

    def set_step(self, step):
        pass

    def __copy__(self):
        return NoRepeats()

    def save_state(self):
        return tuple(self.seen)

    def load_state(self, saved):
        self.seen = list(saved)


def test_a_rubric_that_remembers_is_part_of_the_state():
    env = shop(rubric=NoRepeats())
    env.reset(options={"task_id": "milk"})
    assert env.step(MILK)[1] == 1.0
    before, (fork,) = env.snapshot(), env.fork()
    assert fork.step(EGGS)[1] == 1.0
    assert (env.step(EGGS)[1], env.step(EGGS)[1]) == (1.0, 0.0)
    env.restore(before)
    assert (env.step(EGGS)[1], env.step(MILK)[1]) == (1.0, 0.0)
    other = shop(rubric=NoRepeats())
    other.restore(pickle.loads(pickle.dumps(before)))
    assert other.step(MILK)[1] == 0.0


@pytest.mark.parametrize("env_id", ["ToolGym-Office-v0", "ToolGym-Math-v0"])
def test_suites_that_add_terms_to_a_rubric_let_it_remember(env_id):
    def is_new(env, text):
        return {term.name: term.score for term in env.step(text)[4]["reward"].terms}["new"]

    env = gym.make(env_id, rubric=NoRepeats()).unwrapped
    env.reset(seed=0)
    first, second = calling(("first", {})), calling(("second", {}))
    assert is_new(env, first)
    before, (fork,) = env.snapshot(), env.fork()
    assert is_new(env, second)
    assert (is_new(fork, first), is_new(fork, second)) == (0, 1)
    env.restore(before)
    assert (is_new(env, first), is_new(env, second)) == (0, 1)


class Locked(Shop):
    def __init__(self):
        super().__init__()
        self.lock = Lock()


class Scripted:
    """Copies, but has nothing that a digest could be made of."""

    def __init__(self):
        self.rows = (i for i in range(3))

    def __deepcopy__(self, memo):
        return Scripted()

    @tool(timeout=None)
    def next(self) -> int:
        """The next one."""
        return next(self.rows)


def test_a_state_that_cannot_be_kept_is_a_clear_error():
    env = ToolEnv(shop_tasks(), state=Locked)
    env.reset(seed=0)
    with pytest.raises(SnapshotError, match=r"lock.*give its class a __deepcopy__, or override save_state"):
        env.snapshot()
    tasks = [Task.of("a", "Next!", tools_of(Scripted), [[ToolCall("next", {})]])]
    env = ToolEnv(tasks, state=Scripted)
    env.reset(seed=0)
    env.fork()
    with pytest.raises(SnapshotError, match=r"has no digest.*generator"):
        _ = env.snapshot().digest


def test_a_call_that_waits_is_no_obstacle():
    class Slow(Shop):
        @tool(timeout=5)
        def add(self, item: str, quantity: int = 1) -> dict[str, int]:
            """Put an item in the cart."""
            self.cart[item] = self.cart.get(item, 0) + quantity
            return self.cart

    tasks = [Task.of("milk", "Milk!", tools_of(Slow), [[ToolCall("add", {"item": "milk"})]])]
    env = ToolEnv(tasks, state=Slow)
    env.reset(seed=0)
    env.step(MILK)
    one, two = env.fork(2)
    assert not one.runs_inline
    assert one.step(EGGS)[0] == two.step(EGGS)[0]
    assert env.state.cart == {"milk": 2}
