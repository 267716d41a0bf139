"""``toolgym score``: official result files get the official verdicts; inspect's logs and own runs are scored too."""

from __future__ import annotations

import json
import zipfile
from random import Random

import bfcl_multi_turn_mutations as dialogues
import bfcl_multi_turn_oracle
import bfcl_mutations as mutations
import bfcl_results_oracle as oracle
import gymnasium as gym
import pytest

from toolgym import evaluate
from toolgym.agents.scripted import Oracle
from toolgym.cli.main import main
from toolgym.envs.bfcl.multi_turn.tasks import answers
from toolgym.envs.bfcl.results.decoding import form_of
from toolgym.envs.bfcl.results.scoring import score_results
from toolgym.envs.bfcl.results.verdicts import accepted
from toolgym.envs.bfcl.tasks import load
from toolgym.runlog import read_episodes
from toolgym.scoring.inspect_log import read_log, score_log

FC = "gpt-4o-2024-11-20-FC"
"""A model of the harness's list: native, with "_" in place of "."."""
GARBLED = [
    "",
    "[",
    "Sure, I can help.",
    "Error during inference: timeout",
    "```python\n[f()]\n```",
    "[f(1)]",
    None,
    3,
    [],
]
NATIVE_GARBLED = [
    None,
    "",
    "I cannot.",
    [],
    [{}],
    [{"f": "{bad"}],
    [{"f": "[1]"}],
    [{"f": "{}", "g": "{}"}],
    ["x"],
    {"f": "{}"},
    [[{"f": "{}"}]],
    [{"f": None}],
]


def write(folder, model, category, rows):
    path = folder / model / "non_live" / f"BFCL_v4_{category}_result.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def agree(folder, category, rows, form, dotless):
    (scored,) = score_results([folder], form)
    ours = {each.task_id: (each.success, each.error_type) for each in scored.trajectories}
    official = oracle.evaluate(category, rows, form, dotless)
    assert scored.underscore_to_dot == dotless
    assert {name: (error is None, error) for name, error in official.items()} == ours
    return ours


CATEGORIES = [
    "simple_python",
    "simple_java",
    "simple_javascript",
    "multiple",
    "parallel",
    "parallel_multiple",
    "irrelevance",
    "live_simple",
    "live_irrelevance",
    "live_relevance",
]


@pytest.mark.parametrize("category", CATEGORIES)
def test_single_turn_result_files_get_the_official_verdicts(tmp_path, category):
    rows = {"prompted": [], "native": [], "tagged": []}
    for i, task in enumerate(load(category)[:48]):
        random, entry = Random(f"score {task.id}"), task.data
        calls = mutations.answer(entry, random) if entry.ground_truth else [{"f": {"a": 1}}] * random.randrange(2)
        if i % 3 == 1:
            calls = mutations.mutated(calls, entry, random) if entry.ground_truth else calls
        try:
            text = mutations.as_text(calls, random, entry.language)
            written = [{name: json.dumps(given) for name, given in call.items()} for call in calls]
            blocks = [json.dumps({"name": name, "arguments": given}) for call in calls for name, given in call.items()]
        except (TypeError, AttributeError, ValueError):
            text, written, blocks = "[]", [], []
        tags = "\n".join(f"<tool_call>\n{block}\n</tool_call>" for block in blocks)
        if i % 3 == 2:
            text, written = random.choice(GARBLED[:6]), random.choice(NATIVE_GARBLED)
            tags = random.choice(
                ["<tool_call>\n{\n</tool_call>", "words", '<tool_call>\n{"name": "f"}\n</tool_call>', ""]
            )
        elif i % 2:  # what such a model writes for a name with a dot
            written = [{name.replace(".", "_"): given for name, given in call.items()} for call in written]
        for form, result in (("prompted", text), ("native", written), ("tagged", tags)):
            rows[form].append({"id": task.id, "result": result, "latency": 0.5})
    for form, of_form in rows.items():
        model = FC if form == "native" else "some/model".replace("/", "_")
        write(tmp_path / form, model, category, of_form)
        ours = agree(tmp_path / form, category, of_form, form, form == "native")
        if category == "simple_python":
            assert {success for success, _ in ours.values()} == {True, False}


@pytest.mark.parametrize("category", ["multi_turn_base", "multi_turn_miss_func"])
def test_multi_turn_result_files_get_the_official_verdicts(tmp_path, category):
    prompted, native = [], []
    for i, (name, (row, gold)) in enumerate(list(bfcl_multi_turn_oracle.rows(category).items())[:30]):
        random = Random(f"score {name}")
        turns = dialogues.answer(gold, random)
        if i % 2:
            turns = dialogues.mutated(turns, row, random)
        steps = [[*(f"[{', '.join(step)}]" for step in turn), "Done."] for turn in turns]
        task = gym.make("ToolGym-BFCL-MultiTurn-v0", category=category).unwrapped.find_task(name)
        made = [[[{call.name: json.dumps(call.arguments)} for call in calls], "ok"] for calls in answers(task.data)]
        if i % 5 == 1:
            steps, made = steps[:-1], made[:-1]
        if i % 5 == 2:
            steps[0], made[0] = ["[", "", "no"], [[], "", "no", [{"ls": "{bad"}]]
        if i % 5 == 3:
            steps, made = "Error during inference: x", None
        prompted.append({"id": name, "result": steps})
        native.append({"id": name, "result": made})
    for form, rows, model in (("prompted", prompted, "mine"), ("native", native, FC)):
        write(tmp_path / form, model, category, rows)
        ours = agree(tmp_path / form, category, rows, form, form == "native")
        assert {success for success, _ in ours.values()} == {True, False}


def test_agentic_result_files_get_the_official_verdicts(tmp_path):
    category = "memory_kv"
    rows = []
    for i, (name, right) in enumerate(list(accepted(category).items())[:24]):
        call = "[core_memory_retrieve(key='a')]"
        said = [f"The answer is {right[0]}.", "I do not know.", f"{{'answer': '{right[0]}'}}", call, ""][i % 5]
        rows.append({"id": name, "result": [[call, said]] if i % 7 else ["x"] if i else "Error during inference: x"})
    write(tmp_path, "mine", category, rows)
    ours = agree(tmp_path, category, rows, "prompted", False)
    assert len(set(ours.values())) >= 4


def test_format_sensitivity_gets_the_official_verdicts(tmp_path):
    env = gym.make("ToolGym-BFCL-v0", category="format_sensitivity").unwrapped
    rows = []
    for i, task in enumerate(env.tasks[:156:3]):
        (gold,) = env.gold(task)
        text = [gold, gold.replace("1", "2"), f"Sure: {gold}", "", "<functions>"][i % 5]
        rows.append({"id": task.id, "result": text})
    write(tmp_path, "mine", "format_sensitivity", rows)
    agree(tmp_path, "format_sensitivity", rows, "prompted", False)


def test_what_is_odd_about_the_files_is_said(tmp_path):
    rows = [
        {"id": "simple_python_0", "result": "x"},
        {"id": "simple_python_0", "result": "[f()]"},
        {"id": "simple_python_9999", "result": "x"},
        {"id": "simple_0", "result": "x"},
        {"result": "x"},
        7,
        {"id": "simple_python_1", "result": "Error during inference: 503"},
    ]
    path = write(tmp_path, "mine", "simple_python", rows)
    path.write_text(path.read_text() + "{torn")
    (scored,) = score_results([path])
    told = "\n".join(scored.notes)
    assert "3 lines are not rows" in told
    assert "1 rows have the id of an earlier row: the last one counts" in told
    assert "simple_python_9999" in told
    assert "1 ids of the category 'simple' are not of BFCL v4" in told
    assert "simple_python 2 of 400" in told
    assert "1 answers are errors of the harness" in told
    assert len(scored.trajectories) == 2
    assert scored.trajectories[0].turns[0].action == "[f()]"


def test_files_of_one_model_that_overlap_count_each_id_once(tmp_path):
    rows = [{"id": f"irrelevance_{i}", "result": "No."} for i in range(3)]
    old = write(tmp_path, "mine", "irrelevance", rows)
    old.parent.with_name(old.name).write_text(json.dumps({"id": "irrelevance_1", "result": "[f()]"}))
    (scored,) = score_results([tmp_path, tmp_path / "." / "mine"])
    assert [each.task_id for each in scored.trajectories] == ["irrelevance_0", "irrelevance_1", "irrelevance_2"]
    assert "1 ids are in another file too" in "\n".join(scored.notes)


def test_copies_of_an_editor_are_not_a_model(tmp_path):
    path = write(tmp_path, "mine", "irrelevance", [{"id": "irrelevance_0", "result": "No."}])
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / path.name).write_text(path.read_text())
    assert [each.model for each in score_results([tmp_path])] == ["mine"]


def test_encodings_of_result_files(tmp_path):
    row = {"id": "irrelevance_0", "result": "Zürich"}
    path = write(tmp_path, "mine", "irrelevance", [])
    path.write_bytes(json.dumps(row, ensure_ascii=False).encode("utf-16"))
    (scored,) = score_results([path])
    assert scored.trajectories[0].turns[0].action == "Zürich"
    assert "UTF" not in "\n".join(scored.notes)
    path.write_bytes(json.dumps(row, ensure_ascii=False).encode("latin-1"))
    (scored,) = score_results([path])
    assert "bytes that are not UTF-8" in "\n".join(scored.notes)


@pytest.mark.parametrize(
    "call", [{"name": "f", "arguments": {}}, {"type": "function", "function": {"name": "f", "arguments": "{}"}}]
)
def test_calls_as_an_api_gives_them_are_named(tmp_path, call):
    (scored,) = score_results([write(tmp_path, "mine", "simple_python", [{"id": "simple_python_0", "result": [call]}])])
    assert "1 answers have calls as an API gives them" in "\n".join(scored.notes)


def test_a_file_of_any_name_is_read_by_its_ids(tmp_path):
    path = tmp_path / "my-answers.jsonl"
    rows = [{"id": "irrelevance_0", "result": "No."}, {"id": "live_irrelevance_0-0-0", "result": "[f()]"}]
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(rows).encode())
    (scored,) = score_results([path])
    assert scored.model == "my-answers"
    assert [(each.category, each.success) for each in scored.trajectories] == [
        ("irrelevance", True),
        ("live_irrelevance", False),
    ]


def test_two_models_of_one_name_are_told_apart(tmp_path):
    for run in ("first", "second"):
        write(tmp_path / run, "mine", "irrelevance", [{"id": "irrelevance_0", "result": "No."}])
    scored = score_results([tmp_path / "first", tmp_path / "second", tmp_path / "first" / "mine"])
    assert [len(each.trajectories) for each in scored] == [1, 1]
    assert [each.model for each in scored] == [f"mine ({tmp_path / run})" for run in ("first", "second")]


def test_any_answer_gets_a_verdict(tmp_path):
    odd = [
        None,
        0,
        True,
        "",
        "x",
        [],
        {},
        [[]],
        [{}],
        [[[]]],
        [None],
        {"f": 1},
        [{"f": None}],
        [{"f": {}}],
        [[{"f": "{}"}]],
        "\ud800",
        [["x", None, 3, {"f": "{}"}, [{"f": '{"a": 1e999}'}]]],
        "[f(a=" + "(" * 300 + ")]",
        "[" * 5000,
        [{"f": "[" * 5000}],
    ]
    ids = {
        "simple_python": "simple_python_{}",
        "irrelevance": "irrelevance_{}",
        "multi_turn_base": "multi_turn_base_{}",
    }
    agentic = list(accepted("web_search_base"))
    for category, name in {**ids, "web_search_base": ""}.items():
        rows = [{"id": name.format(i) or agentic[i], "result": each} for i, each in enumerate(odd)]
        write(tmp_path, "mine", category, rows)
    for form in ("prompted", "native", "tagged"):
        (scored,) = score_results([tmp_path], form)
        assert len(scored.trajectories) == 4 * len(odd)
        assert all(each.success is not None for each in scored.trajectories)


def test_results_of_another_version_are_refused(tmp_path):
    path = tmp_path / "BFCL_v3_simple_result.json"
    path.write_text('{"id": "simple_0", "result": ""}\n')
    with pytest.raises(ValueError, match="BFCL v3"):
        score_results([path])


def test_the_form_of_answers_is_found_out():
    assert form_of(["[f(a=1)]", ""]) == "prompted"
    assert form_of(["text", [{"f": "{}"}]]) == "native"
    assert form_of([[["<tool_call>\n{}\n</tool_call>"]]]) == "tagged"


def test_every_call_of_a_scored_answer_has_its_record(tmp_path):
    task = load("multiple")[0]
    (gold,) = gym.make("ToolGym-BFCL-v0", category="multiple", dialect="pythonic").unwrapped.gold(task)
    write(tmp_path, "mine", "multiple", [{"id": task.id, "result": gold}])
    (scored,) = score_results([tmp_path])
    (episode,) = scored.trajectories
    assert episode.turns[0].reward.calls[0].call.name in gold
    assert episode.reward == 4.0


# The command ------------------------------------------------------------------------------------


def test_the_command_prints_verdicts_and_the_leaderboards_scores(tmp_path, capsys):
    for model in ("one", "two"):
        rows = [{"id": task.id, "result": "No."} for task in load("irrelevance")]
        write(tmp_path / "result", model, "irrelevance", rows)
    page = tmp_path / "scores.html"
    assert main(["score", str(tmp_path / "result"), "--out", str(tmp_path / "out"), "--html", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "BFCL v4: the leaderboard's scores" in printed
    assert "5.00*" in printed  # a tenth of irrelevance, of which one of the two categories is there
    assert "irrelevance_0" in page.read_text("utf-8")
    assert len(read_episodes(tmp_path / "out" / "one")) == 240
    assert main(["score", str(tmp_path / "out" / "one")]) == 0  # a run of ours
    assert "5.00*" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "out" / "one"), str(tmp_path / "out" / "two")]) == 0


def test_the_command_says_what_it_can_score(tmp_path, capsys):
    (tmp_path / "notes.json").write_text("{}")
    assert main(["score", str(tmp_path / "notes.json")]) == 1
    assert "holds nothing to score" in capsys.readouterr().err
    assert main(["score", str(tmp_path / "missing")]) == 1


# Inspect ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--category", "irrelevance"], "--category is for logs"),
        (["--env-arg", "seed=1"], "--env-arg is for logs"),
        (["--env", "ToolGym-Office-v0"], "--env is for logs"),
    ],
)
def test_an_option_that_nothing_would_obey_is_refused(tmp_path, capsys, given, said):
    write(tmp_path / "result", "one", "irrelevance", [{"id": "irrelevance_0", "result": "No."}])
    assert main(["score", str(tmp_path / "result"), *given]) == 1
    assert said in capsys.readouterr().err


def log_of(tmp_path, native, samples=3, **about):
    dialect = "openai" if native else "hermes"
    env = gym.make("ToolGym-Office-v0", category="chain", split="val", dialect=dialect).unwrapped
    found = []
    for i in range(samples):
        task = env.tasks[i]
        env.reset(options={"task_id": task.id})
        messages = [{"role": "user", "content": "..."}]
        for text in env.gold(task):
            if native:
                message = json.loads(text)
                calls = [
                    {
                        "id": each["id"],
                        "type": "function",
                        "function": each["function"]["name"],
                        "arguments": json.loads(each["function"]["arguments"]),
                    }
                    for each in message.get("tool_calls", [])
                ]
                messages.append({"role": "assistant", "content": message["content"] or "", "tool_calls": calls})
            else:
                messages.append({"role": "assistant", "content": [{"type": "text", "text": text}]})
            env.step(text)
            messages.append({"role": "user", "content": "..."})
        found.append({"id": task.id, "epoch": 1, "messages": messages[: None if i else 2], "scores": {}})
    found.append({"id": "nobody", "epoch": 1, "messages": messages})
    found.append({"id": task.id, "epoch": 2, "messages": [], "error": {"message": "out of memory"}})
    log = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m/x", **about}, "samples": found}
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log))
    return path


@pytest.mark.parametrize("native", [True, False])
def test_a_log_of_inspect_is_played_and_scored(tmp_path, native):
    arguments = {"category": "chain", "split": "val"} | ({} if native else {"dialect": "hermes"})
    log = read_log(log_of(tmp_path, native, task_args={"env_id": "ToolGym-Office-v0", **arguments}))
    env_id, kwargs = log.env(None, {})
    assert kwargs == arguments | ({"dialect": "openai"} if native else {})
    found = score_log(log, gym.make(env_id, **kwargs).unwrapped, env_id)
    assert [each.success for each in found] == [False, True, True, None, None]
    assert [each.reward_valid for each in found] == [True, True, True, False, False]
    assert "did you mean" in found[3].error
    assert found[4].error == "out of memory"
    assert found[4].repeat == 1


def test_a_log_with_a_sample_twice_is_refused(tmp_path):
    path = log_of(tmp_path, False, task_args={"env_id": "ToolGym-Office-v0"})
    log = json.loads(path.read_text())
    log["samples"].append(log["samples"][0])
    path.write_text(json.dumps(log))
    with pytest.raises(ValueError, match="of epoch 1 is in it 2 times"):
        read_log(path)


def test_a_log_in_inspects_own_format(tmp_path):
    log = json.loads(log_of(tmp_path, False).read_text())
    samples = log.pop("samples")
    with zipfile.ZipFile(tmp_path / "log.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(log))
        for i, sample in enumerate(samples):
            archive.writestr(f"samples/{i}_epoch_1.json", json.dumps(sample))
    assert len(read_log(tmp_path / "log.eval").samples) == len(samples)
    (tmp_path / "other.eval").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(ValueError, match="inspect log convert"):
        read_log(tmp_path / "other.eval")


def test_a_log_that_names_code_or_no_env_is_refused(tmp_path, capsys):
    path = str(log_of(tmp_path, False, task_args={"env_id": "os:system"}))
    assert main(["score", path]) == 1
    assert "not a suite of ToolGym" in capsys.readouterr().err
    path = str(log_of(tmp_path, False))
    assert main(["score", path]) == 1
    assert "give --env ID" in capsys.readouterr().err
    given = ["--env", "ToolGym-Office-v0", "--category", "chain", "--env-arg", "split=val", "--dialect", "hermes"]
    assert main(["score", path, *given]) == 0
    assert "m/x" in capsys.readouterr().out


def test_own_runs_are_scored(tmp_path, capsys):
    evaluate("ToolGym-BFCL-v0", Oracle(), env_kwargs={"category": "live"}, n=3, out=tmp_path / "run")
    assert main(["score", str(tmp_path / "run")]) == 0
    assert "leaderboard" in capsys.readouterr().out
