"""The endpoint agent's options on the command line."""

from __future__ import annotations

import json

import pytest
from chat_server import STRICT, chat, newer_parameters, serving

from toolgym.cli.agent_specs import agent_specs, options_of
from toolgym.cli.main import main
from toolgym.cli.resolve import UserError, make_agent


def run(server, *more):
    return main(["eval", "--env", "ToolGym-BFCL-v0", "--category", "irrelevance", "-n", "1", "--agent", "endpoint",
                 "--model", "tiny", "--base-url", server.url, *more])  # fmt: skip


def test_fields_and_headers_are_given_by_name(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TEST_SECRET", "hush-hush")
    with serving(chat("No tool fits."), checks=STRICT) as server:
        code = run(
            server, "--extra", "reasoning_effort=low", "--extra", 'chat_template_kwargs={"enable_thinking": false}',
            "--extra", "temperature=null", "--extra", "max_completion_tokens=9", "--header", "X-Title=a = b",
            "--header", "api-key=$TEST_SECRET", "--tools", "native", "--dialect", "openai", "--out", str(tmp_path),
        )  # fmt: skip
    assert code == 0
    body = {name: value for name, value in server.bodies[0].items() if name not in ("messages", "tools")}
    assert body == {
        "model": "tiny", "reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False},
        "max_completion_tokens": 9,
    }  # fmt: skip
    assert (server.headers[0]["X-Title"], server.headers[0]["api-key"]) == ("a = b", "hush-hush")
    headers = {"X-Title": "a = b", "api-key": "$TEST_SECRET"}
    assert json.loads((tmp_path / "run.json").read_text())["agent_settings"] == {**body, "headers": headers}
    written = "".join(path.read_text() for path in tmp_path.iterdir() if path.is_file())
    assert "hush" not in written + "".join(capsys.readouterr())


def test_what_a_server_refuses_is_learned_and_said(capsys, tmp_path):
    with serving(chat("No tool fits."), checks=[newer_parameters]) as server:
        for resume in ([], ["--resume"]):
            assert run(server, "--max-new-tokens", "64", "--out", str(tmp_path), *resume) == 0
            said = "max_tokens is sent as max_completion_tokens; temperature is left out."
            assert said in " ".join(capsys.readouterr().out.split())
    assert len(server.bodies) == 3
    summary = json.loads((tmp_path / "summary.json").read_text())["settings"]
    assert summary["learned"] == ["max_tokens is sent as max_completion_tokens", "temperature is left out"]
    assert summary["agent_settings"] == {"model": "tiny", "temperature": 0.0, "max_tokens": 64}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"extra": ["top_p"]}, "--extra 'top_p'"), ({"extra": ["a=1", "a=2"]}, "a is given twice"),
        ({"extra": "low"}, "NAME=VALUE"), ({"header": ["X-Title"]}, "NAME=VALUE"),
        ({"header": ["X-Title=1", "X-Title=2"]}, "twice"), ({"header": "X"}, "NAME=VALUE"),
        ({"extra": ["stream=true"]}, "stream"), ({"header": ["api-key=sk-1"]}, r"api-key='\$VARIABLE'"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options, words):
    with pytest.raises(UserError, match=words):
        make_agent("endpoint", {"model": "tiny", "base_url": "http://127.0.0.1/v1", **options})


def test_other_agents_do_not_take_them():
    with pytest.raises(UserError, match="--extra"):
        make_agent("oracle", {"extra": ["a=1"]})


def test_a_list_of_agents_takes_them_as_json():
    extra = '{"reasoning_effort": "low", "stop": ["a", "b=c,"]}'
    spec = f"endpoint:model=tiny,extra={extra},temperature=1"
    assert agent_specs(f"oracle,{spec},silent") == ["oracle", spec, "silent"]
    name, options = options_of(spec)
    assert (name, options) == ("endpoint", {"model": "tiny", "extra": json.loads(extra), "temperature": 1})
    made = make_agent(name, {**options, "base_url": "http://127.0.0.1/v1", "header": {"X-Title": "study"}})
    assert made.settings["stop"] == ["a", "b=c,"]
    assert agent_specs("endpoint:model=[x,silent") == ["endpoint:model=[x", "silent"]
