"""A smolagents agent as an agent of ``evaluate``. ``pip install "smolagents[openai]"``.

The agent runs its own loop on a thread. When it calls a tool, the call becomes the action, and the thread waits until
the env has run it. This fits every library whose loop cannot be stopped at its calls, and CodeAgent too.
"""

import json
import queue
import threading

from smolagents import Tool, ToolCallingAgent

from toolgym.agents.chat_messages import action_text
from toolgym.tools.references import expanded


class SmolAgent:
    """Plays envs with ``dialect="openai"``. ``model``: a model of smolagents."""

    def __init__(self, model, make=ToolCallingAgent, **options):
        self.model = model
        self.make = make
        self.options = options
        self.waiting = None

    def for_env(self, env):
        """An agent of its own for each env, since it remembers its conversation."""
        return SmolAgent(self.model, self.make, **self.options)

    def act(self, observation):
        messages = observation["messages"]
        if not any(each["role"] == "assistant" for each in messages):
            if self.waiting is not None:
                self.waiting.put(None)  # ends the thread of an episode that was cut off
            self.said, self.waiting = queue.Queue(), queue.Queue()
            task = "\n\n".join(each["content"] for each in messages if each["content"])
            arguments = task, observation["tools"], self.said, self.waiting
            threading.Thread(target=self._play, args=arguments, daemon=True).start()
        else:
            self.waiting.put(messages[-1]["content"])
        said = self.said.get()
        if isinstance(said, BaseException):
            raise said
        return action_text(said, native=True)

    def _play(self, task, tools, said, waiting):
        def call(name, arguments):
            function = {"name": name, "arguments": json.dumps(arguments)}
            said.put({"content": None, "tool_calls": [{"id": "", "type": "function", "function": function}]})
            if (result := waiting.get()) is None:
                raise SystemExit
            return result

        try:
            agent = self.make([_tool(each["function"], call) for each in tools], self.model, **self.options)
            said.put({"content": str(agent.run(task))})
        except BaseException as error:
            said.put(error)


def _tool(function, call):
    schema = json.loads(json.dumps(expanded(function["parameters"])))
    required = schema.get("required", [])
    inputs = {
        name: {"type": "any", "description": "", **about, **({} if name in required else {"nullable": True})}
        for name, about in schema["properties"].items()
    }

    class EnvTool(Tool):
        skip_forward_signature_validation = True
        name = function["name"]
        description = function.get("description") or function["name"]
        output_type = "string"

        def forward(self, **arguments):
            return call(self.name, arguments)

    EnvTool.inputs = inputs
    return EnvTool()


if __name__ == "__main__":
    from smolagents import OpenAIModel

    from toolgym import evaluate

    agent = SmolAgent(OpenAIModel("gpt-4.1-mini"), max_tool_threads=1)
    episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={"dialect": "openai"}, n=20, out="runs/smolagents")
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
