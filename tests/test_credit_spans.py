"""Calls found in the tokens that wrote them, byte by byte, whatever the tokenizer makes of characters."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from toolgym.agents.training.credit import token_spans

PIECES = [
    b"a", b"{", b"}", b'"', b"\n", b"}\n{", b"\xe2", b"\x82", b"\xac", b"\xe2\x82", b"\x82\xac", b"\xac}", b"\xa9{",
    b"\xc3", b"\xc3\xa9", b"\xa9", b"\xf0\x9f", b"\x98", b"\x80", b"\xf0\x9f\x98\x80", b"\xef\xbf\xbd", b"\xef",
    b"\xbf", b"\xbd", b"\xff", b"x\xc3", b"\x80a", b" ", b" a",
]  # fmt: skip
SPECIAL = ["<|im_end|>", "<|tool é|>"]


def byte_level():
    """A tokenizer of whole and broken characters, and of what lies between them."""
    alphabet = {bytes([b]): c for b, c in zip(range(256), _byte_symbols(), strict=True)}
    assert sorted(alphabet.values()) == sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["".join(alphabet[bytes([b])] for b in piece) for piece in PIECES]
    tokenizer = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token=names[0]))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    return tokenizer


def _byte_symbols():
    """GPT-2's symbols: printable bytes stand for themselves, the others for what comes after 255."""
    kept = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(b) if b in kept else chr(next(others)) for b in range(256)]


BYTES = byte_level()


def decode_bytes(token_ids):
    return BYTES.decode(list(token_ids), skip_special_tokens=False)


def characters(data):
    """(first byte, one past the last) of each character of data decoded with replacement, by the Unicode standard:
    a whole character, else the longest beginning of one (at least a byte), which becomes U+FFFD."""
    at = 0
    while at < len(data):
        for n in (1, 2, 3, 4):
            try:
                data[at : at + n].decode()
                break
            except UnicodeDecodeError:
                continue
        else:
            n = 1
            for longer in (2, 3):
                try:
                    codecs.getincrementaldecoder("utf-8")().decode(data[at : at + longer])
                    n = min(longer, len(data) - at)
                except UnicodeDecodeError:
                    break
        n = min(n, len(data) - at)
        yield at, at + n
        at += n


def check(token_ids, choose=None):
    """Compare with the bytes that each token stands for, for every span or those chosen."""
    pieces = [PIECES[i] if i < len(PIECES) else SPECIAL[i - len(PIECES)].encode() for i in token_ids]
    whole = b"".join(pieces)
    text = decode_bytes(token_ids)
    assert text == whole.decode("utf-8", "replace")
    where = list(characters(whole))
    assert len(where) == len(text)
    starts = [sum(map(len, pieces[:i])) for i in range(len(pieces) + 1)]
    spans = [(a, b) for a in range(len(text)) for b in range(a + 1, len(text) + 1)]
    spans = spans if choose is None else choose(spans)
    found = token_spans(token_ids, spans, decode_bytes)
    for (a, b), (first, last) in zip(spans, found, strict=True):
        begin, end = where[a][0], where[b - 1][1]
        holding = [i for i in range(len(pieces)) if starts[i] < end and starts[i + 1] > begin]
        assert list(range(first, last)) == holding


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, len(PIECES) + len(SPECIAL) - 1), min_size=1, max_size=25), st.data())
def test_every_span_is_found_in_the_tokens_byte_by_byte(token_ids, data):
    check(token_ids, lambda spans: data.draw(st.lists(st.sampled_from(spans), max_size=4)))


def test_tokens_that_complete_or_break_off_the_character_before():
    for first in range(len(PIECES)):
        for second in range(len(PIECES)):
            check([first, second])


def test_tokenizers_with_a_mark_for_blanks_and_byte_tokens():
    """As of Llama 2 and Gemma: the first blank is stripped, and unknown characters are spelt in bytes."""
    words = ["▁add", "▁{", "}", "<0xC3>", "<0xA9>", "{", "▁x", "</s>", "<0xF0>", "<0x9F>", "<0x98>", "<0x80>"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="}"))
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)

    def decode(token_ids):
        return tokenizer.decode(list(token_ids), skip_special_tokens=False)

    token_ids = [0, 1, 3, 4, 5, 6, 2, 2, 7]
    text = decode(token_ids)
    assert text == "add {é{ x}}</s>"
    spans = [(0, 3), (4, 5), (4, 11), (5, 6), (6, 7), (6, 11), (7, 9), (11, 15)]
    assert token_spans(token_ids, spans, decode) == [(0, 1), (1, 2), (1, 8), (2, 4), (4, 5), (4, 8), (5, 6), (8, 9)]
    # the bytes of an emoji are four characters as long as the last is missing
    assert [decode([8, 9, 10, 11, 5][:n]) for n in range(1, 6)] == ["\ufffd", "\ufffd" * 2, "\ufffd" * 3, "😀", "😀{"]
    assert token_spans([8, 9, 10, 11, 5], [(0, 1), (1, 2), (0, 2)], decode) == [(0, 4), (4, 5), (0, 5)]


def test_finding_calls_takes_few_decodings():
    asked = []

    def decode(token_ids):
        asked.append(len(token_ids))
        return "".join(map(chr, token_ids))

    assert token_spans([97] * 4096, [(1000, 3000)], decode) == [(1000, 3000)]
    assert len(asked) < 40
