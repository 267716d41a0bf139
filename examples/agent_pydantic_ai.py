"""A pydantic-ai agent as an agent of ``evaluate``. ``pip install "pydantic-ai-slim[openai]"``.

The env's tools are external tools: a run of the agent ends with the calls, and the next run begins with their results.
"""

import json

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, ExternalToolset, ToolDefinition

from toolgym.agents.chat.names import Names
from toolgym.agents.chat_messages import action_text


class PydanticAI:
    """Plays envs with ``dialect="openai"``. ``model``: a model of pydantic-ai, or its name."""

    def __init__(self, model):
        self.model = model
        self.history = None

    def for_env(self, env):
        """An agent of its own for each env, since it remembers its conversation."""
        return PydanticAI(self.model)

    async def act(self, observation):
        messages = observation["messages"]
        last = max((i for i, each in enumerate(messages) if each["role"] == "assistant"), default=-1)
        new = messages[last + 1 :]
        said = "\n\n".join(each["content"] for each in new if each["role"] == "user") or None
        if last < 0:
            self.names, self.history = Names(observation["tools"]), None
            self.agent = self._agent(observation)
        results = {each["tool_call_id"]: each["content"] for each in new if "tool_call_id" in each}
        result = await self.agent.run(
            said,
            message_history=self.history,
            deferred_tool_results=DeferredToolResults(calls=results) if results else None,
        )
        self.history = result.all_messages()
        if isinstance(result.output, DeferredToolRequests):
            calls = [
                {
                    "id": call.tool_call_id,
                    "type": "function",
                    "function": {"name": call.tool_name, "arguments": call.args_as_json_str()},
                }
                for call in result.output.calls
            ]
            return action_text({"content": None, "tool_calls": calls}, native=True, names=self.names)
        return action_text({"content": result.output}, native=True)

    def _agent(self, observation):
        offered = [json.loads(json.dumps(self.names.tool(tool)))["function"] for tool in observation["tools"]]
        tools = [
            ToolDefinition(
                name=tool["name"], parameters_json_schema=tool["parameters"], description=tool.get("description")
            )
            for tool in offered
        ]
        system = [each["content"] for each in observation["messages"] if each["role"] == "system" and each["content"]]
        return Agent(
            self.model,
            instructions="\n".join(system) or None,
            output_type=[str, DeferredToolRequests],
            toolsets=[ExternalToolset(tools)],
        )


if __name__ == "__main__":
    from toolgym import evaluate

    agent = PydanticAI("openai:gpt-4.1-mini")
    episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={"dialect": "openai"}, n=20, out="runs/pydantic-ai")
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
