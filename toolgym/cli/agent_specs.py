"""Reads several agents from one word: ``oracle,policy:model=smollm2,temperature=1,silent``."""

from __future__ import annotations

import json
import re
from typing import Any

from toolgym.cli.resolve import AGENTS, UserError, env_arguments, make_agent, offer
from toolgym.report.compare.comparison import CountTokens
from toolgym.rollout import Agent

_scan = json.JSONDecoder().raw_decode
_TEMPLATE = "template_kwarg="


def agent_specs(text: str) -> list[str]:
    """The agents of ``text``, each once. ``name=value`` belongs to the agent before it.

    Raises UserError for a name that is neither in ``AGENTS`` nor module:Class, and if ``text`` names no agent.
    """
    found: list[str] = []
    for word in filter(None, (word.strip() for word in _words(text))):
        if found and re.match(r"\w+=", word):
            found[-1] += ("," if options_of(found[-1])[1] else ":") + word
        else:
            found.append(word)
    for spec in found:
        name, _ = options_of(spec)
        if (base := name.partition(":")[0]) in AGENTS and base != name:
            raise UserError(f"agent {spec!r}: options are written name=value, {base}:seed=1")
        if ":" not in name and name not in AGENTS:
            raise UserError(f"no agent {name!r}: choose {', '.join(AGENTS)}, or give module:Class")
    if not found:
        raise UserError(f"no agent given: choose {', '.join(AGENTS)}, or give module:Class")
    return list(dict.fromkeys(found))


def options_of(spec: str) -> tuple[str, dict[str, Any]]:
    """An agent's name, and its options by their names in ``toolgym eval``. ``template_kwarg=name=value`` may repeat."""
    match = re.match(r"(.*?):(?=\w+=)(.*)", spec, re.DOTALL)
    if match is None:
        return spec, {}
    words = _words(match[2])
    template = [word.removeprefix(_TEMPLATE) for word in words if word.startswith(_TEMPLATE)]
    options = env_arguments([word for word in words if not word.startswith(_TEMPLATE)])
    if "max_new_tokens" in options:  # the earlier name
        options["max_completion_length"] = options.pop("max_new_tokens")
    return match[1], options | ({"template_kwarg": template} if template else {})


def _words(text: str) -> list[str]:
    """The text cut at its commas, except inside of a value that is a JSON object or list."""
    words, start, at = [], 0, 0
    while at < len(text):
        if text[at] in "{[" and text[at - 1 : at] == "=":
            try:
                at = _scan(text, at)[1]
                continue
            except (ValueError, RecursionError):
                pass
        elif text[at] == ",":
            words.append(text[start:at])
            start = at + 1
        at += 1
    return [*words, text[start:]]


class Player:
    """The agent of a spec, with its own seed for each repeat. ``dialect`` is the one that its envs were asked for.

    Raises what ``make_agent`` and ``offer`` raise.
    """

    def __init__(self, spec: str, seed: int, batch_size: int, dialect: str | None = None):
        self.name, options = options_of(spec)
        if "stop" in options:
            options["stop"] = [str(options["stop"])]
        self._options = {"batch_size": batch_size, **options}
        tools, needs = offer(self.name, options.get("tools"), dialect)
        self.env_kwargs = needs
        """What its envs need: no instructions if its chat template describes the tools, or a dialect."""
        if tools is not None:
            self._options["tools"] = tools
        self._seed = int(options.get("seed", seed))
        self.agent: Any = self._make(self._seed)

    def for_repeat(self, repeat: int) -> Agent:
        """The agent, reset for a repeat: its samples depend on the seed and the repeat only."""
        if hasattr(self.agent, "reseed"):
            self.agent.reseed(self._seed + repeat)
        elif self.name in AGENTS and "seed" in AGENTS[self.name].options:
            self.agent = self._make(self._seed + repeat)
        agent: Agent = self.agent
        return agent

    @property
    def count_tokens(self) -> CountTokens | None:
        """Counts tokens with the agent's tokenizer; None if it does not have one."""
        tokenizer = getattr(self.agent, "tokenizer", None)
        return None if tokenizer is None else lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])

    def _make(self, seed: int) -> Agent:
        return make_agent(self.name, {**self._options, "seed": seed})
