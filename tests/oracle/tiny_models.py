"""The tiny models of tests/golden: their shapes, their configurations, and the folders they are written to."""

import json
import zlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file as save_f32_f16

from tiny_cases import BASES, CASES

TYPE_NAMES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


def case_config(name):
    """The model's own configuration: of a multimodal one, its text part."""
    case = CASES[name]
    merged = {**BASES[case.get("family", "llama")], **case["config"]}
    merged["torch_dtype"] = TYPE_NAMES[case.get("dtype", "F32")]
    config = {key: value for key, value in merged.items() if value is not None}
    return {**config, **dict.fromkeys(case.get("null", []))}


def folder_config(name):
    """config.json as it is written."""
    config, case = case_config(name), CASES[name]
    config.pop("stack", None)  # for the oracle alone
    if "omit" not in case:
        return config
    text = {key: value for key, value in config.items() if key not in case["omit"] and key != "architectures"}
    return {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "model_type": "gemma3",
        "mm_tokens_per_image": 256,
        "text_config": text,
        "torch_dtype": text.pop("torch_dtype"),
        "vision_config": {"hidden_size": 24, "model_type": "siglip_vision_model", "num_hidden_layers": 1},
    }


def folder_names(name, tensors):
    """Name in transformers' model class -> name in the folder."""
    prefix, new = CASES[name].get("prefix", ("", ""))
    return {key: new + key.removeprefix(prefix) if key.startswith(prefix) else key for key in tensors}


def folder_tensors(name, tensors):
    """The tensors under the names of the folder, with those a reader must pass over."""
    names = folder_names(name, tensors)
    out = {names[key]: value for key, value in tensors.items()}
    for key, shape in CASES[name].get("extra", {}).items():
        out[key] = np.full(shape, -10000.0 if shape == () else 1.0, np.float32)
    return out


def sizes(config):
    n_head = config["num_attention_heads"]
    n_kv = config.get("num_key_value_heads", n_head)
    return config["hidden_size"], n_head, n_kv, config.get("head_dim", config["hidden_size"] // n_head)


def bf16_bits(values):
    """Round to nearest even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def save_safetensors(path, tensors, dtype):
    if dtype != "BF16":
        save_f32_f16(
            {n: v.astype("<f4" if dtype == "F32" else "<f2") for n, v in tensors.items()},
            path,
            metadata={"format": "pt"},
        )
        Path(path).chmod(0o644)
        return
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, value in tensors.items():
        raw = bf16_bits(value).tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": list(value.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)


def write_folder(folder, config, tensors, dtype="F32", shards=1):
    """config.json and model.safetensors, or `shards` files with an index. Shards deliberately split blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    if shards == 1:
        return save_safetensors(folder / "model.safetensors", tensors, dtype)
    weight_map, total = {}, 0
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: value for i, (name, value) in enumerate(tensors.items()) if i % shards == shard}
        save_safetensors(folder / file, part, dtype)
        weight_map.update({name: file for name in part})
        total += sum(v.size for v in part.values()) * (4 if dtype == "F32" else 2)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def prompt(name, vocab_size):
    rng = np.random.default_rng(zlib.crc32(name.encode()) + 1)
    return rng.integers(0, vocab_size, CASES[name]["T"]).astype(np.int32)
