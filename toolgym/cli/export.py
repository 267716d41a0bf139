"""``toolgym export``: the model of a training run, as a folder that transformers loads."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from rich.console import Console

ABOUT = """\
Write the model of a training run's last checkpoint to a new folder, in the
form that transformers and inference servers load. LoRA adapters are merged
into the model they were trained on."""
EXAMPLES = """\
  toolgym export runs/grpo --out models/mine
  toolgym export runs/grpo/checkpoints/step-000050 --out models/mine-50"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, and the folder to write."""
    parser.add_argument("run", metavar="RUN", help="a training run's folder, or one of its checkpoints")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="the folder to make")
    parser.add_argument(
        "--trust-remote-code", action="store_true", help="run code that comes with the adapters' base model"
    )


def run(args: argparse.Namespace, console: Console) -> None:
    """Write the model, and print its folder and size."""
    with console.status(f"writing {args.out} ..."):
        folder = import_module("toolgym.agents.export").export(
            args.run, args.out, trust_remote_code=args.trust_remote_code
        )
    found = import_module("toolgym.agents.checkpoint").of(Path(args.run))
    if import_module("toolgym.agents.lora").trained_in_4_bits(found):
        console.print("The adapters were trained on a base in 4 bits, so they are merged into its dequantised weights.")
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    console.print(f"{folder}: {size:,.1f} MB, to be loaded with transformers' from_pretrained", soft_wrap=True)
