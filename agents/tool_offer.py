"""How a local model is told of its tools: by the messages of the environment, or by its own chat template.

By default the environment's system message describes the tools and teaches the dialect. With ``tools="template"`` the
policy gives the tools to its chat template (``tools=`` of ``apply_chat_template``), which describes them in the words
the model was trained on. The environment is then made with ``instructions=False``, and with the dialect in which the
model was trained to call, which reads its answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolgym.env import ToolEnv

from .tokens import ChatTokens, Tools


def check_offer(chat: ChatTokens, env: ToolEnv) -> None:
    """Raises ValueError if the tools are described by both the environment's instructions and the chat template, or
    by neither, or if the dialect has to be taught."""
    by_template, by_env = chat.tools == "template", getattr(env, "instructed", True)
    dialects = "hermes, llama3 or pythonic, as the model was trained"
    if by_template and by_env:
        raise ValueError(
            'tools="template" describes the tools in the words of the chat template: make the environment with '
            f"instructions=False, and the dialect {dialects}"
        )
    if by_template and (name := env.dialect.name) in ("toolrl", "compact"):
        raise ValueError(f'a chat template does not teach the dialect {name}: with tools="template", choose {dialects}')
    if not by_env and not by_template and env.dialect.name != "openai":
        raise ValueError(
            "the environment was made with instructions=False, so nothing tells the model of its tools: use "
            'tools="template"'
        )


class FirstTools:
    """Remembers the tools of each conversation's first prompt, which stay in its later prompts.

    An environment may offer more tools later, and announces them in a message: a prompt only grows at its end.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[Tools]] = {}  # a first prompt's messages -> the tools that were offered with it

    def of(self, messages: Sequence[Mapping[str, Any]], tools: Tools) -> Tools:
        """The tools that were offered with the conversation's first prompt.

        Args:
            messages: the conversation. It goes on from a first prompt if that is what stands before one of its answers.
                (A first prompt may hold answers itself: of demonstrations.)
            tools: on offer now.
        """
        for i, message in enumerate(messages):
            if message["role"] == "assistant":
                known = self._known.get(repr(list(messages[:i])), ())
                if earlier := [each for each in known if all(tool in tools for tool in each)]:
                    return max(earlier, key=len)
        first = self._known.setdefault(repr(list(messages)), [])
        if tools not in first:
            first.append(tools)
        return tools
