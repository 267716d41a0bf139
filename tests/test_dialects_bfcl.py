"""The pythonic dialect against BFCL's own code, loaded from the pinned wheel: prompt, decoding, results."""

from __future__ import annotations

import ast
import json
import random
import time
import warnings

import pytest
from bfcl_oracle import DECODING

from toolgym import Tool, ToolCall, assets
from toolgym.dialects.json.calls import MAX_DEPTH
from toolgym.dialects.python.python_source import MAX_CHARS
from toolgym.dialects.pythonic import DecodeError, Pythonic, decode, execution_list, system_prompt
from toolgym.types import CallRecord, ToolResult

PYTHONIC = Pythonic()
SCORED = ["simple_python", "multiple", "parallel", "parallel_multiple"]
SCORED += ["live_simple", "live_multiple", "live_parallel", "live_parallel_multiple"]
UNSCORED = ["simple_java", "simple_javascript", "irrelevance", "live_irrelevance", "live_relevance"]
MULTI_TURN = ["base", "miss_func", "miss_param", "long_context"]
API_DOCS = ["gorilla_file_system", "math_api", "message_api", "posting_api", "ticket_api", "trading_bot"]
API_DOCS += ["travel_booking", "vehicle_control", "memory_kv", "memory_rec_sum", "memory_vector", "web_search"]


def rows(name):
    return [json.loads(line) for line in assets.read_member("bfcl", f"bfcl_eval/data/{name}.json").splitlines()]


# The prompt ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", SCORED + UNSCORED)
def test_the_prompt_is_the_official_one(category):
    for row in rows(f"BFCL_v4_{category}")[::25] + rows(f"BFCL_v4_{category}")[:8]:
        docs = row["function"]
        tools = [Tool(doc["name"], doc["description"], doc["parameters"]) for doc in docs]
        assert PYTHONIC.instructions(tools) == official_prompt(docs)


@pytest.mark.parametrize("api", API_DOCS)
def test_the_prompt_shows_docs_with_more_fields_as_they_are(api):
    docs = rows(f"multi_turn_func_doc/{api}")
    assert system_prompt(docs) == official_prompt(docs)


def official_prompt(docs):
    return DECODING.formulate_system_prompt(DECODING.DEFAULT_SYSTEM_PROMPT_FORMAT, docs)


# Decoding ------------------------------------------------------------------------------------------

LITERALS = (ast.Expression, ast.Constant, ast.UnaryOp, ast.BinOp, ast.List, ast.Tuple, ast.Set, ast.Dict)
LITERALS += (ast.operator, ast.unaryop, ast.expr_context)


class TooLarge(BaseException):
    """Marks a text to skip: the official decoder might compute for years."""


def literal_eval(source):
    """Replaces ``eval`` in the official decoder, which would run model output."""
    tree = ast.parse(source, mode="eval")
    nodes = list(ast.walk(tree))
    large = [node for node in nodes if isinstance(node, (ast.Pow, ast.LShift, ast.Mult))]
    powers = [node for node in large if not isinstance(node, ast.Mult)]
    numbers = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, int)]
    if len(large) > 2 or (powers and len(large) > 1) or (large and any(number > 200 for number in numbers)):
        raise TooLarge
    if not all(isinstance(node, LITERALS) for node in nodes):
        raise ValueError("not only literals")
    return eval(source)


@pytest.fixture(autouse=True)
def official_decoder_runs_nothing(monkeypatch):
    monkeypatch.setattr(DECODING, "eval", literal_eval, raising=False)


def official(function, argument):
    """The result of the official function, with None parameters renamed to "**"; "failed" if it raises."""

    def renamed(value):
        if isinstance(value, dict):
            return {"**" if key is None else renamed(key): renamed(item) for key, item in value.items()}
        return type(value)(map(renamed, value)) if isinstance(value, (list, tuple)) else value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return renamed(function(argument))
        except Exception:
            return "failed"


def ours(function, argument):
    try:
        return function(argument)
    except DecodeError:
        return "failed"


def assert_decodes_alike(text):
    try:
        expected = official(DECODING.default_decode_ast_prompting, text)
    except TooLarge:
        return None
    found = ours(decode, text)
    assert repr(found) == repr(expected), text  # repr distinguishes 1, 1.0 and True, and list and tuple
    if found != "failed" and "**" not in text:
        assert ours(execution_list, found) == official(DECODING.decoded_output_to_execution_list, found), text
    return found


def gold_texts():
    for category in SCORED:
        for row in rows(f"possible_answer/BFCL_v4_{category}"):
            calls = [
                f"{name}({', '.join(f'{key}={options[0]!r}' for key, options in arguments.items() if options)})"
                for call in row["ground_truth"]
                for name, arguments in call.items()
            ]
            yield f"[{', '.join(calls)}]"
    for category in MULTI_TURN:
        for row in rows(f"possible_answer/BFCL_v4_multi_turn_{category}"):
            yield from (f"[{', '.join(turn)}]" for turn in row["ground_truth"])


GOLD = sorted(set(gold_texts()))
TOKENS = [
    "'", '"', "\\", "\\d", "\\n", "\\777", "\\u00e9", "\\N{DASH}", "[", "]", "(", ")", "{", "}", ",", "=", ":", ".",
    ";", "+", "-", "*", "**", "/", "%", "~", "@", " ", "\n", "\t", "\r", "\r\n", "\x00", "\x0c", "\ufeff", "\u2028",
    "\ud800", "é", "🙂", "`", "```", "'''", "# x\n", "1", "0", "1.5", "1e3", "1e999", "-5", "+5", "1_000", "0x1F",
    "1j", "1or 2", "0or", "not True", "True", "None", "null", "...", "x", "x.y", "-x", "--5", "-'a'", "-(1+2)",
    "'a' 'b'", "r'\\d'", "b'x\\u12'", "f'{x}'", "f(", "f(a=", "a=1,", "f()", "f(1, x)", "f(a=1)", "f(a=g(b=1))",
    "f(a=g(1,2))", "a.b(c=1)", "*a", "**a", "(1,)", "()", "[1,2]", "{1:2}", "{1,2}", "{**a}", "{'a': f(b=1)}", "x[1]",
    "x[1:2]", "x[1,2]", "1+2", "'a'*3", "[1]*2", "'%s'%1", "10**2", "1/0", "1<<3", "5//2", "~5+1", "{'a':1}|{'b':2}",
    "lambda: 1", "a:=1", "await x", "a if b else c", "a<b", "a and b", "[x for x in y]", "json.dumps(1)+'a'",
    "python", "<think>", "</think>",
]  # fmt: skip


def variants(count, seed):
    """Mutated gold texts, and calls with unusual values."""
    source = random.Random(seed)
    for _ in range(count):
        if source.random() < 0.4:
            yield f"[f(a={''.join(source.choices(TOKENS, k=source.randint(1, 4)))})]"
            continue
        text = source.choice(GOLD)
        for _ in range(source.choice((1, 1, 2, 4))):
            start = source.randint(0, len(text))
            end = min(len(text), start + source.choice((0, 0, 1, 2, 8)))
            text = text[:start] + source.choice(("", source.choice(TOKENS), text[start:end] * 2)) + text[end:]
        yield text


def test_gold_answers_decode_as_they_do_officially():
    assert len(GOLD) > 2_500
    for text in GOLD:
        assert assert_decodes_alike(text) != "failed"


def test_other_texts_decode_as_they_do_officially():
    decoded = sum(assert_decodes_alike(text) not in (None, "failed") for text in variants(6_000, seed=0))
    assert 1_000 < decoded < 5_000


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "]", "[", "f(a=1)", "f(a=1), g()", "[f(a=1)", "```[f(a=1)]```", "```python\n[f(a=1)]```",
        "[f(1, a=2)]", "[f(a=+5, b=not True, c=x, d=...)]", "f", "[f]", "Sure! [f(a=1)]", "[f(a=1)](b=2)", "{f(a=1)}",
        "f(a=1), [g()]", "[f(a=1, a=2)]", "[f(**x, **y)]", "['a'.join(b=1)]", "[f(a={[]: 1})]",
        "[f(a={}), g(b={'c': {}})]", "[f(a=1)] # ]", "[f(a=g(0or 2))]", "[f(a=g(10or 2))]",
        "[f(a=" + "[" * 90 + "]" * 90 + ")]", "[f(a=" + "(" * 250 + ")" * 250 + ")]", "[f(a=" + "-" * 9000 + "1)]",
    ],
)  # fmt: skip
def test_odd_texts_decode_as_they_do_officially(text):
    assert_decodes_alike(text)


def test_a_regular_expression_decodes_where_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(r"[f(a='\d+\.', b=b'\u', c=g(1or 2))]") == [{"f": {"a": r"\d+\.", "b": rb"\u", "c": "g(1 or 2)"}}]


@pytest.mark.parametrize(
    "value",
    ["9**9**9", "'a'*10**9", "[0]*10**9", "[[[0]*999]*999]*999", "1<<10**9", "'%999999999d'%1", "b'%*d'%(10**9,1)",
     "(-2)**99999", "2**(2**40)", "0x" + "f" * 4000, "-0x" + "f" * 4000, "'a'*99999+'a'*99999"],
)  # fmt: skip
def test_what_would_grow_too_large_is_refused_at_once(value):
    started = time.perf_counter()
    with pytest.raises(DecodeError):
        decode(f"[f(a={value})]")
    with pytest.raises(DecodeError):
        decode(f"[{', '.join([f'f(a={value})'] * 100)}]")
    assert time.perf_counter() - started < 10  # the naive way takes hours


def test_nothing_is_run():
    for value in (
        "exit()+1",
        "x+1",
        "__import__('os').system('ls')+1",
        "(lambda: 1)()+1",
        "[x for x in '']+[]",
        "f'{1}'+''",
    ):
        with pytest.raises(DecodeError):
            decode(f"[f(a={value})]")


def test_long_and_deep_texts_are_refused():
    with pytest.raises(DecodeError, match=f"at most {MAX_CHARS}"):
        decode(f"[f(a='{'x' * MAX_CHARS}')]")
    with pytest.raises(DecodeError, match=f"more than {MAX_DEPTH} levels"):
        decode(f"[f(a={'[' * 150}{']' * 150})]")


# Parsing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["f(a=1), b.g(x='é🙂')", "\n`[f(a='\\d'),\r\n é.g(b='''\n\\w'''), f(a=h(1or 2))]` ", "[f(a=(1)), (g(b=2))]"]
)
def test_a_span_is_the_call_as_written(text):
    found = PYTHONIC.parse(text).calls
    assert len(found) == text.count("=")
    for call in found:
        assert decode(text[call.start : call.end]) == [{call.name: call.arguments}]


def test_a_span_stays_inside_of_the_text_where_the_opening_bracket_is_missing():
    (call,) = PYTHONIC.parse("x].g(a=1)#").calls
    assert (call.name, call.start, call.end) == ("g", 0, 9)


def test_a_text_that_does_not_decode_is_a_response():
    found = PYTHONIC.parse("I need the city.")
    assert (found.calls, found.response) == ((), "I need the city.")
    assert found.problem
    empty = PYTHONIC.parse("[]")
    assert (empty.calls, empty.response, empty.problem) == ((), None, None)
    assert PYTHONIC.parse("[f(a=1), [](b=1)]").calls[1].error == "the call has no name"


def test_results_are_one_user_message_as_officially_written():
    calls = PYTHONIC.parse("[f(a=1, b='x'), g(c={'d': {'e': 1}}), h(i={})]").calls
    results = ["1", "it's", "None"]
    (message,) = PYTHONIC.results(
        [CallRecord(call, ToolResult(text)) for call, text in zip(calls, results, strict=True)]
    )
    names = ["f(a=1, b='x')", "g(c=d(e=1))", "h(i={})"]
    data = {"model_responses_decoded": names}
    assert message == {"role": "user", "content": DECODING.format_execution_results_prompting({}, results, data)}
    assert PYTHONIC.results([CallRecord(ToolCall("f", {}))]) == ()
