"""A LangGraph graph as an agent of ``evaluate``. ``pip install langgraph langchain-openai``.

The graph stops before its node "tools". The env runs the calls, and their results go on from there.
"""

from uuid import uuid4

from langchain_core.messages import ToolMessage, convert_to_openai_messages
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from toolgym.agents.chat.names import Names
from toolgym.agents.chat_messages import action_text


def make_graph(model, tools):
    """A graph of your own may be any other; it needs a node "tools" and a checkpointer."""
    bound = model.bind_tools(tools)

    async def think(state):
        return {"messages": [await bound.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", think)
    builder.add_node("tools", lambda state: {})
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", lambda state: "tools" if state["messages"][-1].tool_calls else END)
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=InMemorySaver(), interrupt_before=["tools"])


class LangGraphAgent:
    """Plays envs with ``dialect="openai"``. ``model``: a chat model of LangChain."""

    def __init__(self, model):
        self.model = model
        self.graph = None

    def for_env(self, env):
        """An agent of its own for each env, since it remembers its conversation."""
        return LangGraphAgent(self.model)

    async def act(self, observation):
        messages = observation["messages"]
        last = max((i for i, each in enumerate(messages) if each["role"] == "assistant"), default=-1)
        if last < 0 or self.graph is None:
            self.names = Names(observation["tools"])
            self.graph = make_graph(self.model, [self.names.tool(tool) for tool in observation["tools"]])
            self.thread = {"configurable": {"thread_id": uuid4().hex}}
            new = [{"role": each["role"], "content": each["content"]} for each in messages if each["content"]]
            state = await self.graph.ainvoke({"messages": new}, self.thread)
        else:
            new = messages[last + 1 :]
            results = [
                ToolMessage(each["content"], tool_call_id=each["tool_call_id"])
                for each in new
                if "tool_call_id" in each
            ]
            said = [{"role": "user", "content": each["content"]} for each in new if each["role"] == "user"]
            if results:
                await self.graph.aupdate_state(self.thread, {"messages": results}, as_node="tools")
            state = await self.graph.ainvoke({"messages": said} if said else None, self.thread)
        answer = convert_to_openai_messages(state["messages"][-1])
        return action_text(answer, native=True, names=self.names)


if __name__ == "__main__":
    from langchain_openai import ChatOpenAI

    from toolgym import evaluate

    agent = LangGraphAgent(ChatOpenAI(model="gpt-4.1-mini"))
    episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={"dialect": "openai"}, n=20, out="runs/langgraph")
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
