"""AgenticEnv: BFCL's questions from a memory or the web, played through the environment."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import bfcl_agentic_calls as calls
import pytest

from toolgym import evaluate
from toolgym.agents.scripted import Oracle
from toolgym.dialects import DIALECTS
from toolgym.envs.bfcl import aggregate
from toolgym.envs.bfcl.agentic import facts
from toolgym.envs.bfcl.agentic.env import AgenticEnv
from toolgym.envs.bfcl.agentic.memories import EMPTY, Folder, MissingMemory, Reference
from toolgym.envs.bfcl.agentic.rows import SCENARIOS, conversations, questions
from toolgym.envs.bfcl.agentic.tasks import CATEGORIES, DEFAULT, GROUPS, MEMORY, PREREQ
from toolgym.envs.bfcl.dialogue.dialogue import MAX_STEPS
from toolgym.replay import replay
from toolgym.types import Completion, ToolCall, Trajectory

BEST = 4.0
ID = "ToolGym-BFCL-Agentic-v0"


def act(env: AgenticEnv, *made: tuple[str, dict[str, Any]], says: str | None = None) -> str:
    return env.dialect.render(Completion("", tuple(ToolCall(*call) for call in made), "t", says))


# Rows --------------------------------------------------------------------------------------------


def test_every_category_has_its_rows() -> None:
    counts = {category: len(AgenticEnv(category).tasks) for category in CATEGORIES}
    assert counts == {
        "memory_kv": 155, "memory_vector": 155, "memory_rec_sum": 155, "web_search_base": 100,
        "web_search_no_snippet": 100, "memory_kv_prereq": 37, "memory_vector_prereq": 37, "memory_rec_sum_prereq": 37,
    }  # fmt: skip
    env = AgenticEnv("agentic,memory_prereq")
    assert len({task.id for task in env.tasks}) == 776
    assert AgenticEnv().categories == DEFAULT == ("memory_kv", "memory_rec_sum")
    assert len(AgenticEnv().tasks) == 310
    assert env.tasks.counts == counts  # type: ignore[attr-defined]
    assert (AgenticEnv("agentic").max_turns, env.max_turns) == (MAX_STEPS, 14 * MAX_STEPS)
    assert AgenticEnv(["web_search", "memory"]).categories == (*GROUPS["web_search"], *MEMORY)
    assert {question.scenario for question in questions("memory")} == set(SCENARIOS)


@pytest.mark.parametrize("category", ["", [], "memory_kv,simple_python", "multi_turn"])
def test_a_category_that_is_not_there_is_an_error_that_lists_those_that_are(category: Any) -> None:
    with pytest.raises(ValueError, match=r"memory_kv.*web_search_no_snippet.*agentic"):
        AgenticEnv(category)


def test_arguments_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="no encoder 'bert': there are minilm"):
        AgenticEnv("memory_vector", encoder="bert")
    with pytest.raises(TypeError, match=r"an object with encode\(texts\); got int"):
        AgenticEnv("memory_vector", encoder=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only the split 'test'"):
        AgenticEnv(split="train")
    with pytest.raises(ValueError, match="outcome"):
        AgenticEnv(outcome=-1)
    with pytest.raises(TypeError, match="memory must be a folder"):
        AgenticEnv(memory=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="replay, record, live"):
        AgenticEnv(web="on")  # type: ignore[arg-type]


# Gold --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_gold_passes_and_earns_the_most(dialect: str) -> None:
    env = AgenticEnv("agentic,memory_prereq", dialect=dialect)
    for task in env.tasks if dialect == "pythonic" else env.tasks[::3]:
        env.reset(options={"task_id": task.id})
        rewards = [env.step(text)[1] for text in env.gold(task)]
        *_, verdict = env.over, env.judge()
        assert env.over
        assert verdict.success, task.id
        assert sum(rewards) == BEST, task.id
        assert rewards[:-1] == [0.0] * (len(rewards) - 1)


@pytest.mark.parametrize("category", MEMORY)
def test_the_reference_memory_is_what_gold_makes_and_answers_every_question(category: str, tmp_path: Path) -> None:
    played = evaluate(ID, Oracle(), env_kwargs={"category": f"{category}_prereq", "memory": str(tmp_path)})
    assert all(episode.reward_valid and episode.success for episode in played)
    assert all("error" not in r.result.content for e in played for t in e.turns for r in t.reward.calls if r.result)
    reference, folder = Reference(), Folder(tmp_path)
    for scenario in SCENARIOS:
        for number in [*range(len(conversations(scenario))), None]:
            assert folder.before(category, scenario, number) == reference.before(category, scenario, number)
        last = len(conversations(scenario)) - 1
        assert facts.remembered(folder.before(category, scenario, None), scenario, last) == 1.0
        assert facts.remembered(EMPTY[category], scenario, last) == 0.0


# Memories ----------------------------------------------------------------------------------------


class Writer:
    """An agent that appends each message to a memory of one text, and answers with the whole memory."""

    concurrency = 4

    def act(self, observation: Any) -> str:
        system, last = observation["messages"][0]["content"], observation["messages"][-1]
        if "you must respond in this format" in system:
            memory = system.partition("from previous interactions:\n")[2]
            return f"<think>t</think>\n<response>{memory}</response>"
        if last["role"] == "user":
            text = json.dumps({"name": "memory_append", "parameters": {"text": last["content"][:120] + "\n"}})
            return f"<think>t</think>\n<tool_call>\n{text}\n</tool_call>"
        return "<think>t</think>\n<response>Noted.</response>"


def test_a_model_makes_its_memory_and_is_asked(tmp_path: Path) -> None:
    memory = str(tmp_path / "memory")
    kwargs = {"category": "memory_rec_sum_prereq", "memory": memory}
    talks = evaluate(ID, Writer(), env_kwargs=kwargs, out=tmp_path / "talks", batch_size=1)
    assert all(episode.reward_valid for episode in talks)
    assert {status.status for status in replay(tmp_path / "talks", trust=["memory"])} == {"same"}
    asked = evaluate(ID, Writer(), env_kwargs={"category": "memory_rec_sum", "memory": memory})
    passed = sum(episode.success is True for episode in asked)
    assert 20 < passed < 155
    assert {episode.category for episode in asked} == {"memory_rec_sum"}
    assert json.loads((tmp_path / "memory/rec_sum/memory_snapshot/student_final.json").read_text())["memory"]
    without = evaluate(ID, Writer(), env_kwargs={"category": "memory_rec_sum", "memory": "empty"})
    assert not any(episode.success for episode in without)
    scores = aggregate.summarize([*talks, *asked, *without])
    assert scores["categories"]["memory_rec_sum"] == {"accuracy": passed / 155, "n": 155}
    assert scores["categories"]["memory_rec_sum_empty"]["n"] == 155
    assert scores["categories"]["memory_rec_sum_prereq"]["n"] == 37


def test_without_the_memory_that_comes_before_an_episode_is_no_evidence(tmp_path: Path) -> None:
    env = AgenticEnv("memory_kv,memory_kv_prereq", memory=tmp_path)
    for task_id in ("memory_kv_0-customer-0", "memory_kv_prereq_1-customer-1"):
        env.reset(options={"task_id": task_id})
        *_, terminated, _, info = env.step(act(env, says="Michael"))
        assert terminated
        assert not info["reward_valid"]
        assert "memory_kv_prereq" in info["error"]
    assert not list(tmp_path.rglob("*.json"))
    first = env.find_task("memory_kv_prereq_0-customer-0")
    env.reset(options={"task_id": first.id})
    for text in env.gold(first):
        *_, info = env.step(text)
    assert info["reward_valid"]
    observation, _ = env.reset(options={"task_id": "memory_kv_prereq_1-customer-1"})
    assert facts.NOTE in observation["messages"][0]["content"]


def test_a_memory_is_never_overwritten_by_another(tmp_path: Path) -> None:
    env = AgenticEnv("memory_kv_prereq", memory=tmp_path)
    task = env.find_task("memory_kv_prereq_0-customer-0")

    def play(texts: Any) -> dict[str, Any]:
        env.reset(options={"task_id": task.id})
        for text in texts:
            *_, info = env.step(text)
        return info

    gold = env.gold(task)
    assert play(gold)["reward_valid"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert play(gold)["reward_valid"]
    info = play([act(env, says="Hm.")] * len(task.data.messages))
    assert not info["reward_valid"]
    assert "already holds another memory" in info["error"]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


@pytest.mark.parametrize("text", ["{", "[]", '{"core_memory": {}}', '{"core_memory": {"a": 1}, "archival_memory": {}}'])
def test_a_damaged_memory_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "kv/memory_snapshot/prereq_checkpoints/memory_kv_prereq_0-customer-0.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(MissingMemory, match=file.name):
        Folder(tmp_path).before("memory_kv", "customer", 1)


def test_what_is_kept_is_the_memory_in_any_unicode(tmp_path: Path) -> None:
    folder, talk = Folder(tmp_path), conversations("customer")[0]
    memory = {"core_memory": {"a": "é\ud800\x00"}, "archival_memory": {}}
    folder.keep("memory_kv", talk, memory)
    assert folder.before("memory_kv", "customer", 1) == memory
    env = AgenticEnv("memory_kv_prereq", memory=tmp_path)
    env.reset(options={"task_id": "memory_kv_prereq_1-customer-1"})
    *_, info = env.step(act(env, ("core_memory_retrieve", {"key": "a"})))
    assert json.loads(info["calls"][0].result.content) == {"value": memory["core_memory"]["a"]}


# Episodes ----------------------------------------------------------------------------------------


def test_the_reward_pays_at_the_end_and_costs_what_is_wrong_on_the_way() -> None:
    env = AgenticEnv("memory_kv")
    find, wrong = ("archival_memory_list_keys", {}), ("archival_memory_list_keys", {"x": 1})

    def play(*texts: str) -> list[float]:
        env.reset(options={"task_id": "memory_kv_0-customer-0"})
        return [env.step(text)[1] for text in texts]

    right, bad = act(env, says="Michael"), act(env, says="Joe")
    assert play(right) == [BEST]
    assert play(*[act(env, find)] * 5, right) == [0.0] * 5 + [BEST]
    assert play(bad) == [BEST - 6]
    assert play(act(env, wrong), right) == [-1.0, BEST]
    assert play(act(env, ("nothing", {})), right)[0] <= -1
    never = play(*[act(env, find)] * MAX_STEPS)
    assert env.over
    assert env.judge().error_type == "agentic:no_last_message"
    assert sum(never) < BEST - 6
    assert play("no layout, but Michael")[0] < BEST


def test_the_end_of_a_conversation_pays_for_what_the_memory_has() -> None:
    env = AgenticEnv("memory_rec_sum_prereq")
    task = env.find_task("memory_rec_sum_prereq_0-customer-0")
    known = [fact for fact in facts.facts("customer") if fact.conversation == 0]
    texts = [act(env, ("memory_append", {"text": known[0].text})), *[act(env, says="Ok.")] * len(task.data.messages)]
    env.reset(options={"task_id": task.id})
    for text in texts:
        _, reward, *_, info = env.step(text)
    assert 0 < info["remembered"] < 1
    assert reward == pytest.approx(BEST - 6 * (1 - info["remembered"]))
    assert not info["success"]
    assert info["verdict"].startswith("the memory lacks")
    *others, last = env.gold(task)
    env.reset(options={"task_id": task.id})
    for text in (*others, last):
        *_, info = env.step(text)
    assert (info["success"], info["remembered"]) == (True, 1.0)


@pytest.mark.parametrize("category", PREREQ)
def test_who_remembers_nothing_passes_no_conversation(category: str, tmp_path: Path) -> None:
    for task in (env := AgenticEnv(category, memory=tmp_path)).tasks:
        env.reset(options={"task_id": task.id})
        while not env.over:
            *_, info = env.step(act(env, says="Noted."))
        assert info["reward_valid"]
        assert info["success"] == (info["remembered"] == 1), task.id
        assert not info["success"], (task.id, info)


def test_a_conversation_cut_off_by_the_official_limit_leaves_its_memory(tmp_path: Path) -> None:
    env = AgenticEnv("memory_rec_sum_prereq", memory=tmp_path)
    env.reset(options={"task_id": "memory_rec_sum_prereq_0-customer-0"})
    for _ in range(MAX_STEPS):
        *_, terminated, _, info = env.step(act(env, ("memory_append", {"text": "x"})))
    assert terminated
    assert (info["success"], info["reward_valid"]) == (False, True)
    assert Folder(tmp_path).before("memory_rec_sum", "customer", 1) == {"memory": "x" * MAX_STEPS}


@pytest.mark.parametrize("category", [*MEMORY, *PREREQ])
def test_forks_do_not_share_a_memory(category: str) -> None:
    env = AgenticEnv(category, memory="empty")
    env.reset(seed=1)
    one, two = env.fork(2)
    write = ("core_memory_add", {"key": "a", "value": "b"}) if "kv" in category else ("memory_update", {"text": "b"})
    one.step(act(env, write))
    assert one.snapshot().digest != two.snapshot().digest
    two.step(act(env, write))
    assert one.snapshot().digest == two.snapshot().digest
    assert env.state.memory() == EMPTY[category.removesuffix("_prereq")]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_calls_are_scored(dialect: str) -> None:
    env = AgenticEnv("agentic,memory_prereq", dialect=dialect)
    random = Random(dialect)
    for _ in range(60):
        env.reset(seed=random.randrange(10**6))
        for _ in range(6):
            if env.over:
                break
            kind = random.choice(MEMORY)
            text = calls.text(random, kind)
            if random.random() < 0.5:
                given = {"key": "a", "value": [1, {"x": None}], "query": 5, "k": {}}
                text = act(env, (random.choice(env.task.tools).name, given))
            _, reward, *_, info = env.step(text)
            assert reward == info["reward"].total


def test_calls_that_would_cost_much_are_refused() -> None:
    env = AgenticEnv("memory_rec_sum_prereq", memory="empty")
    env.reset(seed=0)
    began = perf_counter()
    env.step(act(env, ("memory_update", {"text": "x" * 9_999})))
    for new in ("y" * 10_000, "x" * 10_000):
        *_, info = env.step(act(env, ("memory_replace", {"old_text": "", "new_text": new})))
        assert "the memory would have more than" in info["calls"][0].result.content
    env = AgenticEnv("memory_rec_sum_prereq", memory="empty", dialect="pythonic")
    env.reset(seed=0)
    env.step(f"[memory_update(text={'x' * 9_999!r})]")
    many = ", ".join(["memory_retrieve(a=1)"] * 4_000)
    env.step(f"[memory_append(text=[{many}])]")
    env = AgenticEnv("memory_kv_prereq", memory="empty")
    env.reset(seed=0)
    *_, info = env.step(act(env, ("core_memory_add", {"key": "a" * 100_000, "value": "x"})))
    assert "a key has at most" in info["calls"][0].result.content
    env.step(act(env, ("core_memory_add", {"key": "a", "value": "x"})))
    *_, info = env.step(act(env, ("core_memory_key_search", {"query": "a " * 200_000})))
    assert "a query has at most" in info["calls"][0].result.content
    assert perf_counter() - began < 5


# Scores ------------------------------------------------------------------------------------------


def test_overall_scores_are_complete_but_for_what_is_missing() -> None:
    everything = (*aggregate.COUNTS, *aggregate.MULTI_TURN, *aggregate.WEB_SEARCH, *aggregate.MEMORY)
    run = [
        Trajectory("x", f"{category}-{i}", (), success=i < 5, category=category)
        for category in everything
        for i in range(10)
        if category != "memory_vector"
    ]
    found = AgenticEnv.summarize(run)
    assert found["v3"]["overall"] == pytest.approx(0.5)
    assert found["v3"]["missing"] == []
    assert found["v4"]["missing"] == ["memory_vector"]
    assert found["v4"]["overall"] is None
    agentic = (0.5 + (0.5 + 0.0 + 0.5) / 3) / 2
    assert found["v4"]["overall_missing_as_zero"] == pytest.approx(0.6 * 0.5 + 0.4 * agentic)
    whole = [*run, *[Trajectory("x", f"v-{i}", (), success=i < 5, category="memory_vector") for i in range(10)]]
    assert AgenticEnv.summarize(whole)["v4"]["overall"] == pytest.approx(0.5)
    reference = [Trajectory("x", "y", (), success=True, category="memory_kv_reference")]
    assert "memory_kv" in AgenticEnv.summarize(reference)["v4"]["missing"]


def test_the_process_is_left_as_it_was() -> None:
    source = """
import sys, gymnasium as gym, toolgym
calls = {"memory_kv": "archival_memory_key_search(query='dog')", "memory_rec_sum": "memory_retrieve()",
         "memory_vector": "archival_memory_retrieve(query='dog')"}
for category, call in calls.items():
    env = gym.make("ToolGym-BFCL-Agentic-v0", category=category, dialect="pythonic", encoder="hashed")
    env.reset(seed=0)
    print(len(env.step(f"[{call}]")[4]["calls"][0].result.content) > 50)
gym.make("ToolGym-BFCL-Agentic-v0", category="web_search").reset(seed=0)
private = ("torch", "faiss", "sentence_", "bfcl_eval", "rank_bm25", "overrides", "requests", "serpapi", "bs4",
           "html2text")
print([name for name in sys.modules if name.startswith(private)])
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "True", "True", "[]"], done.stderr
