"use strict";
// One episode: the request, each action with its calls beside the expected calls, the verdict.

class EpisodeView {
  constructor() {
    this.element = h("article", {class: "episode"});
  }

  async show(query, again) {
    if (await drawOnce(this, "episode", query, again)) this.expect(await Source.get("expected", query), query);
    return null;
  }

  draw({run, episode, tokens, place, of, previous, next}) {
    this.turns = episode.turns.map((turn, i) => turnOf(turn, i, episode.turns.length));
    fill(this.element,
      steps(this, "episode", place, of, previous, next,
        h("button", {type: "button", onclick: () => copy(location.href, "the link")}, "copy link"),
        h("button", {type: "button", onclick: () => this.copyJson()}, "copy JSON"),
        h("button", {type: "button", onclick: () => copy(command(run, episode), "the command")}, "copy command")),
      h("header", {},
        h("h1", {tabindex: "-1"}, badge(episode.outcome), " ", episode.task, episode.repeat ? ` · repeat ${episode.repeat}` : ""),
        h("p", {class: "facts"},
          fact("reward", episode.outcome === "invalid" ? "–" : signed(episode.reward)),
          episode.category && fact("category", episode.category), episode.error && fact("error", episode.error),
          episode.endings.length > 0 && fact("ended by", episode.endings.join(", ")),
          fact("actions", episode.turns.length), fact("seconds", episode.seconds.toPrecision(2)), tokens && fact("advantage", advantageOf(tokens)), fact("run", run.name)),
        episode.why && h("p", {class: episode.outcome === "passed" ? "verdict" : "verdict bad"}, episode.why)),
      requestOf(episode), tokens && tokensOf(tokens), foldLine(this), this.turns);
  }

  back() {
    return address("episodes", changed(this.query, {task: null, repeat: null}));
  }

  /** Puts the expected calls beside the calls that were made. */
  expect(found, query) {
    if (this.query !== query) return;
    found.turns.forEach((turn, i) => beside(this.turns[i], turn));
    if (found.note && !found.turns.length) {
      this.element.querySelector(".fold").before(h("p", {class: "note"}, `The expected calls cannot be shown: ${found.note}`));
    } else if (found.note) this.element.querySelector(".fold").before(h("p", {class: "note"}, found.note));
  }

  async copyJson() {
    await copy(await Source.raw(this.query), "the episode as JSON");
  }

  key(event) {
    if (event.key !== "c") return episodeKey(this, event);
    this.copyJson();
    return true;
  }
}

/** Draws what a query asks for, if it is not what a view shows; whether it was drawn, and no later query has come. */
async function drawOnce(view, path, query, again) {
  if (again && view.shown === String(query)) return false;
  view.query = query;
  view.shown = "";
  const found = await Source.get(path, query);
  if (view.query !== query) return false;
  view.draw(found);
  view.shown = String(query);
  scrollTo(0, 0);
  return true;
}

/** The line above an episode: back, previous, next, and what can be copied. */
function steps(view, name, place_, of, previous, next, ...copies) {
  const near = (key, text, rel, hint) => key
    ? h("a", {class: "button", rel, href: address(name, changed(view.query, key)), title: hint}, text)
    : h("span", {class: "button off"}, text);
  return h("nav", {class: "steps", "aria-label": "episodes"},
    h("a", {class: "button", href: view.back(), title: "u"}, "↑ table"),
    near(previous, "← previous", "prev", "k or ←"), near(next, "next →", "next", "j or →"),
    h("span", {class: "note"}, place_ ? `${place_.toLocaleString("en")} of ${of.toLocaleString("en")}` : "not among the filtered episodes"),
    h("span", {class: "copies"}, copies));
}

/** Keys of a view with one episode, or with two. */
function episodeKey(view, event) {
  const link = {j: "next", ArrowRight: "next", k: "prev", ArrowLeft: "prev"}[event.key];
  if (link) view.element.querySelector(`[rel=${link}]`)?.click();
  else if (event.key === "u" || event.key === "Escape") location.hash = view.back();
  else if (event.key === "e") fold(view);
  else return false;
  return true;
}

function foldLine(view) {
  return h("p", {class: "fold"}, h("button", {type: "button", class: "quiet", onclick: () => fold(view)}, "collapse or expand all actions"),
    " ", h("kbd", {}, "e"));
}

function fold(view) {
  const open = !view.turns.some(turn => turn.open);
  view.turns.forEach(turn => { turn.open = open; });
}

function requestOf(episode) {
  const request = [...episode.messages].reverse().find(message => message.role === "user");
  return h("section", {class: "request"}, h("h2", {}, "request"), h("p", {}, request ? request.text : "(no message of a user)"),
    h("details", {class: "prompt"}, h("summary", {}, `the whole prompt: ${counted(episode.messages.length, "message")}`),
      episode.messages.map(messageOf)));
}

/** The advantage of the sampled tokens: one number, or the lowest and the highest. */
function advantageOf({tokens}) {
  const values = tokens.filter(([, , sampled]) => sampled).map(([, , , , advantage]) => advantage);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return !values.length ? "–" : low === high ? signed(low) : `${signed(low)} to ${signed(high)}`;
}

/** The tokens of a training episode, coloured by their advantage. */
function tokensOf({prompt, of, tokens}) {
  const most = Math.max(1e-9, ...tokens.map(([, , , , advantage]) => Math.abs(advantage)));
  const told = h("output", {class: "note"}, "choose a token to see its numbers");
  const pieces = tokens.map(([text, id, sampled, logprob, advantage]) => {
    const piece = h("span", {class: !sampled ? "token environment" : advantage > 0 ? "token up" : advantage < 0 ? "token down" : "token"}, text);
    if (sampled && advantage) piece.style.setProperty("--strength", `${Math.round(15 + 55 * Math.abs(advantage) / most)}%`);
    piece.numbers = sampled ? `${JSON.stringify(text)}: token ${id}, log-probability ${logprob}, advantage ${advantage}`
      : `${JSON.stringify(text)}: token ${id}, written by the environment`;
    return piece;
  });
  const show = event => { if (event.target.numbers) told.value = event.target.numbers; };
  return h("details", {class: "tokens card", open: true}, h("summary", {}, "tokens and advantages"),
    h("p", {class: "note"}, `${counted(of, "token")} after a prompt of ${prompt.toLocaleString("en")}. `,
      h("span", {class: "token up legend"}, "made more likely"), " ", h("span", {class: "token down legend"}, "made less likely"), " ",
      h("span", {class: "token environment"}, "written by the environment, not trained on")),
    h("pre", {class: "text", tabindex: "0", onmouseover: show, onclick: show}, pieces), h("p", {}, told));
}

function fact(name, value) {
  return h("span", {}, h("span", {class: "name"}, name), " ", String(value));
}

function command(run, episode) {
  const quote = text => /^[\w@%+=:,.\/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
  return `toolgym replay ${quote(run.folder)} --task ${quote(episode.task)}` + (episode.repeat ? ` --repeat ${episode.repeat}` : "");
}

function messageOf(message) {
  return h("div", {class: "message"}, h("b", {}, message.role, message.name && ` ${message.name}`),
    h("pre", {class: "text", tabindex: "0"}, message.text));
}

function turnOf(turn, i, of) {
  const marks = {};
  const text = turn.text.map(([piece, number]) => number
    ? h("mark", {class: turn.calls[number - 1].quality, "data-call": number}, piece) : piece);
  return h("details", {class: "turn", open: true},
    h("summary", {}, h("b", {}, of > 1 ? `action ${i + 1} of ${of}` : "action"),
      h("span", {class: "score"}, `reward ${signed(turn.reward)}`),
      h("span", {class: "note"}, turn.calls.length ? counted(turn.calls.length + turn.more_calls, "call") : "no call"),
      turn.unfinished && h("span", {class: "warning"}, turn.unfinished)),
    h("pre", {class: "text", tabindex: "0", "aria-label": "the model's text"}, text.length ? text : h("i", {}, "(empty text)")),
    turn.calls.length > 0 && h("ol", {class: "calls"}, turn.calls.map(callOf)),
    turn.more_calls > 0 && h("p", {class: "note"}, `${turn.more_calls} more calls are not shown.`),
    h("div", {class: "missing"}),
    h("ul", {class: "parts"}, turn.parts.map(partOf)),
    turn.replies.map(messageOf));
}

function partOf(part) {
  return h("li", {title: part.meaning}, h("span", {class: "name"}, part.name), " ", h("b", {}, signed(part.points)),
    part.reason && h("span", {class: "note"}, ` ${part.reason}`),
    part.parts.length > 0 && h("span", {class: "note inner"}, " = " + part.parts.map(each => `${each.name} ${signed(each.points)}`).join(", ")));
}

const QUALITY = {right: "as expected", partly: "the expected tool, other arguments", wrong: "not expected",
  apart: "not compared: an injected fault"};

function callOf(call) {
  const parameters = call.arguments.map(([name, value]) => h("tr", {}, h("th", {scope: "row"}, name), h("td", {}, value)));
  return h("li", {class: `call ${call.quality}`},
    h("p", {class: "called"}, h("code", {}, call.name), h("span", {class: `quality ${call.quality}`},
      call.malformed ? "cannot be read" : QUALITY[call.quality])),
    h("div", {class: "scroll"}, h("table", {class: "parameters"}, h("tbody", {}, parameters))),
    call.malformed && h("p", {class: "remark"}, call.malformed),
    call.problems.map(problem => h("p", {class: "remark"}, `against the schema: ${problem}`)),
    call.quality === "partly" && h("p", {class: "remark"}, call.reason),
    call.result !== null && h("div", {class: "result"}, h("b", {}, call.failure ? `result (${call.failure})` : "result"),
      h("pre", {class: "text", tabindex: "0"}, call.result)));
}

/** Adds what was expected to an action's calls, and the expected calls that were not made. */
function beside(turn, found) {
  const calls = turn.querySelectorAll(".call");
  found.calls.forEach((pair, i) => {
    if (!pair) return;
    const table = calls[i].querySelector(".parameters");
    fill(table, h("thead", {}, h("tr", {}, ["parameter", "made", "expected", ""].map(word => h("th", {scope: "col"}, word)))),
      h("tbody", {}, pair.parameters.map(compared)));
  });
  fill(turn.querySelector(".missing"), found.missing.map(call => h("div", {class: "call gold"},
    h("p", {class: "called"}, h("code", {}, call.name), h("span", {class: "quality wrong"}, "expected, not made")),
    h("div", {class: "scroll"}, h("table", {class: "parameters"}, h("tbody", {}, call.parameters.map(each =>
      h("tr", {}, h("th", {scope: "row"}, each.name), h("td", {}, each.gold)))))))),
    !found.expected && h("p", {class: "note"}, "No call was expected here."));
}

function compared(each) {
  const word = each.same ? "" : each.made === null ? "missing" : each.gold === null ? "surplus" : "differs";
  return h("tr", {class: word || "same"}, h("th", {scope: "row"}, each.name),
    h("td", {}, each.made === null ? "–" : each.made), h("td", {}, each.gold === null ? "–" : each.gold),
    h("td", {class: "difference"}, word));
}
