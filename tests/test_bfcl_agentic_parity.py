"""Agentic episodes equal those of the official harness: results, prompts, snapshot files, verdicts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import bfcl_agentic_calls as calls
import bfcl_agentic_oracle as oracle
import pytest
from bfcl_vectors_oracle import Exact

from toolgym.envs.bfcl.agentic.checker import check
from toolgym.envs.bfcl.agentic.env import AgenticEnv
from toolgym.envs.bfcl.agentic.memories import EMPTY
from toolgym.envs.bfcl.agentic.rows import SCENARIOS, conversations, questions
from toolgym.envs.bfcl.agentic.tasks import MEMORY
from toolgym.envs.bfcl.apis.memory import BM25Plus
from toolgym.envs.bfcl.apis.vectors import Embeddings, embedding
from toolgym.envs.bfcl.dialogue.dialogue import Dialogue, Entry

SESSIONS, CALLS = 60, 80
EMBEDDINGS = Embeddings(Exact())


def dialogue(category: str) -> Dialogue:
    name = f"MemoryAPI_{category.removeprefix('memory_')}"
    return Dialogue(Entry("x", category, (name,), b"{}", ((),)))


@pytest.mark.parametrize("category", MEMORY)
def test_results_of_random_calls_read_as_officially(category: str, tmp_path: Path) -> None:
    """Compares the results of function calls only: for other text, the official error has Python's wording."""
    compared = errors = 0
    texts = Counter[str]()
    for session in range(SESSIONS):
        random = Random(f"{category}{session}")
        made = [calls.call(random, category) for _ in range(CALLS)]
        ours = dialogue(category)
        for call, official in zip(made, oracle.results(category, made, tmp_path), strict=True):
            with embedding(EMBEDDINGS):
                result = ours.execute(call)
            ours.end_step()
            ours.over, ours.steps = False, 0
            if "_instance" in official or "no_such_function" in official:
                continue
            assert result == official, (session, call)
            compared += 1
            errors += official.startswith("Error during execution")
            texts[official] += 1
    assert compared > 0.9 * SESSIONS * CALLS
    assert errors > 100
    expected = {
        "memory_kv": "is full,too long,must be unique,snake_case,not found,division by zero,ranked_results",
        "memory_vector": "length exceeds,size exceeds,not present in store,removed,updated,cleared,similarity_score",
        "memory_rec_sum": "too long after appending,too long after updating,not found",
    }
    for said in expected[category].split(","):
        assert any(said in text for text in texts), said


def test_keys_are_ranked_as_by_rank_bm25_to_the_bit() -> None:
    from rank_bm25 import BM25Plus as Official

    words = [f"w{i}" for i in range(12)]
    for seed in range(2_000):
        random = Random(seed)
        texts = [random.choices(words, k=random.randint(1, 7)) for _ in range(random.randint(1, 50))]
        query = random.choices([*words, "gone"], k=random.randint(0, 9))
        assert BM25Plus(texts).get_scores(query) == Official(texts).get_scores(query).tolist()


def scripted(env: AgenticEnv, seed: str) -> Any:
    """A model whose text depends only on the messages."""

    def model(messages: Any) -> str:
        category = env.task.data.category.removesuffix("_prereq")
        question = env.task.data.question
        random = Random(f"{seed}{len(messages)}{messages[-1]['content'][-200:]}")
        return calls.text(random, category, question.answers if question else ("Michael",))

    return model


@pytest.mark.parametrize("category", MEMORY)
def test_a_run_is_the_official_one_from_the_first_conversation_to_the_last_verdict(
    category: str, tmp_path: Path
) -> None:
    """All 37 conversations, each with the memory of the conversation before, and then the questions."""
    harness = oracle.entries(category, tmp_path / "harness")
    official_folder = tmp_path / "harness" / "agentic" / "memory"
    env = AgenticEnv(f"{category}_prereq,{category}", memory=tmp_path / "ours", dialect="pythonic", encoder=Exact())
    seen = Counter[Any]()
    for task in env.tasks[:37] + env.tasks[37::3]:
        entry = harness[task.id]
        model = scripted(env, category)
        observation, _ = env.reset(options={"task_id": task.id})
        shown = []
        while not env.over:
            shown.append([(m["role"], m["content"]) for m in observation["messages"]])
            observation, *_, info = env.step(model(observation["messages"]))
            assert info["reward_valid"], info
        texts, messages = oracle.play(entry, model)
        assert [[(m["role"], m["content"]) for m in each] for each in messages] == shown, task.id
        if env.task.data.question is not None:
            official = oracle.verdict(texts, list(env.task.data.question.answers))
            assert (info["success"], info["error_type"]) == official, task.id
            seen[official] += 1
        elif task.id.endswith("-5"):  # a late conversation: count whether its memory has any text
            seen["text" if any(env.state.memory().values()) else "empty"] += 1
    if category == "memory_vector":  # a memory made with another encoder is kept apart from official memories
        (tmp_path / "ours" / "vector_exact").rename(tmp_path / "ours" / "vector")
    ours = sorted(path.relative_to(tmp_path / "ours") for path in (tmp_path / "ours").rglob("*.json"))
    assert ours == sorted(path.relative_to(official_folder) for path in official_folder.rglob("*.json"))
    assert len(ours) == 37 + len(SCENARIOS)
    for name in ours:
        assert (tmp_path / "ours" / name).read_bytes() == (official_folder / name).read_bytes()
    assert seen[True, None] > 5
    assert seen[False, "agentic:answer_not_found"] > 5


def test_mutated_answers_get_the_official_verdict() -> None:
    seen = Counter[Any]()
    for kind in ("memory", "web_search"):
        for question in questions(kind):
            for i in range(40):
                random = Random(f"{question.id}{i}")
                text = calls.mutated(random, random.choice(question.answers))
                if not text:  # to the harness, an empty text is not a message
                    continue
                official = oracle.checker.agentic_checker(text, list(question.answers))
                ours = check(text, question.answers)
                assert (ours.success, ours.error_type) == (official["valid"], official.get("error_type")), text
                seen[ours.success] += 1
    assert seen.total() > 10_000
    assert min(seen.values()) > 2_000


@pytest.mark.parametrize("dialect", ["pythonic", "openai"])
def test_the_last_text_that_calls_nothing_is_what_is_judged(dialect: str) -> None:
    env = AgenticEnv("agentic", dialect=dialect)
    seen = Counter[Any]()
    for task in env.tasks[::2]:
        random = Random(task.id)
        env.reset(options={"task_id": task.id})
        answers, texts = list(task.data.question.answers), []
        category = "memory_rec_sum" if "rec" in task.id else "memory_kv"
        while not env.over:
            if random.random() < 0.1:
                text = calls.text(random, category, task.data.question.answers)
            else:
                text = f"[{calls.call(random, category)}]" if random.random() < 0.85 else "[]"
            if dialect == "openai":
                made = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
                call = text.startswith("[")
                content = None if call else text
                texts.append([{"f": "{}"}] if call else text)
                text = json.dumps({"role": "assistant", "content": content, **({"tool_calls": made} if call else {})})
            else:
                texts.append(text)
            *_, info = env.step(text)
        official = oracle.verdict([texts], answers, native=dialect == "openai")
        assert (info["success"], info["error_type"]) == official, (task.id, texts)
        seen[official] += 1
    assert len(seen) >= 3 - (dialect == "pythonic")


def test_the_harness_and_the_rows_agree_on_what_there_is(tmp_path: Path) -> None:
    for category in (*MEMORY, "web_search_base", "web_search_no_snippet"):
        memory = category in EMPTY
        env = AgenticEnv([category, f"{category}_prereq"] if memory else category, dialect="pythonic")
        official = oracle.entries(category, tmp_path)
        assert {task.id for task in env.tasks} == set(official)
        for task in env.tasks:
            said = [m["content"] for turn in official[task.id]["question"] for m in turn if m["role"] == "user"]
            assert [turn[-1]["content"] for turn in task.data.messages] == said
            assert [tool.doc for tool in task.tools] == official[task.id]["function"]
    assert sum(len(talk.messages) for scenario in SCENARIOS for talk in conversations(scenario)) == 323
