r"""A model that vLLM serves, as an agent of ``evaluate``: by its chat API, or by token ids.

    toolgym serve-sampler --python vllm-env/bin/python --model Qwen/Qwen3-8B -- \
        --enable-auto-tool-choice --tool-call-parser hermes
    python examples/agent_vllm.py

By the chat API the server applies the chat template and reads the calls. By token ids ToolGym does both, as
``toolgym eval --agent vllm`` does: any dialect, any model.
"""

from toolgym.agents.endpoint import AsyncEndpoint


def by_chat(url, model, **settings):
    """Plays envs with ``dialect="openai"``. ``url``: of the server, http://host:port."""
    return AsyncEndpoint(model, f"{url}/v1", api_key_env=None, tools="native", **settings)


def by_tokens(url, model, **settings):
    """Plays envs of any dialect. ``model``: the one served, whose tokenizer is read here (no weights are)."""
    from toolgym.agents.vllm.policy import VLLMPolicy  # needs the extra "train"

    return VLLMPolicy(url, model, **settings)


if __name__ == "__main__":
    from toolgym import evaluate

    for agent, dialect in (
        (by_chat("http://127.0.0.1:8000", "Qwen/Qwen3-8B"), "openai"),
        (by_tokens("http://127.0.0.1:8000", "Qwen/Qwen3-8B", max_new_tokens=1024), "hermes"),
    ):
        episodes = evaluate("ToolGym-Office-v0", agent, env_kwargs={"dialect": dialect}, n=20)
        print(sum(bool(episode.success) for episode in episodes), "of", len(episodes))
