"""No text breaks a dialect, and none takes more than linear time.

``python tests/test_dialects_fuzz.py 100000`` runs 100,000 texts per dialect, and times texts of 1 MB.
"""

from __future__ import annotations

import gc
import random
import sys
import time

import pytest

from toolgym import ToolCall
from toolgym.dialects import DIALECTS, get_dialect
from toolgym.dialects.json.calls import MAX_CALLS
from toolgym.dialects.python.python_source import MAX_CHARS
from toolgym.types import CallRecord, Completion, ToolResult

SEEDS = [
    Completion("", (ToolCall("put", {"key": "k0_1", "value": 3}),), "step"),
    Completion("", (ToolCall("a.b", {"x": [1, {"y": None}], "z": -1.5e300}), ToolCall("now", {})), "a < b", "Done."),
    Completion("", (ToolCall("say", {"text": 'q"\n\\d </tool_call> 🙂 {"name": 1}'}),) * 3),
    Completion("", (), "nothing to do", "It's 5: [f(x=1)]"),
]
TOKENS = [
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<response>", "</response>", "<|python_tag|>", "<|eot_id|>",
    '"name"', '"parameters"', '"arguments"', '"tool_calls"', '"content"', '"function"', '{"name":"f","parameters":{}}',
    "{", "}", "[", "]", "(", ")", '"', "'", "\\", ",", ";", ":", "=", ".", "-", "+", "*", "**", "%", "#", "`", "\n",
    "\r", "\t", " ", "\x00", "\x0c", "\u2028", "\xa0", "\ufeff", "\ud800", "🙂", "é", "null", "true", "None", "NaN",
    "1e999", "0x", "9", "1" * 5000, "[" * 300, "{" * 1200, "f(", "f(a=", "**a", "'a'*9999999", "9**9**9", "lambda: ",
    "not ", "f'{", "\\u12", "\\ud83d", "\\N{DASH}", "await ", "x for x in y", "\\777", "1or", "`" * 3, "...",
]  # fmt: skip


def texts(name, seed):
    """Mutated outputs of a dialect and random ones, without end."""
    dialect, source = get_dialect(name), random.Random(f"{name} {seed}")
    corpus = [dialect.render(completion) for completion in SEEDS]
    while True:
        if source.random() < 0.2:
            yield "".join(source.choices(TOKENS, k=source.randint(0, 12)))
            continue
        text = source.choice(corpus)
        for _ in range(source.choice((1, 1, 2, 4, 8))):
            start = source.randint(0, len(text))
            end = min(len(text), start + source.choice((0, 0, 1, 3, 10, 40)))
            middle = source.choice(("", source.choice(TOKENS), text[start:end] * 2, source.choice(corpus)[start:end]))
            text = text[:start] + middle + text[end:]
        yield text


def plain(calls):
    return repr([(call.name, call.arguments) for call in calls])


def check(dialect, text):
    """What must hold of any text."""
    found = dialect.parse(text)
    assert found.text == text
    assert len(found.calls) <= MAX_CALLS + 1
    position = 0
    for call in found.calls:
        assert position <= call.start <= call.end <= len(text)
        assert call.error is None or call.arguments == {}
        assert len(call.error or "") <= 250
        position = call.start
    verdicts = [dialect.well_formed(found, calls=c, response=r) for c in (True, False) for r in (True, False)]
    assert {type(verdict) for verdict in verdicts} == {bool}
    dialect.results([CallRecord(call, ToolResult("ok")) for call in found.calls])
    if found.calls and all(call.error is None for call in found.calls):
        try:
            again = dialect.render(found)
        except TypeError:  # a set, from arithmetic on sets
            assert dialect.name in ("pythonic", "compact")
            return
        assert plain(dialect.parse(again).calls) == plain(found.calls)


def fuzz(name, count, seed=0):
    dialect, source = get_dialect(name), texts(name, seed)
    for _ in range(count):
        text = next(source)
        try:
            check(dialect, text)
        except Exception as error:
            raise AssertionError(f"{name} fails on {text!r}") from error


@pytest.mark.parametrize("name", DIALECTS)
def test_any_text_is_read(name):
    fuzz(name, 2_000)


@pytest.mark.parametrize("name", DIALECTS)
def test_no_depth_of_nesting_is_too_much(name):
    dialect = get_dialect(name)
    for depth in range(850, 1010):
        deep = "[" * depth + "]" * depth
        for text in (
            deep,
            f'{{"tool_calls": {deep}}}',
            f"<tool_call>{deep}</tool_call>",
            f'{{"name": "f",\n"x": {deep}}}',
        ):
            check(dialect, text)
            assert not any(call.error is None for call in dialect.parse(text).calls)


UNITS = [
    *TOKENS, "<tool_call>{", "<tool_call>\n{}\n</tool_call>", "<tool_call></tool_call>", "</think><tool_call>", '"\\',
    "<think></think>", '{"a":', '{"name":"f","parameters":{}}\n', '{"name": "f",\n', '{"tool_calls":[', '<tool_call>["',
    'x {"name":"f","parameters":{}} y\n', '{"name": "f", "parameters": {"a": \n', '{"parameters": ["', "[f(",
    "f(a=1)\n",
    "1,", "f(a=1),", "f(a='a'*99)", "1+", "[f(", "<", "{},", "\\\\", '"\\"',
]  # fmt: skip
OPENINGS = [
    "",
    "<think>a</think>\n<tool_call>\n",
    "[f(a=",
    '{"name": "',
    '{"tool_calls": [',
    "<|python_tag|>",
]


def seconds(dialect, text):
    """Processor time, without the garbage collector's, which grows with everything else in the process."""
    gc.disable()
    start = time.thread_time()
    found = dialect.parse(text)
    dialect.well_formed(found, calls=True, response=True)
    end = time.thread_time()
    gc.enable()
    return end - start


def slowest(name, size):
    """The worst ratio of times, of a text of ``size`` characters and one of 10 times as many; 10 is linear."""
    dialect, worst = get_dialect(name), (0.0, "", "", 0.0)
    for opening in OPENINGS:
        for unit in UNITS:
            long = (opening + unit * (10 * size // len(unit) + 1))[: 10 * size]
            short = long[:size]
            few = max(min(seconds(dialect, short) for _ in range(3)), size * 2e-8)
            many = seconds(dialect, long)
            for _ in range(6):  # another process may get in the way
                if many < 30 * few:
                    break
                many = min(many, seconds(dialect, long))
            worst = max(worst, (many / few, opening, unit, many))
    return worst


@pytest.mark.parametrize("name", DIALECTS)
def test_ten_times_the_text_takes_about_ten_times_the_time(name):
    assert slowest(name, MAX_CHARS // 10)[0] < 40


if __name__ == "__main__":
    for each in DIALECTS:
        started = time.perf_counter()
        fuzz(each, int(sys.argv[1]), seed=1)
        took = time.perf_counter() - started
        ratio, *what, slow = slowest(each, 100_000)
        sys.stdout.write(
            f"{each}: {sys.argv[1]} texts in {took:.0f} s; "
            f"a text of 1 MB takes at most {ratio:.1f} times as long as one of 100 KB ({what}, {slow:.2f} s)\n"
        )
