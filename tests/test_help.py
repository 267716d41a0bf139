"""Help in two tiers, options that several commands spell alike, and options that do not go together."""

from __future__ import annotations

import inspect
import json
import re
from importlib import import_module

import pytest
from chat_server import chat, serving

from toolgym.cli.main import COMMANDS, main
from toolgym.cli.parser import Parser


def parser_of(command, *, all_of_them=True):
    module = import_module(f"toolgym.cli.{command.replace('-', '_')}")
    parser = Parser(prog=f"toolgym {command}", description=module.ABOUT, epilog=f"examples:\n{module.EXAMPLES}")
    module.add_arguments(parser)
    parser.add_common(getattr(module, "NEEDED", ()), all_of_them=all_of_them, no_pager=False)
    return parser, getattr(module, "NEEDED", ())


def shown(capsys, *words):
    assert main(words) == 0
    return capsys.readouterr().out


def flags(text):
    """The options that a help text lists, by their first spelling."""
    return set(re.findall(r"^  (--?\w[\w-]*)", text, re.MULTILINE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_exactly_one_tier(command, capsys):
    every, needed = parser_of(command)
    options = every.options()
    assert set(needed) <= set(options), "what --help shows is an option"
    listed = [each for each in options.values() if each.option_strings]
    first = {each.option_strings[0]: each.dest for each in listed}
    basic, whole = flags(shown(capsys, command, "--help")), flags(shown(capsys, command, "--help-all"))
    assert whole == set(first)
    assert basic == {flag for flag, dest in first.items() if not needed or dest in needed}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_a_screen_or_so_and_says_where_the_rest_is(command, capsys):
    text = shown(capsys, command, "--help")
    assert len(text.splitlines()) <= 56
    assert max(map(len, text.splitlines())) <= 80
    _, needed = parser_of(command)
    more = re.search(rf"`toolgym {command} --help-all` shows (\d+) more options", text)
    assert bool(more) == bool(needed)
    if more:
        assert int(more[1]) == len(parser_of(command)[0].options()) - len(needed)


def test_an_option_has_one_spelling_in_all_commands():
    """Options of one meaning are spelled alike in evaluation and training."""
    evaluate, train = (parser_of(command)[0].options() for command in ("eval", "train"))
    for name in ("model", "data", "env", "category", "dialect", "rubric", "env_arg", "out", "resume", "seed", "tools",
                 "temperature", "max_completion_length", "template_kwarg", "demonstrations", "max_invalid",
                 "trust_remote_code"):  # fmt: skip
        assert evaluate[name].option_strings[0] == train[name].option_strings[0] == f"--{name.replace('_', '-')}"


@pytest.mark.parametrize(
    ("command", "old", "value", "name"),
    [("eval", "--max-new-tokens", "7", "max_completion_length"),
     ("train", "--max-new-tokens", "7", "max_completion_length"),
     ("train", "--template-kwargs", '{"enable_thinking": false}', "template_kwargs")],
)  # fmt: skip
def test_earlier_spellings_still_work_and_are_not_in_the_help(command, old, value, name, capsys):
    parser, _ = parser_of(command)
    words = ["--env", "x", "--agent", "y"] if command == "eval" else []
    assert getattr(parser.parse_args([*words, old, value]), name) == json.loads(value)
    assert old not in flags(shown(capsys, command, "--help-all"))


def test_an_agent_of_a_comparison_may_have_either_spelling():
    from toolgym.cli.agent_specs import options_of

    for name in ("max_completion_length", "max_new_tokens"):
        assert options_of(f"policy:{name}=64") == ("policy", {"max_completion_length": 64})


def test_words_that_fit_no_option_or_command_name_one_that_is_alike(capsys):
    assert main(["eval", "--env", "x", "--agent", "y", "--categroy", "z"]) == 2
    assert "unrecognized arguments: --categroy z. Did you mean --category?" in capsys.readouterr().err
    assert main(["eval", "--env", "x", "--agent", "y", "--fault-rate", "1"]) == 2
    assert "Did you mean --env-arg fault_rate=...?" in " ".join(capsys.readouterr().err.split())
    assert main(["evla"]) == 2
    assert "no command 'evla'. Did you mean eval?" in capsys.readouterr().err


def test_what_is_not_a_suite_is_told_with_the_command_that_shows_it(tmp_path, capsys):
    (tmp_path / "mine.jsonl").write_text("{}")
    for place, command in ((tmp_path, "toolgym view"), (tmp_path / "mine.jsonl", "toolgym data")):
        assert main(["show", str(place)]) == 1
        told = capsys.readouterr().err
        assert f"{place} is not a suite." in told
        assert f"`{command} {place}`" in told


# The dialect of native tools --------------------------------------------------------------------


def asked(server, *words):
    return main(
        ["eval", "--env", "ToolGym-Functions-v0", "--category", "irrelevant", "-n", "1", "--agent", "endpoint",
         "--model", "tiny", "--base-url", server.url, *map(str, words)]
    )  # fmt: skip


@pytest.mark.parametrize("words", [["--tools", "native"], ["--dialect", "openai"], ["--env-arg", "dialect=openai"]])
def test_native_tools_and_their_dialect_follow_from_each_other(words, tmp_path, capsys):
    with serving(chat("No tool fits.")) as server:
        assert asked(server, *words, "--out", tmp_path / "run") == 0
    assert server.bodies[0]["tools"]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["env_kwargs"]["dialect"] == "openai"
    assert "1 of 1 passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--tools", "native", "--dialect", "hermes"], "leave out the dialect hermes, or give --tools prompt"),
     (["--tools", "prompt", "--dialect", "openai"], "leave out --tools prompt"),
     (["--tools", "native", "--env-arg", "dialect=llama3"], "leave out the dialect llama3")],
)  # fmt: skip
def test_tools_and_dialect_that_contradict_are_refused_before_a_request(words, told, capsys):
    with serving(chat("No tool fits.")) as server:
        assert asked(server, *words) == 1
    assert told in capsys.readouterr().err
    assert not server.bodies


def test_in_a_comparison_too(tmp_path, capsys):
    with serving(chat("No tool fits.")) as server:
        spec = f"endpoint:model=tiny,base_url={server.url},tools=native"
        words = ["compare", "--agents", spec, "--suites", "functions", "-n", "1", "--out", str(tmp_path)]
        assert main(words) == 0
        assert server.bodies[0]["tools"]
        assert main([*words, "--dialect", "hermes"]) == 1
    assert "leave out the dialect hermes" in capsys.readouterr().err


# Settings of training ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--algo", "sft", "--epsilon", "0.2"], "--epsilon is for grpo and ppo; sft does not use it"),
     (["--algo", "sft", "--importance-cap", "2"], "--importance-cap is for grpo and ppo"),
     (["--algo", "sft", "--loss-type", "gspo"], "--loss-type is for grpo and ppo"),
     (["--algo", "sft", "--num-generations", "4"], "--num-generations is for grpo and ppo"),
     (["--algo", "ppo", "--scale-rewards", "none"], "--scale-rewards is for grpo; ppo does not use it"),
     (["--algo", "pretrain", "--text", "x.txt", "--category", "chain"], "--category is for sft, grpo and ppo"),
     (["--category", "chain", "--env-kwargs", '{"category": "easy"}'], "category is given twice"),
     (["--template-kwarg", "a=1", "--template-kwargs", '{"a": 2}'], "a is given twice"),
     (["--category", "nix"], "category: 'nix'; choose from single, choose")],
)  # fmt: skip
def test_a_setting_that_an_algorithm_does_not_use_is_an_error(words, told, capsys, tmp_path):
    assert main(["train", *words, "--out", str(tmp_path / "run")]) == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_in_a_file_of_settings_it_is_a_warning(tmp_path, capsys):
    from rich.console import Console

    from toolgym.cli.train_options import check_used

    (tmp_path / "both.yaml").write_text("epsilon: 0.3\nbeta: 0.0\nsteps: 2\n")
    args = parser_of("train")[0].parse_args(["--algo", "sft", "--config", str(tmp_path / "both.yaml")])
    check_used(args, Console())
    said = " ".join(capsys.readouterr().out.split())
    assert said.endswith("both.yaml has settings that sft does not use: epsilon (for grpo and ppo)")


def test_every_setting_that_only_some_algorithms_use_is_a_setting():
    from toolgym.agents import config

    assert set(config._USED_BY) <= set(inspect.signature(config.TrainConfig).parameters)


def test_the_spelling_of_evaluation_adds_to_a_file_of_settings(tmp_path):
    from toolgym.cli.train_options import take_shared_spelling

    (tmp_path / "mine.yaml").write_text("env: ToolGym-APIBank-v0\nenv_kwargs: {level: 3, max_turns: 2}\n")
    args = parser_of("train")[0].parse_args(
        [
            "--config",
            str(tmp_path / "mine.yaml"),
            "--category",
            "1",
            "--dialect",
            "hermes",
            "--template-kwarg",
            "a=true",
        ]
    )
    take_shared_spelling(args)
    assert args.env_kwargs == {"level": 1, "max_turns": 2, "dialect": "hermes"}
    assert args.template_kwargs == {"a": True}
