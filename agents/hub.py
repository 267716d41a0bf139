"""Models named on the Hugging Face hub: whether there is one of this name, and whether it can be reached."""

from __future__ import annotations

import os
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from toolgym.assets import AssetError

from .model_files import check_config

SECONDS = 10.0
"""Time for the hub to answer the first question. (Downloads retry for up to a minute.)"""


def check(name: str, *, trust_remote_code: bool = False, download: bool = True) -> bool:
    """Whether the model has to come from the cache alone, because the hub cannot be reached or must not be asked.

    Args:
        name: of the model on the hub.
        trust_remote_code: as in ``load_model``.
        download: False allows only a model that is in the cache.

    Raises AssetError if the model is not in the cache and cannot be downloaded, or if it cannot be used.
    """
    try:
        validate_repo_id(name)
    except HFValidationError:
        raise AssetError(f"{name!r} is neither a folder nor a name on the Hugging Face hub (owner/model)") from None
    cached = _is_cached(name, "config.json")
    if not (cached or download):
        raise AssetError(
            f"the adapters belong to the model {name!r}, which is not on this machine. It is not downloaded because a "
            f"file names it: run `hf download {name}`, or write its folder into adapter_config.json."
        )
    files: list[str] = []
    reached = False
    if download:
        try:
            files = [each.rfilename for each in HfApi().model_info(name, timeout=SECONDS).siblings or ()]
            reached = True
        except RepositoryNotFoundError:
            raise AssetError(
                f"there is no model {name!r}: no folder here, and no public model on the Hugging Face hub"
            ) from None
        except Exception as error:  # no network, a proxy's refusal, HF_HUB_OFFLINE, a server's error, ...
            if not cached:
                raise AssetError(
                    f"there is no folder {name!r}, and the Hugging Face hub cannot be asked for a model of that name "
                    f"({type(error).__name__}: {error}). With no network, download it elsewhere and give its folder."
                ) from None
    if "adapter_config.json" in files or _is_cached(name, "adapter_config.json"):
        raise AssetError(
            f"{name!r} holds LoRA adapters: `hf download {name} --local-dir FOLDER` gets them; then give the folder"
        )
    try:
        config = Path(hf_hub_download(name, "config.json", local_files_only=not reached))
    except Exception as error:  # e.g. a gated model, or one of GGUF files alone
        raise AssetError(f"cannot read config.json of the model {name!r} on the Hugging Face hub: {error}") from None
    check_config(config, trust_remote_code=trust_remote_code)
    return not reached


def _is_cached(name: str, file: str) -> bool:
    return isinstance(try_to_load_from_cache(name, file), (str, os.PathLike))
