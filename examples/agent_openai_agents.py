"""The OpenAI Agents SDK as an agent of ``evaluate``. ``pip install openai-agents``.

Each tool needs an approval, so the run stops at the calls. The env runs them, and the tools return what the env said.
"""

import json

from agents import Agent, FunctionTool, ModelBehaviorError, RunConfig, Runner
from toolgym.agents.chat.names import Names
from toolgym.agents.chat_messages import action_text


class AgentsSDK:
    """Plays envs with ``dialect="openai"``. ``model``: a model of the SDK, or its name."""

    def __init__(self, model):
        self.model = model
        self.result = None

    def for_env(self, env):
        """An agent of its own for each env, since it remembers its conversation."""
        return AgentsSDK(self.model)

    async def act(self, observation):
        messages = observation["messages"]
        last = max((i for i, each in enumerate(messages) if each["role"] == "assistant"), default=-1)
        new = messages[last + 1 :]
        said = [{"role": each["role"], "content": each["content"]} for each in new if each["role"] == "user"]
        if last < 0:
            self.names, self.results = Names(observation["tools"]), {}
            tools = self._tools(observation)
            self.agent = Agent("agent", instructions=_system(messages), model=self.model, tools=tools)
            given = said
        elif self.result.interruptions:
            given = self.result.to_state()
            self.results = {each["tool_call_id"]: each["content"] for each in new if "tool_call_id" in each}
            for item in self.result.interruptions:
                given.approve(item)
        else:
            given = self.result.to_input_list() + said
        try:
            self.result = await Runner.run(self.agent, given, run_config=RunConfig(tracing_disabled=True))
        except ModelBehaviorError as error:  # such as a tool that does not exist: the model's own mistake counts
            return f"The model made a mistake: {error}"
        if not self.result.interruptions:
            return action_text({"content": str(self.result.final_output)}, native=True)
        items = [item.raw_item for item in self.result.interruptions]
        calls = [
            {"id": item.call_id, "type": "function", "function": {"name": item.name, "arguments": item.arguments}}
            for item in items
        ]
        return action_text({"content": None, "tool_calls": calls}, native=True, names=self.names)

    def _tools(self, observation):
        async def invoked(context, arguments):
            return self.results.get(context.tool_call_id, "")

        offered = [json.loads(json.dumps(self.names.tool(tool)))["function"] for tool in observation["tools"]]
        return [
            FunctionTool(
                tool["name"], tool.get("description", ""), tool["parameters"], invoked,
                strict_json_schema=False, needs_approval=True,
            )
            for tool in offered
        ]  # fmt: skip


def _system(messages):
    return "\n".join(each["content"] for each in messages if each["role"] == "system")


if __name__ == "__main__":
    from toolgym import evaluate

    agent = AgentsSDK("gpt-4.1-mini")
    episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={"dialect": "openai"}, n=20, out="runs/agents-sdk")
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
