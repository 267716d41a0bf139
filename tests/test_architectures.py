"""Models of many architectures: what is sampled has the probabilities of a plain forward, and so has what is trained.

``tiny_architectures.py`` makes them. The trainer's runs of most of them are marked ``slow``: pytest -m slow.
"""

from __future__ import annotations

import copy
import math
import random
from functools import cache

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from test_train import config  # noqa: E402
from tiny_architectures import ALL, tiny  # noqa: E402
from tiny_lm import byte_tokenizer  # noqa: E402

from toolgym.agents.export import export  # noqa: E402
from toolgym.agents.lora import with_lora  # noqa: E402
from toolgym.agents.model import load_model  # noqa: E402
from toolgym.agents.policy import Policy  # noqa: E402
from toolgym.agents.sampling.choose_engine import engine_for  # noqa: E402
from toolgym.agents.sampling.engine import PlainEngine, plain_logits  # noqa: E402
from toolgym.agents.sampling.unpadded_engine import UnpaddedEngine, select_rows  # noqa: E402
from toolgym.agents.tokens import Sample  # noqa: E402
from toolgym.agents.training.batch import Batch  # noqa: E402
from toolgym.agents.training.forward import TrainingForward  # noqa: E402
from toolgym.agents.training.trainer import Trainer  # noqa: E402
from toolgym.assets import AssetError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

model_of = cache(tiny)


def policy_of(kind, **settings):
    return Policy((model_of(kind), byte_tokenizer()), **{"max_new_tokens": 6, "temperature": 0.8, **settings})


def prompts(*lengths):
    source = random.Random(str(lengths))
    return [[source.randrange(256) for _ in range(length)] for length in lengths]


def plain(model, generation, temperature):
    """The log-probabilities of all tokens at each sampled one, (n, V), from one forward on the text alone."""
    ids = torch.tensor([[*generation.prompt_ids, *generation.token_ids]])
    with torch.no_grad():
        logits = plain_logits(model, ids)[0, len(generation.prompt_ids) - 1 : -1]
    return (logits / temperature).log_softmax(-1)


def assert_scored(model, generations, temperature=0.8):
    for generation in generations:
        wanted = plain(model, generation, temperature)
        got = torch.tensor(generation.logprobs)
        torch.testing.assert_close(
            got, wanted.gather(1, torch.tensor(generation.token_ids)[:, None])[:, 0], atol=1e-4, rtol=0
        )


def samples_of(generations):
    for generation in generations:
        prompt, tokens = list(generation.prompt_ids), list(generation.token_ids)
        n = len(prompt) + len(tokens)
        logprobs = [0.0] * len(prompt) + list(generation.logprobs)
        yield Sample(prompt + tokens, [0] * len(prompt) + [1] * len(tokens), logprobs, [0.0] * n, len(prompt))


@pytest.mark.parametrize("kind", ALL)
def test_every_token_has_the_probability_that_a_plain_forward_gives_it(kind):
    model, policy = model_of(kind), policy_of(kind, batch_size=4)
    short, long, middle = prompts(1, 21, 9)
    # several lengths in one batch, one prompt twice, more prompts than fit into a batch
    first = policy.sample_ids([short, long, middle, long, prompts(4)[0]])
    assert_scored(model, first)
    assert first[1].token_ids != first[3].token_ids
    # a second turn of two of the conversations, with replies of different lengths
    texts = [[*g.prompt_ids, *g.token_ids, *reply] for g, reply in zip(first[1:3], prompts(3, 11), strict=True)]
    second = policy.sample_ids(texts)
    assert_scored(model, second)
    # a fork: the second turn once more, twice, and a third turn of it
    policy.branch([*second[0].prompt_ids, *second[0].token_ids], len(second[0].prompt_ids))
    third = [*second[0].prompt_ids, *second[0].token_ids, *prompts(2)[0]]
    assert_scored(model, policy.sample_ids([texts[0], third, texts[0]]))


@pytest.mark.parametrize("kind", ["mamba2", "falcon_h1", "rwkv", "recurrent_gemma", "lfm2", "qwen3_next"])
def test_a_greedy_answer_is_the_most_likely_and_ends_at_a_stop_string_or_the_limit(kind):
    model, policy = model_of(kind), policy_of(kind, temperature=0.0)
    answers = policy.sample_ids(prompts(5, 13))
    assert_scored(model, answers, temperature=1.0)
    for answer in answers:
        found = plain(model, answer, 1.0)
        assert torch.all(found.max(-1).values - torch.tensor(answer.logprobs) < 1e-4)
    stop = policy.decode(answers[0].token_ids[:3])
    (stopped,) = policy_of(kind, temperature=0.0, stop=[stop]).sample_ids(prompts(5, 13)[:1])
    assert (stopped.finish_reason, stopped.token_ids) == ("stop", answers[0].token_ids[:3])
    (cut,) = policy.sample_ids(prompts(5, 13)[:1], max_tokens=7)
    assert (cut.finish_reason, cut.token_ids) == ("length", answers[0].token_ids[:2])


@pytest.mark.parametrize("kind", ALL)
def test_training_sees_the_probabilities_of_sampling_and_the_gradients_of_a_plain_forward(kind):
    model, policy = model_of(kind), policy_of(kind)
    long, short = prompts(14, 3)
    generations = policy.sample_ids([long, short, long])
    batch, forward = Batch.of(list(samples_of(generations))), TrainingForward(model)
    torch.testing.assert_close(forward.score(batch, 0.8), batch.logprobs, atol=1e-4, rtol=0)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    got = torch.autograd.grad(forward.logprobs(batch)[0].sum(), weights, allow_unused=True)
    total = torch.zeros(())
    for generation in generations:
        ids = torch.tensor([[*generation.prompt_ids, *generation.token_ids]])
        logprobs = plain_logits(model, ids)[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
        total = total + logprobs[len(generation.prompt_ids) - 1 :].sum()
    wanted = torch.autograd.grad(total, weights, allow_unused=True)
    norm = math.sqrt(sum(float(each.square().sum()) for each in wanted if each is not None))
    for ours, theirs in zip(got, wanted, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or (ours - theirs).norm() <= 1e-4 * norm
    if forward.width:  # what PPO's value head reads
        assert forward.hidden(batch).shape == (int(batch.mask.sum()), forward.width)


# The trainer -------------------------------------------------------------------------------------


def trains(kind, folder):
    """A step of each algorithm: the sampler and the trainer agree, the weights change, a checkpoint is the model."""
    for algo in ("sft", "grpo", "ppo"):
        model = copy.deepcopy(model_of(kind))
        before = copy.deepcopy(model.state_dict())
        more = {"beta": 0.1} if algo == "ppo" else {}
        settings = config(folder / algo, algo=algo, steps=1, eval_tasks=1, **more)
        run = Trainer(settings, loaded=(model, byte_tokenizer()))
        metrics = run._train_step()
        assert math.isfinite(metrics["grad_norm"])
        assert metrics["grad_norm"] > 0
        if algo != "sft":
            assert abs(metrics["importance/log_ratio"]) < 1e-4
        assert any(not torch.equal(before[name], weight) for name, weight in model.state_dict().items())
        again, _ = load_model(run.save(), "cpu", "float32")
        ids = torch.tensor([prompts(12)[0]])
        torch.testing.assert_close(plain_logits(again, ids), plain_logits(model, ids), atol=1e-5, rtol=0)
        assert run.evaluate()["eval/episodes"] == 1.0


FAST = ("mamba", "qwen3_5_text")


@pytest.mark.parametrize("kind", FAST)
def test_sft_grpo_and_ppo(kind, tmp_path):
    trains(kind, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in FAST])
def test_sft_grpo_and_ppo_of_every_other_architecture(kind, tmp_path):
    trains(kind, tmp_path)


@pytest.mark.parametrize("kind", ["mamba", "jamba", "llama4_text", "gpt2"])
def test_adapters_are_part_of_the_model_that_samples_and_trains_and_are_exported_with_it(kind, tmp_path):
    pytest.importorskip("peft")
    base = tmp_path / "base"
    model_of(kind).save_pretrained(base)
    byte_tokenizer().save_pretrained(base)
    settings = config(tmp_path / "run", algo="sft", model=str(base), lora_rank=2, steps=2, learning_rate=0.1)
    run = Trainer(settings, loaded=load_model(base, "cpu", "float32"))
    run.run()
    trained = [weight for name, weight in run.model.named_parameters() if "lora_B" in name]
    assert trained
    assert all(weight.abs().sum() > 0 for weight in trained)  # an adapter without a gradient would not be in the model
    exported, _ = load_model(export(tmp_path / "run", tmp_path / "out"), "cpu", "float32")
    ids = torch.tensor([prompts(12)[0]])
    assert not torch.allclose(plain_logits(model_of(kind), ids), plain_logits(run.model, ids), atol=1e-2)
    torch.testing.assert_close(plain_logits(exported, ids), plain_logits(run.model, ids), atol=1e-4, rtol=1e-4)


def test_a_checkpoint_after_eval_mode_has_the_weights_of_rwkv():
    model = tiny("rwkv")
    before = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        wanted = plain_logits(model, torch.tensor(prompts(5)))  # divides the weights of the seventh layer
    assert any(not torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    policy = Policy((model, byte_tokenizer()), max_new_tokens=3)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert_scored(model, policy.sample_ids(prompts(5)), 1.0)
    torch.testing.assert_close(plain_logits(model, torch.tensor(prompts(5))).detach(), wanted, atol=1e-3, rtol=0)


# Engines -----------------------------------------------------------------------------------------


def test_models_of_attention_alone_are_padded_and_others_are_not():
    assert isinstance(engine_for(model_of("mixtral")), PlainEngine)
    assert isinstance(engine_for(model_of("qwen3_next")), UnpaddedEngine)


def test_a_model_without_a_cache_runs_the_whole_text():
    engine = engine_for(model_of("recurrent_gemma"))  # its states are kept in the modules, for one text at a time
    assert (type(engine), engine.mode) == (UnpaddedEngine, "recompute")


def test_rows_of_a_prompt_share_its_prefill_and_are_decoded_together():
    policy, seen = policy_of("mamba", temperature=3.0), []
    hook = policy.model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    policy.sample_ids(prompts(9) * 4 + prompts(5))
    hook.remove()
    assert seen[:4] == [(1, 5), (1, 9), (1, 1), (4, 1)]


def test_rows_of_a_cache_of_any_type():
    class Layer:
        def __init__(self):
            self.state = torch.arange(6.0).view(3, 2)
            self.seen = torch.tensor([7])

    layer = Layer()
    cache = {"a": (layer, [layer.state, None]), "config": transformers.LlamaConfig(), "use_cache": True}
    chosen = select_rows(cache, torch.tensor([2, 0, 0, 1]), 3)
    assert chosen["a"][0].state.tolist() == [[4, 5], [0, 1], [0, 1], [2, 3]]
    assert chosen["a"][1][0] is chosen["a"][0].state
    assert chosen["config"] is cache["config"]
    chosen["a"][0].seen += 1
    assert layer.seen.tolist() == [7]
    assert layer.state.shape == (3, 2)


@pytest.mark.parametrize("kind", ["bert", "xlnet"])
def test_a_model_that_reads_later_tokens_is_refused(kind):
    settings = {"vocab_size": 258, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    more = {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64} if kind == "xlnet" else {"intermediate_size": 64}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = transformers.CONFIG_MAPPING[kind](**settings | more, initializer_range=0.3)
        model = transformers.AutoModelForCausalLM.from_config(made).eval()
    with pytest.raises(AssetError, match="depend on the tokens that follow"):
        Policy((model, byte_tokenizer()))


def test_an_encoder_decoder_is_refused_by_sampler_and_trainer():
    made = transformers.T5Config(vocab_size=258, d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4)
    model = transformers.T5ForConditionalGeneration(made).eval()
    with pytest.raises(AssetError, match="T5ForConditionalGeneration is not a causal language model"):
        Policy((model, byte_tokenizer()))
    with pytest.raises(AssetError, match="T5ForConditionalGeneration cannot be trained: its forward raises"):
        TrainingForward(model)


def test_a_model_with_dropout_samples_as_in_eval_mode():
    model = tiny("gpt2").train()
    policy = Policy((model, byte_tokenizer()), max_new_tokens=4)
    assert not model.training
    assert_scored(model, policy.sample_ids(prompts(6)), 1.0)


def test_adapted_models_are_sampled_with_their_adapters():
    pytest.importorskip("peft")
    model = with_lora(tiny("qwen3_next"), 2, seed=0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.3)
    policy = Policy((model, byte_tokenizer()), max_new_tokens=4, temperature=1.0)
    assert type(policy._engine) is UnpaddedEngine
    assert_scored(model, policy.sample_ids(prompts(6, 3) * 2), 1.0)
