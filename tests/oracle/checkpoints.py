"""Readers of safetensors folders and GGUF files that hand over exactly the stored values.

They share no code with the writers in tiny_models.py and none with transformers' loaders.
"""

import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, dequantize


def read_safetensors(path):
    """name -> float32 array (F16 and BF16 widened exactly)."""
    raw = Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(raw[begin:end], "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(raw[begin:end], {"F32": "<f4", "F16": "<f2"}[entry["dtype"]]).astype(
                np.float32
            )
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def read_folder(folder):
    """(config, tensors) of a Hugging Face folder, sharded or not."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    index = folder / "model.safetensors.index.json"
    files = [folder / "model.safetensors"]
    if index.exists():
        files = sorted({folder / name for name in json.loads(index.read_text())["weight_map"].values()})
    tensors = {}
    for file in files:
        tensors.update(read_safetensors(file))
    return config, tensors


GGUF_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def hf_name(name):
    """GGUF tensor name (arch llama) -> Hugging Face name."""
    top = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    stem, kind = name.rsplit(".", 1)
    if stem in top:
        return f"{top[stem]}.{kind}"
    _, layer, part = stem.split(".")
    return f"model.layers.{layer}.{GGUF_NAMES[part]}.{kind}"


def half_split_rows(rows, n_head):
    """Undo llama.cpp's row order: stored row h dh + 2 i + s is Hugging Face row h dh + s dh/2 + i."""
    dh = len(rows) // n_head
    out = np.empty_like(rows)
    for h in range(n_head):
        for i in range(dh // 2):
            for s in range(2):
                out[h * dh + s * (dh // 2) + i] = rows[h * dh + 2 * i + s]
    return out


def field(reader, key, default=None):
    entry = reader.fields.get(key)
    return default if entry is None else entry.contents()


def dequantized(tensor):
    """float32 array of one GGUF tensor, row-major, Hugging Face shape."""
    if tensor.tensor_type in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
        return np.asarray(tensor.data).astype(np.float32)
    return dequantize(tensor.data, tensor.tensor_type)


def rope_scaling(reader, d_head, theta):
    """(rope_scaling entry or None, divisors of the frequencies or None)."""
    kind = field(reader, "llama.rope.scaling.type", "none")
    factor = field(reader, "llama.rope.scaling.factor")
    if kind == "linear":
        return {"rope_type": "linear", "factor": float(factor)}
    if kind == "yarn":
        return {
            "rope_type": "yarn",
            "factor": float(factor),
            "original_max_position_embeddings": int(
                field(reader, "llama.rope.scaling.original_context_length")
            ),
        }
    return None


def read_gguf(path):
    """(config, tensors, divisors): a llama GGUF in Hugging Face terms (float32 keys widened, row order undone).

    divisors: rope_freqs.weight, which divides the rotary frequencies, or None.
    """
    reader = GGUFReader(path)
    key = lambda name, default=None: field(reader, f"llama.{name}", default)  # noqa: E731
    n_head = int(key("attention.head_count"))
    n_kv = int(key("attention.head_count_kv", n_head))
    d = int(key("embedding_length"))
    d_head = int(key("attention.key_length", key("rope.dimension_count", d // n_head)))
    theta = float(key("rope.freq_base", 10000.0))
    tensors, divisors = {}, None
    for tensor in reader.tensors:
        values = dequantized(tensor)
        if tensor.name == "rope_freqs.weight":
            divisors = values.astype(np.float64)
            continue
        if ".attn_q." in tensor.name or ".attn_k." in tensor.name:
            values = half_split_rows(values, n_head if ".attn_q." in tensor.name else n_kv)
        tensors[hf_name(tensor.name)] = values
    config = {
        "hidden_size": d,
        "intermediate_size": int(key("feed_forward_length")),
        "num_hidden_layers": int(key("block_count")),
        "num_attention_heads": n_head,
        "num_key_value_heads": n_kv,
        "head_dim": d_head,
        "rms_norm_eps": float(key("attention.layer_norm_rms_epsilon")),
        "rope_theta": theta,
        "max_position_embeddings": int(key("context_length")),
        "vocab_size": len(tensors["model.embed_tokens.weight"]),
        "tie_word_embeddings": "lm_head.weight" not in tensors,
        "attention_bias": "model.layers.0.self_attn.q_proj.bias" in tensors,
        "mlp_bias": "model.layers.0.mlp.up_proj.bias" in tensors,
    }
    scaling = rope_scaling(reader, d_head, theta)
    if scaling:
        config["rope_scaling"] = scaling
    return config, tensors, divisors
