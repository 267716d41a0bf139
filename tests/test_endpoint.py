"""The endpoint agent against a real server on this machine."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import calling, saying, shop

from toolgym import evaluate, rollout
from toolgym.agents.chat_messages import action_text, native_messages, prompt_messages
from toolgym.agents.endpoint import LONGEST_WAIT, Endpoint
from toolgym.rollout import AgentError, ContextFull
from toolgym.types import FrozenDict, message

HELLO = FrozenDict(messages=(message("system", "Be kind."), message("user", "Hello \ud800!")), tools=())


def chat(content, **more):
    return {"choices": [{"message": {"role": "assistant", "content": content, **more}, "finish_reason": "stop"}]}


class Server:
    """Answers each POST with the next of ``answers``, the last one for ever: (status, headers, body)."""

    def __init__(self):
        self.answers = [(200, {}, chat("hi"))]
        self.bodies = []
        self.headers = []
        self.paths = []
        self.times = []
        self.under_way = self.most = 0
        self.delay = 0.0
        self.lock = threading.Lock()
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.serve(self)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def serve(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        with self.lock:
            self.bodies.append(json.loads(body))
            self.headers.append(dict(request.headers))
            self.paths.append(request.path)
            self.times.append(time.monotonic())
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            status, headers, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        time.sleep(self.delay)
        if answer == "hang":
            self.released.wait(20)
            request.close_connection = True
            return
        if answer == "drop":
            with self.lock:
                self.under_way -= 1
            request.connection.close()
            request.close_connection = True
            return
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        with self.lock:
            self.under_way -= 1
        request.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_KEY", "sk-very-secret")
    server = Server()
    yield server
    server.released.set()
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def endpoint(server):
    """An endpoint that writes down its waits instead of waiting."""

    def make(**kwargs):
        waits = []
        agent = Endpoint("tiny", server.url, "TEST_KEY", **{"sleep": waits.append, "timeout": 10, **kwargs})
        agent.waits = waits
        return agent

    return make


def test_an_answer_becomes_the_action(server, endpoint):
    assert endpoint(temperature=0.5, max_tokens=7, extra={"top_p": 0.9}).act(HELLO) == "hi"
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
    assert server.bodies[0] == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello \ufffd!"}],
        "temperature": 0.5,
        "max_tokens": 7,
        "top_p": 0.9,
    }


def test_settings_can_be_left_to_the_server_and_added_to(server, endpoint):
    endpoint(temperature=None, max_tokens=None, extra={"max_completion_tokens": 9}).act(HELLO)
    assert set(server.bodies[0]) == {"model", "messages", "max_completion_tokens"}


def test_an_empty_answer_is_an_answer(server, endpoint):
    server.answers = [(200, {}, chat(None))]
    assert endpoint().act(HELLO) == ""
    server.answers = [(200, {}, chat([{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]))]
    assert endpoint().act(HELLO) == "in parts"


def test_a_rate_limit_is_waited_out_as_long_as_the_server_says(server, endpoint):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    busy = {"error": {"message": "slow down"}}
    server.answers = [
        (429, {"Retry-After": "7"}, busy),
        (429, {"Retry-After": later}, busy),
        (503, {"Retry-After": "99999"}, busy),
        (200, {}, chat("at last")),
    ]
    agent = endpoint()
    assert agent.act(HELLO) == "at last"
    assert agent.waits[0] == 7
    assert 20 < agent.waits[1] <= 30
    assert agent.waits[2] == LONGEST_WAIT


@pytest.mark.parametrize("nonsense", ["soon", "", "nan", "-5"])
def test_a_retry_after_that_makes_no_sense_is_not_trusted(server, endpoint, nonsense):
    server.answers = [(429, {"Retry-After": nonsense}, {}), (200, {}, chat("ok"))]
    agent = endpoint(first_wait=0.5)
    assert agent.act(HELLO) == "ok"
    assert 0 <= agent.waits[0] <= 0.5


def test_server_errors_are_tried_again_with_growing_random_waits_until_tries_run_out(server, endpoint):
    server.answers = [(500, {}, b"<html>boom</html>")]
    bounds = [1, 2, 4, 8, 16, 32, 60, 60]
    agent = endpoint(max_retries=8)
    with pytest.raises(AgentError, match=r"tiny at http://.*HTTP 500: <html>boom</html> \(9 tries\)"):
        agent.act(HELLO)
    assert len(server.bodies) == 9
    assert all(0 <= wait <= bound for wait, bound in zip(agent.waits, bounds, strict=True))
    assert len(set(agent.waits)) == 8


@pytest.mark.parametrize(
    "answer", [b"{not json", b"\xff\xfe", b"[]", b"null", b'{"choices": []}', b'{"error": "overloaded"}',
               b'{"choices": [{"message": {"content": 5}}]}', b"[" * 100_000]
)  # fmt: skip
def test_an_answer_that_is_no_completion_is_tried_again(server, endpoint, answer):
    server.answers = [(200, {}, answer), (200, {}, chat("ok"))]
    assert endpoint().act(HELLO) == "ok"
    server.answers = [(200, {}, answer)]
    with pytest.raises(AgentError, match="not a chat completion") as caught:
        endpoint(max_retries=1).act(HELLO)
    assert len(str(caught.value)) < 700


def test_a_server_that_hangs_is_given_up(server, endpoint):
    server.answers = [(200, {}, "hang")]
    began = time.monotonic()
    with pytest.raises(AgentError, match=r"no answer within 0\.1 seconds \(2 tries\)"):
        endpoint(timeout=0.1, max_retries=1).act(HELLO)
    assert time.monotonic() - began < 5


def test_a_broken_connection_is_tried_again(server, endpoint):
    server.answers = [(200, {}, "drop"), (200, {}, chat("ok"))]
    assert endpoint().act(HELLO) == "ok"


def test_no_server_at_all_is_an_agent_error(monkeypatch):
    agent = Endpoint("tiny", "http://127.0.0.1:9/v1", None, max_retries=1, sleep=lambda seconds: None)
    with pytest.raises(AgentError, match="no connection"):
        agent.act(HELLO)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, {"error": {"message": "The model `tiny` does not exist"}}, "HTTP 404: The model `tiny` does not exist"),
        (400, {"error": "context length exceeded"}, "HTTP 400: context length exceeded"),
        (
            401,
            {"error": {"message": "Incorrect API key provided: sk-very-secret."}},
            "Incorrect API key provided: ***.",
        ),
        (429, {"error": {"message": "You are broke", "code": "insufficient_quota"}}, "HTTP 429: You are broke"),
        (403, b"", "HTTP 403: Forbidden"),
    ],
)
def test_a_refusal_is_not_tried_again_and_says_why(server, endpoint, status, body, said):
    server.answers = [(status, {}, body)]
    with pytest.raises(AgentError) as caught:
        endpoint().act(HELLO)
    assert said in str(caught.value)
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (
            400,
            {"message": "This model's maximum context length is 4096 tokens. However, ...", "type": "BadRequestError"},
        ),
        (400, {"message": "too long", "code": "context_length_exceeded"}),
        (400, {"message": "Context size has been exceeded.", "type": "server_error"}),
        (400, {"message": "request (4390 tokens) exceeds the available ...", "type": "exceed_context_size_error"}),
    ],
)
def test_a_conversation_that_is_too_long_is_told_from_other_refusals(server, endpoint, status, error):
    server.answers = [(status, {}, {"error": error})]
    with pytest.raises(ContextFull, match=error["message"][:8]):
        endpoint().act(HELLO)
    assert len(server.bodies) == 1


def test_the_key_is_shown_nowhere(server, endpoint, monkeypatch):
    agent = endpoint(max_retries=0)
    server.answers = [(500, {}, b"x" * 490 + b"sk-very-secret")]
    with pytest.raises(AgentError) as caught:
        agent.act(HELLO)
    shown = f"{agent!r} {caught.value} {caught.value.__cause__!r} {vars(agent)}"
    assert "sk-very" not in shown
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(AgentError, match="TEST_KEY"):
        Endpoint("tiny", server.url, "TEST_KEY")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(AgentError, match="OPENAI_API_KEY"):
        Endpoint("tiny")


@pytest.mark.parametrize("nameless", [None, ""])
def test_a_server_may_want_no_key(server, nameless):
    assert Endpoint("tiny", server.url, nameless).act(HELLO) == "hi"
    assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize(
    "wrong", [{"tools": "both"}, {"base_url": "localhost:80"}, {"timeout": 0}, {"max_retries": -1}, {"concurrency": 0},
              {"requests_per_minute": -1}]
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Endpoint("tiny", **{"base_url": "http://127.0.0.1/v1", "api_key_env": None, **wrong})


def test_a_rate_is_kept_across_threads(server, endpoint):
    agent = endpoint(requests_per_minute=60 / 0.05, sleep=time.sleep)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(agent.act, [HELLO] * 6))
    assert server.times[-1] - server.times[0] >= 4 * 0.05


def test_episodes_run_side_by_side(server, endpoint):
    server.answers = [(200, {}, chat(saying("Good morning!")))]
    server.delay = 0.1
    played = evaluate(shop, endpoint(concurrency=4), repeats=4)
    assert 1 < server.most <= 4
    assert [t.success for t in played] == [False] * 8 + [True] * 4


def test_a_failure_of_the_server_is_not_a_zero(server, endpoint):
    server.answers = [(500, {}, {})]
    (trajectory,) = evaluate(shop, endpoint(max_retries=0), n=1)
    assert not trajectory.reward_valid
    assert trajectory.success is None
    assert "HTTP 500" in trajectory.error


# Tools in the prompt -----------------------------------------------------------------------------


def test_with_tools_in_the_prompt_results_come_as_the_users_words(server, endpoint):
    twice = calling(("add", {"item": "milk", "quantity": 2}), ("total", {}))
    server.answers = [(200, {}, chat(twice)), (200, {}, chat(saying("Done.")))]
    trajectory = rollout(shop(), endpoint(), task_id="count")
    assert len(trajectory.turns) == 2
    assert "tools" not in server.bodies[1]
    assert [m["role"] for m in server.bodies[1]["messages"]] == ["system", "user", "assistant", "user"]
    last = server.bodies[1]["messages"][-1]["content"]
    assert last == 'Result of add:\n{"milk":2}\n\nResult of total:\n2'


def test_what_the_user_says_after_results_is_told_apart_in_the_same_message():
    given = [message("tool", "3", name="add"), message("user", "And now?"), message("tool", "4")]
    (sent,) = prompt_messages(given)
    assert sent == {
        "role": "user",
        "content": "Result of add:\n3\n\nThe user says:\nAnd now?\n\nResult of the tool:\n4",
    }


# Tools given to the API --------------------------------------------------------------------------

CALLS = [
    {"id": "a1", "type": "function", "function": {"name": "add", "arguments": '{"item": "milk", "quantity": 2}'}},
    {"id": "b2", "type": "function", "function": {"name": "total", "arguments": "{}"}},
]


def test_native_tools_go_there_and_back(server, endpoint):
    server.answers = [(200, {}, chat(None, tool_calls=CALLS)), (200, {}, chat("Two things."))]
    trajectory = rollout(shop(dialect="openai"), endpoint(tools="native"), task_id="milk")
    assert [r.call.name for r in trajectory.turns[0].reward.calls] == ["add", "total"]
    assert trajectory.turns[0].reward.calls[0].call.arguments == {"item": "milk", "quantity": 2}
    assert [r.result.content for r in trajectory.turns[0].reward.calls] == ['{"milk":2}', "2"]
    assert trajectory.turns[1].action == "Two things."
    assert [t["function"]["name"] for t in server.bodies[0]["tools"]] == ["add", "total", "break_down"]
    *_, assistant, first, second = server.bodies[1]["messages"]
    assert assistant == {"role": "assistant", "content": None, "tool_calls": CALLS}
    assert first == {"role": "tool", "tool_call_id": "a1", "content": '{"milk":2}'}
    assert second == {"role": "tool", "tool_call_id": "b2", "content": "2"}


@pytest.mark.parametrize(("tools", "dialect"), [("native", "toolrl"), ("prompt", "openai")])
def test_a_dialect_that_does_not_fit_is_refused_before_anything_is_sent(server, endpoint, tools, dialect):
    with pytest.raises(AgentError, match="tools='native' goes with dialect='openai'"):
        rollout(shop(dialect=dialect), endpoint(tools=tools))
    assert server.bodies == []


def test_results_find_their_calls_by_id_or_else_in_order():
    text = json.dumps({"content": "", "tool_calls": CALLS})
    turn = [message("assistant", text), message("tool", "2", tool_call_id="b2"), message("tool", "x")]
    assert [m["tool_call_id"] for m in native_messages(turn)[1:]] == ["b2", "a1"]


def test_a_thought_and_json_as_an_answer_survive(server, endpoint):
    server.answers = [(200, {}, chat('{"content": 1, "tool_calls": []}', reasoning_content="Hm."))]
    (turn,) = rollout(shop(dialect="openai"), endpoint(tools="native"), task_id="hello").turns
    completion = shop(dialect="openai").parse(turn.action)
    assert (completion.think, completion.response) == ("Hm.", '{"content": 1, "tool_calls": []}')
    assert native_messages(turn.messages)[0]["content"] == completion.response


@pytest.mark.parametrize(
    "text", ["plain", "[]", "7", "{", '{"a": 1}', '{"tool_calls": 3}', "[" * 100_000, '{"a":' * 100_000]
)  # fmt: skip
def test_text_that_is_no_message_of_the_api_is_sent_as_it_is(text):
    assert native_messages([message("assistant", text)]) == [{"role": "assistant", "content": text}]


@pytest.mark.parametrize("arguments", ["{broken", "[1]", 7, "[" * 100_000, '{"a":' * 200 + "1" + "}" * 200])
def test_broken_calls_are_sent_back_as_calls_that_servers_can_read(arguments):
    broken = [{"function": {"name": "add", "arguments": arguments}}, {"function": 3}, 5]
    text = json.dumps({"content": None, "tool_calls": broken})
    turn = [message("assistant", text), *(message("tool", f"Error {i}", tool_call_id=f"call_{i}") for i in range(3))]
    assistant, *results = native_messages(turn)
    assert [call["id"] for call in assistant["tool_calls"]] == [m["tool_call_id"] for m in results]
    assert [call["function"]["name"] for call in assistant["tool_calls"]] == ["add", "unknown", "unknown"]
    sent = [json.loads(call["function"]["arguments"]) for call in assistant["tool_calls"]]
    assert [list(each) for each in sent] == [["unreadable"], [], []]


def test_a_result_that_answers_no_call_is_the_users_words():
    (sent,) = native_messages([message("tool", "3", name="add", tool_call_id="lost")])
    assert sent == {"role": "user", "content": "Result of add:\n3"}


def test_calls_of_no_known_shape_are_no_answer():
    with pytest.raises(ValueError, match="tool_calls"):
        action_text({"content": None, "tool_calls": "add"}, native=True)
