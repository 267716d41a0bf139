"use strict";
// The difference of two texts, word by word (Myers, "An O(ND) Difference Algorithm", 1986), within a limit of work.

const MOST_EDITS = 1500;

/** [kind, text] pieces, kind " ", "-" (only in a) or "+" (only in b); null if the texts differ too much to say. */
function differences(a, b) {
  const split = text => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) || [];
  const one = split(a), other = split(b);
  let start = 0;
  while (start < one.length && start < other.length && one[start] === other[start]) start++;
  let end = 0;
  while (end < one.length - start && end < other.length - start
    && one[one.length - 1 - end] === other[other.length - 1 - end]) end++;
  const middle = edits(one.slice(start, one.length - end), other.slice(start, other.length - end));
  if (!middle) return null;
  return joined([...one.slice(0, start).map(word => [" ", word]), ...middle,
    ...one.slice(one.length - end).map(word => [" ", word])]);
}

function edits(a, b) {
  const history_ = [];
  let reach = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_EDITS); d++) {
    history_.push(new Map(reach));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? reach.get(k + 1) : reach.get(k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return path(a, b, history_);
    }
  }
  return null;
}

function path(a, b, history_) {
  const found = [];
  let x = a.length, y = b.length;
  for (let d = history_.length - 1; d >= 0; d--) {
    const reach = history_[d], k = x - y;
    const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const fromX = reach.get(from) ?? 0, fromY = fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) found.push([" ", (y--, a[--x])]);
    if (d === 0) break;
    if (down) found.push(["+", b[--y]]);
    else found.push(["-", a[--x]]);
  }
  return found.reverse();
}

function joined(pieces) {
  const found = [];
  for (const [kind, text] of pieces) {
    const last = found[found.length - 1];
    if (last && last[0] === kind) last[1] += text;
    else found.push([kind, text]);
  }
  return found;
}

/** A text for one side, "-" or "+", with what the other side lacks marked. */
function side(pieces, kind) {
  return pieces.filter(([each]) => each === " " || each === kind)
    .map(([each, text]) => each === " " ? text : h(kind === "-" ? "del" : "ins", {}, text));
}
