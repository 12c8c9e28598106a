"""From a name to a loaded network: the shipped checkpoint, a folder, or a Hugging Face hub id.

Only safetensors weights are read and code from a checkpoint is never run. A checkpoint with a
missing or mis-shaped tensor is refused: nothing in a loaded network is random.
"""

from __future__ import annotations

import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForImageTextToText

from echovlm.engine.network import Network
from echovlm.errors import CheckpointError, LayoutError, OptionError, TensorError
from echovlm.model import EchoVLMForConditionalGeneration, EchoVLMProcessor
from echovlm.model.checkpoints import local_folder
from echovlm.model.config import EchoVLMConfig, is_released
from echovlm.terms import Language

COMPARABLE = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")
"""Model types of transformers that run beside EchoVLM for comparison."""

CALIBRATION_FILE = "calibration.json"
"""``{"temperature": T}`` beside the weights: fitted for closed-set scoring on held-out cases."""

NOTICE_FILE = "notice.json"
"""``{"en": ..., "zh": ...}`` beside the weights: a warning that every result carries."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_LARGE_BYTES = 2 << 30  # weights above this load as bfloat16 on a CPU, which halves their memory
_SAMPLE_BYTES = 1 << 20


def load(
    model: str | Path | None,
    device: str = "auto",
    dtype: str = "auto",
    max_visual_tokens: int | None = None,
) -> Network:
    """Load a checkpoint.

    Args:
        model: folder, hub id ("owner/name"), or None for the nano checkpoint of the package.
        device: "auto" (a GPU where there is one), "cpu", "cuda", "cuda:1", "mps".
        dtype: "auto", "float32", "bfloat16" or "float16".
        max_visual_tokens: most visual tokens per image; None for the default.

    Raises:
        OptionError: for a device, dtype or token limit that cannot be used.
        CheckpointError: if the checkpoint cannot be found, read or trusted.
    """
    place = _device(device)
    if dtype != "auto" and dtype not in DTYPES:
        raise OptionError(f"Unknown dtype '{dtype}'; choose auto, {', '.join(DTYPES)}.")
    if max_visual_tokens is not None and not 4 <= max_visual_tokens <= 16384:
        raise OptionError(
            f"--max-visual-tokens must lie between 4 and 16384, not {max_visual_tokens}."
        )
    folder, name, version = _find(model)
    config = _json(folder / "config.json")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise CheckpointError(
            f"{folder} holds no .safetensors weights; other formats are not read."
        )
    kind = DTYPES.get(dtype) or _default_dtype(place, sum(file.stat().st_size for file in weights))
    network = _weights(folder, config, kind).to(place).eval()
    processor = _processor(folder)
    _check_tokenizer(folder, processor, network)
    return Network(
        model=network,
        processor=processor,
        name=name,
        version=version or _fingerprint(weights),
        temperature=_temperature(folder),
        notices=_notices(folder),
        max_visual_tokens=max_visual_tokens,
    )


def _find(model: str | Path | None) -> tuple[Path, str, str]:
    """Folder of a checkpoint, the name results give it, and its version if the hub states one."""
    if model is None:
        folder = Path(str(resources.files("echovlm"))) / "nano"
        if not (folder / "config.json").is_file():
            raise CheckpointError(
                "This installation carries no nano checkpoint; name one with --model."
            )
        return folder, "echovlm-nano", ""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder, folder.resolve().name, ""
    if folder.exists():
        raise CheckpointError(f"{model} is a file; give the checkpoint's folder.")
    if not _HUB_ID.fullmatch(str(model)):
        raise CheckpointError(f"There is no checkpoint folder {model}.")
    folder = local_folder(str(model), {})
    return folder, str(model), folder.name[:12]


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise OptionError(
            f"The device '{device}' is unknown or absent here; use auto or cpu."
        ) from error
    if place.type not in ("cpu", "cuda", "mps"):
        raise OptionError(f"The device '{device}' is not supported; use auto, cpu, cuda or mps.")
    return place


def _default_dtype(place: torch.device, weight_bytes: int) -> torch.dtype:
    if place.type == "cpu" and weight_bytes <= _LARGE_BYTES:
        return torch.float32
    return torch.bfloat16


def _weights(folder: Path, config: dict[str, Any], dtype: torch.dtype) -> Any:
    kind = config.get("model_type")
    settings = {"dtype": dtype, "use_safetensors": True, "local_files_only": True}
    try:
        if kind == EchoVLMConfig.model_type or is_released(config):
            return EchoVLMForConditionalGeneration.from_pretrained(folder, **settings)
        if kind in COMPARABLE:
            return _comparable(folder, settings)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} could not be loaded: {_first_line(error)}") from error
    raise LayoutError(
        f"{folder} is a checkpoint of type '{kind}', which is not known here; known are "
        f"{EchoVLMConfig.model_type}, {', '.join(COMPARABLE)}."
    )


def _comparable(folder: Path, settings: dict[str, Any]) -> Any:
    network, info = AutoModelForImageTextToText.from_pretrained(
        folder, trust_remote_code=False, output_loading_info=True, **settings
    )
    absent = sorted(str(key) for key in info["missing_keys"])
    if absent:
        raise TensorError(
            f"{folder} lacks {len(absent)} tensor(s), the first is {absent[0]}; download it again."
        )
    return network


def _processor(folder: Path) -> Any:
    try:
        processor = EchoVLMProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder} has no usable tokenizer and image processor; put tokenizer.json and "
            "preprocessor_config.json (or processor_config.json) beside the weights."
        ) from error
    if not processor.chat_template:
        raise CheckpointError(f"{folder} has no chat template.")
    return processor


def _check_tokenizer(folder: Path, processor: Any, network: Any) -> None:
    """Refuse a tokenizer that was made for another network."""
    entries, rows = len(processor.tokenizer), network.get_input_embeddings().num_embeddings
    if entries > rows or processor.image_token_id != network.config.image_token_id:
        raise CheckpointError(
            f"The tokenizer in {folder} does not belong to its weights: it has {entries} entries "
            f"for {rows} embeddings and numbers the image token {processor.image_token_id} instead "
            f"of {network.config.image_token_id}."
        )


def _temperature(folder: Path) -> float | None:
    if not (folder / CALIBRATION_FILE).is_file():
        return None
    value = _json(folder / CALIBRATION_FILE).get("temperature")
    if not isinstance(value, int | float) or not 0 < value < 1e6:
        raise CheckpointError(f"{folder / CALIBRATION_FILE} holds no positive temperature.")
    return float(value)


def _notices(folder: Path) -> dict[Language, str]:
    file = folder / NOTICE_FILE
    if not file.is_file():
        return {}
    said = _json(file)
    if set(said) != set(Language) or not all(isinstance(text, str) for text in said.values()):
        raise CheckpointError(f"{file} needs one text for each of {', '.join(Language)}.")
    return {language: said[language] for language in Language}


def _fingerprint(weights: list[Path]) -> str:
    """Digest over size, head and tail of the weight files: differs whenever training went on."""
    digest = hashlib.sha256()
    for file in weights:
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(_SAMPLE_BYTES))
            stream.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(stream.read())
    return digest.hexdigest()[:12]


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{file.parent} is no checkpoint folder: no {file.name}.") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file} cannot be read as JSON.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{file} holds no JSON object.")
    return content


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]
