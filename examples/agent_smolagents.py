"""A smolagents agent as an agent of ``evaluate``. ``pip install "smolagents[openai]"``.

The agent runs its own loop, so it has ``play`` in place of ``act``: each call of a tool is an action of the episode.
This fits every library whose loop cannot be stopped at its calls, and CodeAgent too.
"""

import json

from smolagents import Tool, ToolCallingAgent

from toolgym.tools.references import expanded


class SmolAgent:
    """Plays envs of any dialect.

    Args:
        model: a model of smolagents.
        make: the class of the agent.
        options: further arguments of ``make``.
    """

    concurrency = 4

    def __init__(self, model, make=ToolCallingAgent, **options):
        self.model = model
        self.make = make
        self.options = options

    def play(self, episode):
        """Play the episode; returns the agent's final answer."""
        task = "\n\n".join(message["content"] for message in episode.messages if message["content"])
        tools = [_tool(each["function"], episode) for each in episode.tools]
        return str(self.make(tools, self.model, **self.options).run(task))


def _tool(function, episode):
    schema = json.loads(json.dumps(expanded(function["parameters"])))
    required = schema.get("required", [])

    class EnvTool(Tool):
        skip_forward_signature_validation = True
        name = function["name"]
        description = function.get("description") or function["name"]
        output_type = "string"
        inputs = {
            argument: {
                "type": "any",
                "description": "",
                **about,
                **({} if argument in required else {"nullable": True}),
            }
            for argument, about in schema["properties"].items()
        }

        def forward(self, **arguments):
            return episode.call(self.name, arguments)

    return EnvTool()


if __name__ == "__main__":
    from smolagents import OpenAIModel

    from toolgym import evaluate

    agent = SmolAgent(OpenAIModel("gpt-4.1-mini"), max_tool_threads=1)
    episodes = evaluate("ToolGym-Office-v0", agent, n=20, out="runs/smolagents")
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
