"use strict";
// Training runs: numbers and curves, which go on while a run does, and the episodes that it kept.

class TrainingView {
  constructor() {
    this.element = h("div", {class: "training"});
  }

  async show(query, again) {
    this.query = query;
    const names = query.getAll("run").filter(name => trainings.includes(name));
    if (!trainings.length) {
      fill(this.element, h("section", {}, h("p", {}, "None of the folders holds a training run.")));
      return null;
    }
    const wanted = new URLSearchParams((names.length ? names : trainings).map(name => ["run", name]));
    await drawNew(this, "training", wanted, again);
    return null;
  }

  draw(found) {
    const kept = kind => found.kept.filter(run => run.name.includes(`/${kind}/`));
    const links = list => list.map(run => h("li", {}, h("a", {href: address("episodes", new URLSearchParams({run: run.name}))},
      run.name.split("/").slice(-1)[0]), found.names.length > 1 && h("span", {class: "note"}, ` ${run.training}`)));
    const evaluations = kept("evaluations"), groups = kept("groups");
    const [first, last] = [evaluations[0], evaluations[evaluations.length - 1]];
    fill(this.element,
      h("section", {}, h("h2", {}, "curves"), drawn(found.curves), h("p", {class: "note"}, found.reading)),
      h("section", {}, h("h2", {}, "numbers"), h("div", {class: "scroll"}, h("table", {},
        h("thead", {}, h("tr", {}, h("th", {}), found.names.map((name, i) => h("th", {scope: "col"}, h("i", {class: `key b${i % 6}`}), name)))),
        h("tbody", {}, found.numbers.map(([name, ...values]) => h("tr", {}, h("th", {scope: "row"}, name), values.map(value => h("td", {}, value)))),
          [...new Set(found.changes.flatMap(Object.keys))].map(name => h("tr", {}, h("th", {scope: "row"}, name),
            found.changes.map(each => h("td", {}, name in each ? String(each[name]) : "–"))))))),
        h("p", {class: "note"}, "Success in percent, [its 95 % interval] and @ the step of the evaluation."),
        found.about.map((text, i) => h("p", {class: "note"}, h("i", {class: `key b${i % 6}`}), text))),
      evaluations.length > 0 && h("section", {}, h("h2", {}, "evaluations on held-out tasks"),
        found.names.length === 1 && first !== last && h("p", {}, h("a", {href: address("compare", new URLSearchParams({run: first.name, other: last.name}))},
          "the same tasks before and after")), h("ul", {class: "kept"}, links(evaluations))),
      groups.length > 0 && h("section", {}, h("h2", {}, "training groups"),
        h("p", {class: "note"}, "One task each, played several times. Episodes with a reward above the group's mean become more likely."),
        h("ul", {class: "kept"}, links(groups))));
  }
}
