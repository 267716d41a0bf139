"""BFCL's memory_vector: searching by meaning, the official sentence model, encoders of one's own."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import numpy as np
import pytest
from bfcl_vectors_oracle import Exact

from toolgym import evaluate
from toolgym.agents.scripted import Oracle
from toolgym.envs.bfcl.agentic import facts
from toolgym.envs.bfcl.agentic.encoders import Hashed, get_encoder
from toolgym.envs.bfcl.agentic.env import AgenticEnv
from toolgym.envs.bfcl.agentic.memories import Folder, MissingMemory
from toolgym.envs.bfcl.agentic.minilm import MAX_PIECES, minilm, words
from toolgym.envs.bfcl.agentic.rows import SCENARIOS, conversations, questions
from toolgym.envs.bfcl.apis.vectors import Embeddings, TextIndex, embedding
from toolgym.envs.bfcl.apis.web import Unavailable
from toolgym.types import Completion, ToolCall

ID = "ToolGym-BFCL-Agentic-v0"


def act(env: AgenticEnv, name: str, **arguments: Any) -> str:
    return env.dialect.render(Completion("", (ToolCall(name, arguments),), "t"))


def result(env: AgenticEnv, name: str, **arguments: Any) -> Any:
    *_, info = env.step(act(env, name, **arguments))
    content = info["calls"][0].result.content
    return json.loads(content) if content.startswith("{") else content


def begun(**kwargs: Any) -> AgenticEnv:
    env = AgenticEnv("memory_vector", **{"encoder": "hashed", "memory": "empty", **kwargs})
    env.reset(seed=0)
    return env


# The functions ------------------------------------------------------------------------------------


def test_texts_are_added_found_changed_and_removed() -> None:
    env = begun()
    for i, text in enumerate(["The dog is called Rex.", "The user lives in Kyoto.", "The budget is 300 dollars."]):
        assert result(env, "archival_memory_add", text=text) == {"id": i}
    found = result(env, "archival_memory_retrieve", query="Which dog?", top_k=2)["result"]
    assert [each["id"] for each in found][:1] == [0]
    assert found[0]["similarity_score"] > found[1]["similarity_score"]
    assert result(env, "archival_memory_update", vec_id=0, new_text="A cat.") == {"status": "ID 0 updated."}
    assert result(env, "archival_memory_remove", vec_id=1) == {"status": "ID 1 removed from store."}
    assert result(env, "archival_memory_remove", vec_id=1) == {"error": "ID 1 not present in store."}
    kept = result(env, "archival_memory_retrieve_all")["result"]
    assert kept == [{"id": 0, "text": "A cat."}, {"id": 2, "text": "The budget is 300 dollars."}]
    assert result(env, "archival_memory_clear") == {"status": "Memory cleared."}
    assert result(env, "archival_memory_retrieve", query="dog") == {"result": []}


def test_a_search_is_the_exact_one() -> None:
    vectors, index = Embeddings(Exact()), TextIndex()
    for i in range(50):
        index.add_with_ids([f"text {i}"], [i])
    with embedding(vectors):
        for seed in range(100):
            query, k = f"query {seed}", Random(seed).randint(1, 50)
            scores, ids = index.search([query], k)
            every = sorted(
                (float(vectors.vector(f"text {i}") @ vectors.vector(query)) for i in range(50)), reverse=True
            )
            assert scores[0] == every[:k]
            assert len(set(ids[0])) == k


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"query": "x", "top_k": 0}, "Error during execution: "),
        ({"query": "x", "top_k": None}, "'<' not supported between instances of 'int' and 'NoneType'"),
        ({"query": []}, "not enough values to unpack (expected 2, got 1)"),
        ({"query": "\ud800"}, "TextEncodeInput must be Union"),
        ({"query": "x" * 200_000}, "a text has at most 100,000 characters"),
    ],
)
def test_odd_arguments_are_answered_with_an_error(arguments: dict[str, Any], said: str) -> None:
    env = begun()
    result(env, "core_memory_add", text="a")
    result(env, "core_memory_add", text="b")
    answer = result(env, "core_memory_retrieve", **arguments)
    assert isinstance(answer, str)
    assert said in answer


def test_calls_inside_calls_cannot_make_a_huge_memory() -> None:
    env = begun(dialect="pythonic")
    began = process_time()
    refused = 0
    env.step("[archival_memory_add(text='x')]")
    for _ in range(19):
        *_, info = env.step("[archival_memory_add(text=archival_memory_retrieve(query='x', top_k=50))]")
        refused += "a text has at most" in info["calls"][0].result.content
    assert refused > 5
    assert len(json.dumps(env.state.memory())) < 200_000
    assert process_time() - began < 5


def test_forks_and_snapshots_take_the_memory_along_and_hold_no_arrays() -> None:
    env = begun()
    result(env, "core_memory_add", text="The dog is called Rex.")
    snapshot = pickle.loads(pickle.dumps(env.snapshot()))
    assert b"numpy" not in pickle.dumps(env.snapshot().state)
    (fork,) = env.fork()
    result(env, "core_memory_clear")
    other = begun()
    other.restore(snapshot)
    for each in (fork, other):
        assert result(each, "core_memory_retrieve", query="dog")["result"][0]["text"] == "The dog is called Rex."
    assert result(env, "core_memory_retrieve", query="dog") == {"result": []}


# Memories -----------------------------------------------------------------------------------------


def test_the_reference_memory_answers_every_question(tmp_path: Path) -> None:
    for scenario in SCENARIOS:
        last = len(conversations(scenario)) - 1
        assert facts.remembered(facts.memory("memory_vector", scenario, None), scenario, last) == 1.0
    kwargs = {"category": "memory_vector_prereq", "memory": str(tmp_path), "encoder": "hashed"}
    assert all(episode.success for episode in evaluate(ID, Oracle(), env_kwargs=kwargs))
    asked = {**kwargs, "category": "memory_vector"}
    assert all(each.success for each in evaluate(ID, Oracle(), n=30, env_kwargs=asked))
    assert [path.name for path in tmp_path.iterdir()] == ["vector_hashed"]
    env = AgenticEnv("memory_vector", memory=tmp_path)
    env.reset(seed=0)
    *_, info = env.step("x")
    assert info["reward_valid"] is False  # with the official model, this memory is not the model's own


@pytest.mark.parametrize(
    "content",
    [
        "{}", "[]", "5", '{"core_memory": {}, "archival_memory": {}}',
        '{"core_memory": {"next_id": 0, "store": {}}, "archival_memory": {"next_id": "0", "store": {}}}',
        '{"core_memory": {"next_id": 0, "store": {}}, "archival_memory": {"next_id": true, "store": {}}}',
        '{"core_memory": {"next_id": 0, "store": {}}, "archival_memory": {"next_id": 0, "store": []}}',
        '{"core_memory": {"next_id": 1, "store": {"a": "x"}}, "archival_memory": {"next_id": 0, "store": {}}}',
        '{"core_memory": {"next_id": 1, "store": {"0": 5}}, "archival_memory": {"next_id": 0, "store": {}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_not_such_a_memory_is_named(content: str, tmp_path: Path) -> None:
    first = conversations("student")[0]
    folder = Folder(tmp_path)
    folder.keep("memory_vector", first, facts.memory("memory_vector", "student", 1))
    path = next(tmp_path.rglob("prereq_checkpoints/*.json"))
    assert "vector" in path.parts
    folder.before("memory_vector", "student", 1)
    path.write_text(content)
    with pytest.raises(MissingMemory, match=r"holds no memory_vector|is not a snapshot of memory_vector"):
        folder.before("memory_vector", "student", 1)


# Encoders -----------------------------------------------------------------------------------------


class Broken:
    name = "broken"

    def encode(self, texts: list[str]) -> Any:
        raise ConnectionError("the server is down")


class Flat:
    def encode(self, texts: list[str]) -> Any:
        return [0.0, 1.0]


class Named(Exact):
    def __init__(self, name: str):
        self.name = name


@pytest.mark.parametrize(("encoder", "said"), [(Broken(), "the server is down"), (Flat(), "of shape (1, dimensions)")])
def test_an_encoder_that_fails_is_not_the_models_fault(encoder: Any, said: str) -> None:
    env = begun(encoder=encoder)
    result(env, "core_memory_add", text="a")
    *_, info = env.step(act(env, "core_memory_retrieve", query="a"))
    assert info["reward_valid"] is False
    assert said in info["error"]


@pytest.mark.parametrize(
    ("memory", "encoder", "label", "named"),
    [
        ("reference", "minilm", "memory_vector_reference", "minilm"),
        ("reference", "hashed", "memory_vector_reference_hashed", "hashed"),
        ("empty", Exact(), "memory_vector_empty_exact", "exact"),
        ("empty", Flat(), "memory_vector_empty_Flat", "Flat"),
        ("empty", Named("../a b/é"), "memory_vector_empty__a_b_é", "_a_b_é"),
    ],
)
def test_scores_say_what_is_not_official(memory: str, encoder: Any, label: str, named: str) -> None:
    env = AgenticEnv("memory_vector", memory=memory, encoder=encoder)
    _, info = env.reset(seed=0)
    assert (info["category"], info["encoder"]) == (label, named)


def test_an_official_run_has_the_official_name_and_other_categories_no_encoder(tmp_path: Path) -> None:
    env = AgenticEnv("memory_vector_prereq,memory_kv", memory=tmp_path)
    labels = {}
    for task in (env.tasks[0], env.tasks[-1]):
        _, info = env.reset(options={"task_id": task.id})
        labels[info["category"]] = info["encoder"]
    assert labels == {"memory_vector_prereq": "minilm", "memory_kv": None}


def test_a_vector_is_computed_once_and_the_store_of_vectors_is_bounded() -> None:
    class Counting(Exact):
        asked = 0

        def encode(self, texts: list[str]) -> Any:
            Counting.asked += len(texts)
            return super().encode(texts)

    vectors = Embeddings(Counting())
    for i in range(2_500):
        vectors.vector(f"{i}")
    assert vectors.vector("2499") is vectors.vector("2499")
    assert Counting.asked == 2_500
    assert len(vectors._kept) == 2_000
    assert np.linalg.norm(vectors.vector("0")) == 1


def test_hashed_vectors_are_the_same_everywhere() -> None:
    (row,) = Hashed().encode(["The dog, the DOG!"])
    assert (row != 0).sum() == 10
    assert float(row @ Hashed().encode(["dog"])[0]) > 0
    assert not Hashed().encode([""]).any()
    with embedding(get_encoder("hashed", needed=True)):
        index = TextIndex()
        index.add_with_ids([""], [0])
        assert index.search([""], 1) == ([[0.0]], [[0]])


def test_the_official_model_is_not_loaded_for_other_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolgym.envs.bfcl.agentic.encoders.fetch", lambda name: pytest.fail("a download"))
    AgenticEnv().reset(seed=0)
    with pytest.raises(pytest.fail.Exception):
        AgenticEnv("memory_vector")


def test_a_missing_model_is_an_infrastructure_failure_not_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Any:
        raise OSError("no such file")

    monkeypatch.setattr("toolgym.envs.bfcl.agentic.encoders.minilm", gone)
    with pytest.raises(Unavailable, match="no such file"):
        Embeddings(get_encoder("minilm", needed=False).encoder).vector("x")


# The official model -------------------------------------------------------------------------------

ODD = ["", "é à ü ß", "漢字 kanji", "a" * 120, "don't stop-believing!!", "😀🥰", "naïve café", "100$ 5€",
       "word " * 400, "\x00\x07\ufffd", "a\u200bb", "İI", "हिन्दी", "½ ² ™", "\u00a0\u2003",
       "[SEP] [CLS] [UNK]", "snake_case x²"]  # fmt: skip


@pytest.mark.model
def test_the_sentence_model_gives_the_numbers_of_its_page() -> None:
    one, _ = minilm().encode(["This is an example sentence", "Each sentence is converted"])
    assert one[:6] == pytest.approx([0.0676569, 0.0634959, 0.0487131, 0.0793049, 0.0374480, 0.0026528], abs=1e-6)
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-6)


@pytest.mark.model
def test_the_sentence_model_equals_bert_of_transformers() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    model = minilm()
    config = transformers.BertConfig(hidden_size=384, num_hidden_layers=6, intermediate_size=1536)
    bert = transformers.BertModel(config).eval()
    weights = {name: torch.from_numpy(array.copy()) for name, array in model.weights.items()}
    missing = bert.load_state_dict(weights, strict=False)
    assert not missing.missing_keys
    for text in [*ODD[::3], *[question.text for question in questions("memory")[::40]]]:
        with torch.no_grad():
            mean = bert(input_ids=torch.tensor([model.pieces(text)])).last_hidden_state[0].mean(0)
        assert np.abs((mean / mean.norm()).numpy() - model.encode([text])[0]).max() < 2e-6
    torch.set_num_threads(threads)


@pytest.mark.model
def test_word_pieces_are_those_of_the_official_tokenizer() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    model = minilm()
    official = tokenizers.Tokenizer(WordPiece(dict(model.vocabulary), unk_token="[UNK]", max_input_chars_per_word=100))
    official.normalizer, official.pre_tokenizer = BertNormalizer(lowercase=True), BertPreTokenizer()
    random = Random(0)
    alphabet = "abcXYZ019 .,-'_#$&é\u0301漢ーßИאب😀\u00ad\t\n"
    texts = [*ODD[:15], *["".join(random.choices(alphabet, k=30)) for _ in range(300)]]
    texts += [talk for scenario in SCENARIOS for each in conversations(scenario) for talk in each.messages]
    for text in texts:
        ids = official.encode(text).ids[: MAX_PIECES - 2]
        assert model.pieces(text)[1:-1] == ids, text


def test_words_of_hostile_text_take_linear_time() -> None:
    began = process_time()
    for text in ("a" * 100_000, "." * 100_000, "\u0301" * 100_000, "漢" * 100_000):
        sum(1 for _ in words(text))
    assert process_time() - began < 5
