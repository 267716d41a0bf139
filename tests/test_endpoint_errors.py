"""What a server's error means: the conversation is too long, a filter, try again, or give up."""

from __future__ import annotations

import json

import pytest
from asking import BOTH, KEY, ask
from chat_server import chat, refused, serving

from toolgym.agents.endpoint import AsyncEndpoint, Endpoint
from toolgym.rollout import AgentError, ContextFull
from toolgym.types import UnfinishedAnswer


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


TOO_LONG = [
    ("OpenAI", 400, "Your input exceeds the context window of this model.", {"code": "context_length_exceeded"}),
    ("OpenAI, before", 400, "This model's maximum context length is 4097 tokens. However, your messages resulted in "
     "5000 tokens. Please reduce the length of the messages.", {}),
    ("vLLM", 400, "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (8000 in the "
     "messages, 1000 in the completion). Please reduce the length of the messages or completion.", {}),
    ("vLLM, prompt", 400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096.", {}),
    ("vLLM, now", 400, "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context "
     "length is 2048 tokens and your request has 2500 input tokens (1024 > 2048 - 2500).", {}),
    ("SGLang", 400, "The input (5000 tokens) is longer than the model's context length (4096 tokens).", {}),
    ("SGLang, sum", 400, "Requested token count exceeds the model's maximum context length of 4096 tokens. You "
     "requested a total of 9024 tokens: 8000 tokens from the input messages and 1024 tokens for the completion.", {}),
    ("llama.cpp", 400, "the request exceeds the available context size (4096 tokens), try increasing it",
     {"type": "exceed_context_size_error"}),
    ("Ollama", 400, "prompt too long; exceeded max context length by 17 tokens", {}),
    ("Ollama, input", 400, "the input length exceeds the context length", {}),
    ("Anthropic", 400, "prompt is too long: 210000 tokens > 200000 maximum", {}),
    ("Anthropic, sum", 400, "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000, decrease "
     "input length or `max_tokens` and try again", {}),
    ("Gemini", 400, "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).",
     {"status": "INVALID_ARGUMENT"}),
    ("Gemini, short", 400, "The input token count exceeds the maximum number of tokens allowed 1048576.", {}),
    ("TGI", 422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` "
     "tokens and 1000 `max_new_tokens`", {}),
    ("TGI, inputs", 422, "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000", {}),
    ("Mistral", 400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context "
     "length", {}),
    ("xAI", 400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens.", {}),
    ("Bedrock", 400, "Input is too long for requested model.", {}),
    ("GitHub", 413, "Request body too large for gpt-4o model. Max size: 8000 tokens.",
     {"code": "tokens_limit_reached"}),
    ("LiteLLM", 400, "litellm.ContextWindowExceededError: prompt is too long: 210000 tokens > 200000 maximum", {}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "text", "fields"), [each[1:] for each in TOO_LONG], ids=[e[0] for e in TOO_LONG])
def test_a_conversation_that_is_too_long_is_the_policys_own_limit(status, text, fields):
    forms = [{"error": {"message": text, **fields}}, {"object": "error", "message": text, **fields}]
    if not fields:
        behind = {"raw": json.dumps({"error": text})}  # as OpenRouter passes it on
        forms += [{"error": text}, {"detail": text}, [{"error": {"message": text, "code": status}}]]
        forms.append({"error": {"message": "Provider returned error", "metadata": behind}})
    for form in forms:
        with serving((status, form, {})) as server, pytest.raises(ContextFull):
            ask(AsyncEndpoint, server.url)
    for busy in (429, 503):
        with serving((busy, forms[0], {})) as server:
            with pytest.raises(AgentError) as caught:
                ask(AsyncEndpoint, server.url, max_retries=1)
            assert type(caught.value) is AgentError
            assert len(server.bodies) == 2


NOT_TOO_LONG = [
    (400, {"error": {"message": "max_tokens is too large: 100000. This model supports at most 16384 tokens."}}),
    (400, {"error": {"message": "max_tokens=9000 cannot be greater than max_model_len=4096."}}),
    (400, {"error": {"message": "'max_tokens' is too large: 9000. This model's maximum context length is 4096 tokens "
                                "and your request has 20 input tokens (9000 > 4096 - 20)."}}),
    (400, {"error": {"message": "Invalid schema", "request": "the prompt is too long: context length exceeded"}}),
    (400, {"error": {"message": "1 validation error", "param": "context_length_exceeded"}}),
    (400, {"error": {"message": "bad role, input_value='the prompt is too long'"}}),
    (422, {"detail": [{"loc": ["body"], "msg": "Field required", "input": {"content": "prompt is too long"}}]}),
    (400, {"error": {"message": "Unknown parameter: context_window"}}),
    (413, b"<html><h1>413 Request Entity Too Large</h1></html>"),
    (413, {"error": {"message": "Request too large: tokens per minute (TPM): Limit 6000, Requested 7000. Please reduce "
                                "the length of the messages", "code": "rate_limit_exceeded"}}),
    (401, {"error": {"message": "prompt is too long", "code": "context_length_exceeded"}}),
    (500, {"error": {"message": "Context size has been exceeded.", "type": "server_error"}}),
    (404, {"error": {"message": "maximum context length is 4096 tokens"}}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), NOT_TOO_LONG)
def test_an_error_that_is_not_about_the_conversations_length_is_no_context_full(status, body):
    with serving((status, body, {})) as server, pytest.raises(AgentError) as caught:
        ask(AsyncEndpoint, server.url, max_retries=0)
    assert type(caught.value) is AgentError


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 4296 tokens (3096 in the "
         "messages, 200 in the functions, and 1000 in the completion).", 800),
        ("'max_tokens' or 'max_completion_tokens' is too large: 1000. This model's maximum context length is 4096 "
         "tokens and your request has 3296 input tokens (1000 > 4096 - 3296).", 800),
        ("You passed 3296 input tokens and requested 1000 output tokens. However, the model's context length is only "
         "4096 tokens, resulting in a maximum input length of 3096 tokens.", 800),
        ("Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of "
         "4296 tokens: 3296 tokens from the input messages and 1000 tokens for the completion.", 800),
        ("input length and `max_tokens` exceed context limit: 3296 + 1000 > 4096", 800),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 3296 `inputs` tokens and 1000 "
         "`max_new_tokens`", 800),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_if_only_the_answer_does_not_fit_a_shorter_one_is_asked_for(text, room, field):
    def respond(body):
        return refused(text) if body[field] > room else chat("short", "length")

    with serving(respond) as server:
        found = ask(Endpoint, server.url, max_tokens=None, extra={field: 1000})
        assert (found, found.reason) == ("short", "length")
        assert [body[field] for body in server.bodies] == [1000, room]


@BOTH
@pytest.mark.parametrize(
    "error", [{"message": "filtered", "code": "content_filter"},
              {"message": "no", "innererror": {"code": "ResponsibleAIPolicyViolation"}}]
)  # fmt: skip
def test_a_content_filter_is_an_answer(kind, error):
    with serving((400, {"error": error}, {})) as server:
        found = ask(kind, server.url)
    assert isinstance(found, UnfinishedAnswer)
    assert (found, found.reason) == ("", "content_filter")


@pytest.mark.parametrize(
    ("status", "error", "tries"),
    [
        (200, {"message": "Provider returned error", "code": 502}, 3),
        (200, {"message": "overloaded"}, 3),
        (200, {"message": "no such model", "code": 404}, 1),
        (200, {"message": "Insufficient credits", "code": 402}, 1),
        (402, {"message": "pay"}, 1),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, 1),
        (429, {"message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED"}, 3),
        (429, {"message": "busy", "request": "insufficient_quota"}, 3),
        (400, {"message": "Your credit balance is too low to access the API."}, 1),
        (529, {"message": "Overloaded", "type": "overloaded_error"}, 3),
        (425, {"message": "Too early"}, 3),
    ],
)
def test_what_is_tried_again(status, error, tries):
    with serving((status, {"error": error}, {})) as server:
        with pytest.raises(AgentError, match=error["message"]):
            ask(Endpoint, server.url, max_retries=2)
        assert len(server.bodies) == tries
