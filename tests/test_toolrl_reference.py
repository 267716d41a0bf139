"""The released ToolRL reward: hand-computed cases for every variant, and a slow implementation to compare with."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolgym.dialects import get_dialect
from toolgym.rewards import Evidence, ToolRLReward
from toolgym.rewards.reference import laid_out, reference_score, strip_chat, without_thought
from toolgym.types import Completion, ToolCall


def calling(*calls: tuple[str, dict[str, Any]], think: str = "ok", say: str | None = None) -> str:
    lines = "\n".join(json.dumps({"name": name, "parameters": parameters}) for name, parameters in calls)
    text = f"<think>{think}</think>\n<tool_call>\n{lines}\n</tool_call>"
    return text if say is None else f"{text}\n<response>{say}</response>"


def saying(text: str, think: str = "ok") -> str:
    return f"<think>{think}</think>\n<response>{text}</response>"


def correct(text: str, gold: str, **options: Any) -> float:
    return reference_score(text, gold, **options).correctness


TWO = ("convert", {"amount": 3, "unit": "km"})
GOLD = calling(TWO)
HALF = calling(("convert", {"amount": 3, "unit": "miles"}))  # names 1 + params 1 + values 1 = 3 of 4

# Correctness ----------------------------------------------------------------------------------------


def test_the_gold_text_scores_the_maximum():
    score = reference_score(GOLD, GOLD)
    assert (score.total, score.format, score.correctness, score.length) == (4, 1, 3, 0)


@pytest.mark.parametrize(
    ("calls", "points"),
    [
        ([("convert", {"amount": 3, "unit": "miles"})], 1 + 1 + 1),
        ([("convert", {"amount": 3})], 1 + 1 / 2 + 1),
        ([("convert", {"amount": 3, "unit": "km", "digits": 2})], 1 + 2 / 3 + 2),
        ([("convert", {"amount": 4, "unit": "miles"})], 1 + 1 + 0),
        ([("convert", {"x": 3})], 1 + 0 + 0),
        ([("other", {"amount": 3, "unit": "km"})], 0),
        ([TWO, ("other", {})], 1 / 2 + 1 + 2),
        ([TWO, *[(f"junk_{i}", {}) for i in range(20)]], 1 / 21 + 1 + 2),
        ([TWO, TWO], 1 / 2 + 1 + 2),
        ([("convert", {"unit": "km", "amount": 3.0})], 4),  # equal in Python: the maximum
    ],
)
def test_correctness_of_one_expected_call(calls, points):
    # maximum: 1 name + 1 parameter names + 2 values = 4; the range is -3 to 3
    assert correct(calling(*calls), GOLD) == pytest.approx(6 * points / 4 - 3)


def test_an_exact_call_with_junk_still_earns_half():
    assert correct(calling(TWO, *[(f"junk_{i}", {}) for i in range(20)]), GOLD) == pytest.approx(1.5714, abs=1e-4)


def test_the_order_of_the_gold_decides_between_0_and_2():
    # both: names 1, maximum 1 + (1+1) + (1+2) = 6; points 1 + 3/2 + 1/2 = 3 or 1 + 3 + 1 = 5
    made = calling(("f", {"a": 1, "b": 1}), ("f", {"a": 2}))
    assert correct(made, calling(("f", {"a": 1}), ("f", {"a": 1, "b": 1}))) == 6 * 3 / 6 - 3 == 0
    assert correct(made, calling(("f", {"a": 1, "b": 1}), ("f", {"a": 1}))) == 6 * 5 / 6 - 3 == 2


def test_an_exact_answer_in_another_order_still_scores_the_maximum():
    assert correct(calling(("g", {}), TWO), calling(TWO, ("g", {}))) == 3


def test_without_parameters():
    gold = calling(("f", {}))  # maximum 1 + 1 = 2
    assert correct(gold, gold) == 3
    assert correct(calling(("f", {"x": 1})), gold) == 6 * 1 / 2 - 3 == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "convert 3 km",
        saying("3 km"),
        "<think>ok</think>\n<tool_call>\n",
        calling(TWO).replace("}}", "}"),
        "<think>a <tool_call> is needed</think>\n" + GOLD,
        "<think>ok</think>\n<tool_call>\n\n</tool_call>",
        "<think>ok</think>\n<tool_call>\n3\n</tool_call>",
        "<think>ok</think>\n<tool_call>\nnull\n</tool_call>",
        '<think>ok</think>\n<tool_call>\n"convert"\n</tool_call>',
        '<think>ok</think>\n<tool_call>\n["convert"]\n</tool_call>',
        '<think>ok</think>\n<tool_call>\n{"name": ["convert"], "parameters": {}}\n</tool_call>',
        '<think>ok</think>\n<tool_call>\n{"name": "convert", "parameters": [1]}\n</tool_call>',
        '<think>ok</think>\n<tool_call>\n{"name": "convert"}\n</tool_call>',
        '<think>ok</think>\n<tool_call>\n{"name": "convert", "arguments": {"amount": 3, "unit": "km"}}\n</tool_call>',
        calling(TWO).replace("</tool_call>", "{}\n</tool_call>"),
        f"<think>ok</think>\n<tool_call>\n{'[' * 100_000}\n</tool_call>",
        f"<think>ok</think>\n<tool_call>\n{'9' * 10_000}\n</tool_call>",
    ],
)
def test_texts_whose_calls_cannot_be_read_score_the_minimum(text):
    assert correct(text, GOLD) == -3


def test_only_the_first_block_is_read():
    assert correct(HALF + "\n" + GOLD, GOLD) == 6 * 3 / 4 - 3 == 1.5
    assert reference_score(GOLD + "\n<tool_call>", GOLD).total == 0 + 3


def test_where_no_call_is_expected_calls_cost_only_the_format():
    gold = saying("Hello!")
    assert reference_score(saying("Bye."), gold).total == 1
    assert reference_score(calling(TWO), gold).total == reference_score("", gold).total == 0


# Variants -------------------------------------------------------------------------------------------


def test_strict_names_and_parameters():
    gold = calling(TWO, ("g", {}))  # maximum 1 + 3 + 1 = 5
    one_missing = calling(("convert", {"amount": 3}), ("g", {}))  # names 1, params 0 + 1, values 1
    assert correct(one_missing, gold, strict=True) == pytest.approx(6 * 3 / 5 - 3)
    other_order = calling(("g", {}), TWO)  # names in another order: 0; params 1 + 1, values 2
    assert correct(other_order, gold, strict=True) == pytest.approx(6 * 4 / 5 - 3)
    keys_turned = calling(("convert", {"unit": "km", "amount": 4}), ("g", {}))  # names 1, params 0 + 1, values 1
    assert correct(keys_turned, gold, strict=True) == pytest.approx(6 * 3 / 5 - 3)


def test_intermediate_counts_equal_calls():
    gold = calling(TWO, ("g", {}))  # maximum 1 + 1 + 1 = 3
    assert correct(calling(TWO, ("g", {"x": 1})), gold, granularity="intermediate") == pytest.approx(6 * 2 / 3 - 3)
    assert correct(calling(TWO), gold, granularity="intermediate") == pytest.approx(6 * 1.5 / 3 - 3)
    assert correct(calling(("g", {}), TWO), gold, granularity="intermediate") == 3


def test_coarse_is_all_or_nothing_and_minds_the_order():
    gold = calling(TWO, ("g", {}))
    assert correct(gold, gold, granularity="coarse") == 3
    assert correct(calling(("g", {}), TWO), gold, granularity="coarse") == -3
    assert correct(calling(TWO), gold, granularity="coarse") == -3


@pytest.mark.parametrize(
    ("scale", "step", "form", "best", "half"),
    [
        # best and half: correctness of the gold, and of 3 points of 4: (max - min) * 3/4 + min
        ("max", 0, (1, 0), 3, 1.5),
        ("equal", 0, (1, 0), 1, 0.5),
        ("two_stage", 0, (1, 0), 1, 0.5),  # 3/3 and -3/3
        ("two_stage", 29, (1, 0), 1, 0.5),
        ("two_stage", 30, (0.5, 0), 3, 1.5),  # the format halves instead
        ("two_stage", 105, (0.5, 0), 3, 1.5),
        ("dynamic", 0, (2, -2), 2, 1),  # format 2 - 1*0 and -2 + 2*0; correctness 2 + 0 and -2 - 0
        ("dynamic", 75, (1.5, -1), 2.5, 1.25),  # 2 - 75/150, -2 + 150/150; 2.5 and -2.5: 5 * 3/4 - 2.5
        ("dynamic", 105, (1.3, -1), 2.7, 1.35),  # min: -2 + 210/150 = -0.6, held at -1
        ("dynamic", 150, (1, -1), 3, 1.5),
        ("dynamic", 300, (1, -1), 3, 1.5),  # held: 0 would be the format's maximum, 4 the correctness's
    ],
)
def test_scales(scale, step, form, best, half):
    score = reference_score(GOLD, GOLD, scale=scale, step=step)
    assert (score.format, score.correctness) == pytest.approx((form[0], best))
    assert score.total == score.format + score.correctness
    assert correct(HALF, GOLD, scale=scale, step=step) == pytest.approx(half)
    bad = reference_score("", GOLD, scale=scale, step=step)
    assert (bad.format, bad.correctness) == pytest.approx((form[1], -best))


@pytest.mark.parametrize(
    ("length", "step", "words", "expected"),
    [
        ("off", 0, 512, 0),
        ("fixed", 0, 512, 1),
        ("fixed", 105, 256, 0.5),
        ("fixed", 0, 100, 0.20),  # 100/512 = 0.195
        ("fixed", 0, 1000, 1),
        ("fixed", 0, 0, 0),
        ("dynamic", 0, 384, 1),
        ("dynamic", 0, 192, 0.5),
        ("dynamic", 105, 320, 0.5),  # the limit is 384 + 256 = 640
        ("dynamic", 42, 243, 0.50),  # 384 + 256 * 42/105 = 486.4; 243/486.4 = 0.4996
        ("dynamic", 210, 448, 0.5),  # it grows on: 384 + 512 = 896
    ],
)
def test_lengths(length, step, words, expected):
    text = calling(TWO, think="word " * words)
    score = reference_score(text, GOLD, length=length, step=step)
    assert score.length == pytest.approx(expected)
    assert score.total == 4 + score.length


def test_length_counts_the_last_thought_and_needs_both_tags():
    def length(text: str) -> float:
        return reference_score(text, GOLD, length="fixed").length

    assert length("<think>" + "a " * 512) == 0
    assert length("<think>a</think><think>" + "a " * 256 + "</think> a a a") == 0.5
    assert length("</think><think>" + "a " * 256) == 0.5


# Layout ---------------------------------------------------------------------------------------------


def slow_layout(text: str, calls: bool, response: bool) -> bool:
    """The released patterns as regular expressions, one piece for each part of the gold."""
    pattern = "^<think>.*?</think>"
    tags = []
    if calls:
        pattern += "\n<tool_call>\n.*?\n</tool_call>"
        tags += ["<tool_call>", "</tool_call>"]
    if response:
        pattern += "\n<response>.*?</response>"
        tags += ["<response>", "</response>"]
    return re.search(pattern + "$", text, re.DOTALL) is not None and all(text.count(tag) == 1 for tag in tags)


PIECES = [
    "<think>",
    "</think>",
    "\n",
    "<tool_call>",
    "</tool_call>",
    "<response>",
    "</response>",
    "x",
    "\n<tool_call>\n",
]
IN_ORDER = [
    "<think>",
    "x",
    "</think>",
    "\n",
    "<tool_call>",
    "\n",
    "{}",
    "\n",
    "</tool_call>",
    "\n",
    "<response>",
    "</response>",
]


@st.composite
def layouts(draw: Any) -> str:
    """Near misses: the parts in order, some left out, some pieces put in between, perhaps a last newline."""
    parts = [part for part in IN_ORDER if draw(st.integers(0, 9)) > 0]
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from(PIECES)))
    return "".join(parts) + draw(st.sampled_from(["", "", "\n", "\n\n", " "]))


@settings(max_examples=500, deadline=None)
@given(st.one_of(layouts(), st.lists(st.sampled_from(PIECES), max_size=10).map("".join)), st.booleans(), st.booleans())
def test_the_layout_is_that_of_the_released_patterns(text, calls, response):
    assert laid_out(text, calls=calls, response=response) == slow_layout(text, calls, response)


@pytest.mark.parametrize(
    ("text", "calls", "response", "fine"),
    [
        (GOLD, True, False, True),
        (GOLD + "\n", True, False, True),  # "$" matches before a last newline
        (GOLD + "\n\n", True, False, False),
        (GOLD, True, True, False),
        (calling(TWO, say="Done."), True, True, True),
        (calling(TWO, say="Done."), True, False, False),
        (saying("Hi"), False, True, True),
        (saying(""), False, True, True),
        ("<think></think>", False, False, True),
        ("<think>a</think>b</think>", False, False, True),
        ("a<think></think>", False, False, False),
        (calling(TWO, think="a <tool_call> helps"), True, False, False),
        (calling(TWO, think="a <response> helps"), True, False, True),
        ("<think>x</think>\n<tool_call>\n</tool_call>", True, False, False),  # the line ends do not overlap
        ("<think>x</think>\n\n<tool_call>\n{}\n</tool_call>", True, False, False),
        ("<think>a\n<tool_call>\n{}\n</tool_call></think>\n<response>Hi</response>", False, True, True),
    ],
)
def test_layouts(text, calls, response, fine):
    assert laid_out(text, calls=calls, response=response) == fine == slow_layout(text, calls, response)


def test_layout_takes_linear_time():
    def seconds(n: int) -> float:
        text = "<think>" + "</think>\n<tool_call>\n" * n + "\n</tool_call> "
        start = process_time()
        laid_out(text, calls=True, response=False)
        reference_score(text, GOLD, length="fixed")
        return process_time() - start

    seconds(1000)
    assert min(seconds(50_000) for _ in range(3)) < 50 * min(seconds(5000) for _ in range(3))


# Gold texts and chat tags ---------------------------------------------------------------------------


def test_a_gold_that_mentions_the_tag_in_its_thought_is_refused_and_can_be_repaired():
    gold = calling(TWO, think="I should write it in <tool_call> tags.")
    with pytest.raises(ValueError, match=r"not one JSON object per line.*without_thought"):
        reference_score(GOLD, gold)
    repaired = without_thought(gold)
    assert repaired == GOLD.replace("ok", "")
    assert reference_score(GOLD, repaired).total == 4
    assert without_thought("no thought") == "no thought"


def test_chat_tags_are_taken_off():
    chat = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>a</think>\n<|im_end|>\n"
    assert strip_chat(chat, "qwen") == "<think>a</think>"
    assert strip_chat("<|im_start|>assistant x<|im_start|>assistant y<|im_end|>z", "qwen") == "y"
    chat = "<|start_header_id|>assistant<|end_header_id|>\n\n<think>a</think><|eot_id|><|eot_id|>"
    assert strip_chat(chat, "llama") == "<think>a</think>"
    assert strip_chat("  no tags ", "llama") == "no tags"
    with pytest.raises(ValueError, match="'qwen' or 'llama'"):
        strip_chat(chat, "gpt")  # type: ignore[arg-type]


# A slow implementation ------------------------------------------------------------------------------


def slow_jaccard(a: list[Any], b: list[Any], strict: bool) -> float:
    if strict or a == b or not a or not b:
        return float(a == b)
    return (Counter(a) & Counter(b)).total() / (Counter(a) | Counter(b)).total()


def slow_points(gold: list[Any], made: list[Any], granularity: str, strict: bool) -> float:
    """Share of the points, in [0, 1]. Raises if the released code does."""
    if gold == made:
        return 1.0
    if granularity == "coarse":
        return 0.0
    names = [[tool["name"] for tool in tools] for tools in (gold, made)]
    earned = slow_jaccard(*names, strict)
    possible = 1
    left = list(made)
    for tool in gold:
        wanted = tool["parameters"]
        possible += 1 if granularity == "intermediate" else 1 + len(wanted)
        offers = []
        for place, other in enumerate(left):
            if other["name"] == tool["name"]:
                if granularity == "intermediate":
                    worth = float(other == tool)
                else:
                    has = other["parameters"]
                    worth = slow_jaccard(list(wanted.keys()), list(has.keys()), strict)
                    worth += sum(1 for key in wanted if key in has and has[key] == wanted[key])
                offers.append((worth, -place))
        if offers and max(offers)[0] > 0:
            worth, place = max(offers)
            earned += worth
            left.pop(-place)
    return earned / possible


def slow_score(text: str, gold: str, step: int, granularity: str, strict: bool, scale: str, length: str) -> float:
    form, best, worst = (0.0, 1.0), 3.0, -3.0
    if scale == "equal" or (scale == "two_stage" and step < 30):
        best, worst = 1.0, -1.0
    elif scale == "two_stage":
        form = (0.0, 0.5)
    elif scale == "dynamic":
        part = step / 150
        form = (min(-1.0, -2 + 2 * part), max(1.0, 2 - part))
        best, worst = min(3.0, 2 + part), max(-3.0, -2 - part)
    calls, response = "<tool_call>" in gold, "<response>" in gold
    total = form[slow_layout(text, calls, response)]
    if calls:
        wanted = [json.loads(line) for line in re.split("</?tool_call>", gold)[1].strip().split("\n")]
        try:
            _, opened, after = text.partition("<tool_call>")
            block = after.partition("<tool_call>")[0].partition("</tool_call>")[0]
            assert opened
            assert "</tool_call>" in text
            made = [json.loads(line) for line in block.strip().split("\n")]
            total += worst + (best - worst) * slow_points(wanted, made, granularity, strict)
        except (AssertionError, ValueError, TypeError, KeyError, AttributeError):
            total += worst
    if length != "off" and "<think>" in text and "</think>" in text:
        limit = 512 if length == "fixed" else 384 + 256 * step / 105
        words = text.split("<think>")[-1].split("</think>")[0].split()
        total += min(1.0, round(len(words) / limit, 2))
    return total


NAN = float("nan")
VALUES = st.sampled_from([0, 1, True, 1.0, None, "x", [1], [], {}, {"a": True}, "y z", NAN]).map(copy.deepcopy)
PARAMETERS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)
TOOLS = st.fixed_dictionaries({"name": st.sampled_from("ffgh"), "parameters": PARAMETERS})
ODD = st.one_of(
    VALUES,
    st.fixed_dictionaries({"name": VALUES, "parameters": PARAMETERS}),
    st.fixed_dictionaries({"name": st.sampled_from("fg"), "parameters": VALUES}),
    st.fixed_dictionaries({"name": st.just("f"), "parameters": PARAMETERS, "id": st.just(1)}),
    st.fixed_dictionaries({"name": st.just("f")}),
)


@st.composite
def pairs_of_texts(draw: Any) -> tuple[str, str]:
    """A gold text, and a completion made from it: calls dropped, edited, added, shuffled, tags damaged."""
    gold = draw(st.lists(st.one_of(TOOLS, TOOLS, TOOLS, ODD), min_size=1, max_size=4))
    made = [json.loads(json.dumps(tool)) for tool in gold]
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.integers(0, 4))
        if change == 0 and made:
            made.pop(draw(st.integers(0, len(made) - 1)))
        elif change == 1:
            made.insert(draw(st.integers(0, len(made))), draw(st.one_of(TOOLS, TOOLS, ODD)))
        elif change == 2:
            made = draw(st.permutations(made))
        elif made and isinstance(made[0], dict) and isinstance(made[0].get("parameters"), dict):
            made[0]["parameters"][draw(st.sampled_from("abcd"))] = draw(VALUES)
    calls, response = draw(st.sampled_from([(True, False), (True, True), (False, True), (False, False)]))

    def text(tools: list[Any], think: str) -> str:
        out = f"<think>{think}</think>"
        if calls:
            out += "\n<tool_call>\n" + "\n".join(map(json.dumps, tools)) + "\n</tool_call>"
        return out + "\n<response>Hi</response>" if response else out

    completion = text(made, draw(st.sampled_from(["ok", "", "word " * 300, "a <tool_call>", "</think>"])))
    if draw(st.integers(0, 5)) == 0:
        piece = draw(st.sampled_from([*PIECES, "junk", "{"]))
        at = draw(st.integers(0, len(completion)))
        completion = completion[:at] + piece + completion[at + draw(st.integers(0, 2)) :]
    return completion, text(gold, "gold")


OPTIONS = st.fixed_dictionaries(
    {
        "step": st.sampled_from([0, 1, 29, 30, 104, 105, 149, 150, 151, 400]),
        "granularity": st.sampled_from(["fine", "fine", "intermediate", "coarse"]),
        "strict": st.booleans(),
        "scale": st.sampled_from(["max", "equal", "two_stage", "dynamic"]),
        "length": st.sampled_from(["off", "fixed", "dynamic"]),
    }
)


@settings(max_examples=1500, deadline=None)
@given(pairs_of_texts(), OPTIONS)
def test_equal_to_a_slow_implementation(texts, options):
    completion, gold = texts
    assert reference_score(completion, gold, **options).total == pytest.approx(
        slow_score(completion, gold, **options), abs=1e-9
    )


@settings(max_examples=300, deadline=None)
@given(pairs_of_texts(), OPTIONS)
def test_the_rubric_gives_the_same_reward(texts, options):
    completion, gold = texts
    dialect = get_dialect("toolrl")
    try:
        expected = tuple(
            ToolCall(tool["name"], tool["parameters"])
            for tool in map(json.loads, gold.partition("<tool_call>\n")[2].partition("\n</tool_call>")[0].splitlines())
            if isinstance(tool["parameters"], dict) and isinstance(tool["name"], str) and len(tool) == 2
        )
    except (TypeError, KeyError):
        return
    gold = dialect.render(Completion("", expected, "gold", "Hi" if "<response>" in gold else None))
    evidence = Evidence(dialect.parse(completion), expected, dialect, "<response>" in gold)
    scores = ToolRLReward(matching="reference", **options).score(evidence)
    assert scores.total == reference_score(completion.strip(), gold, **options).total
    assert scores.total == pytest.approx(sum(term.weight * term.score for term in scores.terms))
    assert len(scores.calls) == len(evidence.completion.calls)
