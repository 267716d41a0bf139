"""The OpenAI SDK as an agent of ``evaluate``: one request for each action. ``pip install openai``."""

import openai

from toolgym import AgentError
from toolgym.agents.chat.names import Names
from toolgym.agents.chat_messages import action_text, native_messages


class OpenAISDK:
    """Plays envs with ``dialect="openai"``.

    Args:
        model: the model's name.
        client: arguments of ``openai.AsyncOpenAI``, such as ``base_url``.
    """

    def __init__(self, model, **client):
        self.model = model
        self.settings = {"model": model}
        self.client = openai.AsyncOpenAI(**client)

    async def act(self, observation):
        """The model's answer as an action. A server that fails raises AgentError: the episode counts nowhere."""
        names = Names(observation["tools"])  # for names that the API does not allow
        tools = [names.tool(tool) for tool in observation["tools"]]
        try:
            answer = await self.client.chat.completions.create(
                model=self.model,
                messages=native_messages(observation["messages"], names),
                **({"tools": tools} if tools else {}),
            )
        except (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError) as error:
            raise AgentError(str(error), kind="server") from error
        return action_text(answer.choices[0].message.model_dump(), native=True, names=names)


if __name__ == "__main__":
    from toolgym import evaluate

    agent = OpenAISDK("gpt-4.1-mini")
    episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={"dialect": "openai"}, n=20, out="runs/openai")
    print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
