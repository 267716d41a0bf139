"""The page's style sheet and script, which its content security policy admits by their hashes."""

from __future__ import annotations

STYLE = """
:root { --ink: #1c2430; --soft: #5d6878; --page: #f6f7f9; --card: #fff; --line: #dde2ea; --code: #f1f3f7;
  --edge: #b9c2cf;
  --good: #1a7f4e; --good-bg: #d9f2e4; --part: #8a5a00; --part-bg: #fdeecb; --bad: #b3261e; --bad-bg: #fbdedb;
  --c0: #2f6fd0; --c1: #d9772b; --c2: #1f9e89; --c3: #b5529c; --c4: #7a8b1f; --c5: #6d5bd0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #98a3b3; --page: #11151b; --card: #191f27;
  --edge: #000;
  --line: #2d3642; --code: #11161d; --good: #6fd6a0; --good-bg: #143a28; --part: #f0c060; --part-bg: #40310d;
  --bad: #ff9a90; --bad-bg: #45191a;
  --c0: #6ea4f4; --c1: #f0a060; --c2: #4fc7b2; --c3: #dd8ac8; --c4: #b6c45a; --c5: #a698f2; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 0 0 12px; }
h3 { font-size: 15px; margin: 18px 0 6px; } h4 { font-size: 13px; margin: 0 0 6px; color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px;
  margin: 18px 0; }
small, .note { color: var(--soft); font-size: 13px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 24px; padding: 0; margin: 6px 0 0; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 7px; flex: none; }
.b0 { background: var(--c0); } .b1 { background: var(--c1); } .b2 { background: var(--c2); }
.b3 { background: var(--c3); } .b4 { background: var(--c4); } .b5 { background: var(--c5); }
.s0 { fill: var(--c0); } .s1 { fill: var(--c1); } .s2 { fill: var(--c2); }
.s3 { fill: var(--c3); } .s4 { fill: var(--c4); } .s5 { fill: var(--c5); }
.l0 { stroke: var(--c0); } .l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); }
.l3 { stroke: var(--c3); } .l4 { stroke: var(--c4); } .l5 { stroke: var(--c5); }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(290px, 100%), 1fr)); gap: 14px 18px; }
figure { margin: 0; break-inside: avoid; } figcaption { font-size: 14px; font-weight: 500; }
.curve { display: block; width: 100%; height: auto; } .curve text { fill: var(--soft); font-size: 11px; }
.curve polyline { fill: none; stroke-linejoin: round; } .curve .grid { stroke: var(--line); }
.curve .main { stroke-width: 2; } .curve .mean { stroke-width: 1.3; opacity: .75; stroke-dasharray: 4 2; }
.curve .raw { stroke-width: 1; opacity: .28; } .curve .interval { stroke-width: 1.3; opacity: .5; fill: none; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 1fr)); gap: 4px 24px; }
.pair > div { min-width: 0; } .to { color: var(--soft); margin: 0 -6px; }
dl.glossary { margin: 10px 0 0; color: var(--soft); } dl.glossary dt { color: var(--ink); }
.chart { display: block; max-width: 860px; margin-bottom: 16px; overflow: visible; }
.chart text { fill: var(--ink); font-size: 12px; } .chart .axis, .chart .number { fill: var(--soft);
  font-size: 11px; }
.chart .number { white-space: pre; }
.chart .grid { stroke: var(--line); }
.chart .whisker { stroke: var(--ink); stroke-width: 1.4; fill: none; opacity: .75; }
/* a shadow where a table goes on beyond the edge; the covers, which scroll with the table, hide it at its ends */
.scroll { overflow-x: auto; background:
  linear-gradient(to right, var(--card) 50%, transparent) left / 48px 100% local,
  linear-gradient(to left, var(--card) 50%, transparent) right / 48px 100% local,
  linear-gradient(to right, var(--edge), transparent) left / 16px 100%,
  linear-gradient(to left, var(--edge), transparent) right / 16px 100%; background-repeat: no-repeat; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: 4px 8px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; } tbody th { font-weight: 500; }
td.words { white-space: normal; text-align: left; min-width: 260px; }
thead th { color: var(--soft); font-weight: 500; font-size: 13px; white-space: normal; vertical-align: bottom; }
.overall th, .overall td { font-weight: 700; border-bottom: none; }
.filter { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; position: sticky; top: 0; z-index: 1;
  background: var(--card); padding: 8px 0; }
.filter select, .filter input { font: inherit; font-size: 14px; color: inherit; background: var(--code);
  border: 1px solid var(--line); border-radius: 6px; padding: 5px 8px; }
.filter input { flex: 1; min-width: 160px; } .filter output { color: var(--soft); font-size: 13px; }
.episode { border-top: 1px solid var(--line); content-visibility: auto; contain-intrinsic-size: auto 38px; }
.episode[hidden] { display: none; }
.episode > summary { display: flex; gap: 10px; align-items: center; padding: 7px 0; cursor: pointer;
  font-size: 14px; }
.episode > summary b { flex: 0 1 auto; min-width: max-content; }
.episode > summary::-webkit-details-marker { display: none; }
.episode[open] { padding-bottom: 16px; }
.badge { font-size: 12px; font-weight: 600; border-radius: 5px; padding: 1px 8px; min-width: 62px;
  text-align: center; flex: none; }
.passed { color: var(--good); background: var(--good-bg); } .failed { color: var(--bad); background: var(--bad-bg); }
.invalid { color: var(--part); background: var(--part-bg); }
.run { color: var(--soft); margin-left: -7px; flex: none; } .score { font-variant-numeric: tabular-nums; flex: none; }
.why { color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 13px; }
.verdict.bad { color: var(--bad); } .verdict { margin: 4px 0; overflow-wrap: anywhere; }
.link { float: right; font-size: 13px; color: var(--soft); scroll-margin-top: 150px; }
.asked { margin: 6px 0; font-size: 16px; }
.prompt > summary { color: var(--soft); cursor: pointer; font-size: 13px; }
.text { background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; margin: 6px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; max-height: 480px;
  overflow-y: auto; }
.turn { border-left: 3px solid var(--line); padding-left: 14px; margin: 12px 0; }
.message b { font-size: 13px; color: var(--soft); }
mark { color: inherit; border-radius: 4px; padding: 1px 2px; }
mark.right { background: var(--good-bg); } mark.partly { background: var(--part-bg); }
mark.wrong { background: var(--bad-bg); }
mark::before { content: attr(data-call); font-weight: 700; font-size: 11px; margin-right: 4px; color: var(--soft); }
.reward { font-size: 14px; } .reward ul { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px;
  padding: 0; margin: 2px 0 8px; }
.calls { padding-left: 22px; margin: 8px 0; } .calls li { margin: 8px 0; padding-left: 4px; }
.calls code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.calls .right::marker { color: var(--good); } .calls .wrong::marker { color: var(--bad); }
.calls .partly::marker { color: var(--part); }
.bars { display: flex; flex-wrap: wrap; gap: 4px 22px; font-size: 13px; color: var(--soft); margin: 3px 0; }
.bar { display: inline-flex; align-items: center; gap: 7px; }
.track { display: inline-block; width: 90px; height: 8px; border-radius: 4px; background: var(--line);
  overflow: hidden; }
.fill { display: block; height: 8px; background: var(--part); } .fill.w20 { background: var(--good); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 1px 12px; margin: 4px 0; font-size: 13px; }
dt { color: var(--soft); } dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 240px;
  overflow-y: auto; }
@media (max-width: 560px) { header, main { padding: 0 8px; } section { padding: 14px 12px; }
  th, td { white-space: normal; } .episode > summary { flex-wrap: wrap; }
  .episode > summary b { min-width: 0; overflow-wrap: anywhere; }
  .why { flex-basis: 100%; } .turn { padding-left: 8px; } dl { grid-template-columns: 1fr; } dd { margin-left: 12px; } }
@media print { body { background: none; font-size: 12px; print-color-adjust: exact; }
  section { border: none; padding: 0; }
  header, main { max-width: none; padding: 0; } .filter { display: none; } .scroll { overflow: visible; }
  .text, dd { max-height: none; overflow: visible; } tr, .episode > summary, .chart { break-inside: avoid; }
  .episode { content-visibility: visible; } table { font-size: 11px; } th, td { padding: 2px 6px; } }
""" + "".join(f".w{step} {{ width: {5 * step}%; }}\n" for step in range(21))

SCRIPT = """
const form = document.querySelector(".filter");  // not every page has one
const episodes = [...document.querySelectorAll(".episode")];
const words = new Map();
function textOf(episode) {
  if (!words.has(episode)) words.set(episode, episode.textContent.toLowerCase());
  return words.get(episode);
}
function filter() {
  const wanted = Object.fromEntries(new FormData(form));
  const text = wanted.text.toLowerCase();
  let shown = 0;
  for (const episode of episodes) {
    const fits = ["run", "category", "outcome"].every(key => !wanted[key] || episode.dataset[key] === wanted[key])
      && (!text || textOf(episode).includes(text));
    episode.hidden = !fits;
    shown += fits;
  }
  form.querySelector("output").value = shown + " of " + episodes.length + " episodes";
}
let timer;
if (form) {
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 150); });
  form.addEventListener("submit", event => event.preventDefault());
  filter();
}
"""
