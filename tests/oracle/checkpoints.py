"""Readers of safetensors folders and GGUF files that hand over exactly the stored values.

They share no code with the writers in tiny_*.py and none with transformers' loaders.
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
    """(config, tensors) of a Hugging Face folder, sharded or not: of a multimodal model, its text part.

    Names are those of transformers' model classes, whatever the folder's prefix.
    """
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    config = config.get("text_config", config)
    index = folder / "model.safetensors.index.json"
    files = [folder / "model.safetensors"]
    if index.exists():
        files = sorted({folder / name for name in json.loads(index.read_text())["weight_map"].values()})
    tensors = {}
    for file in files:
        tensors.update(read_safetensors(file))
    names = {name: class_name(name, config.get("model_type")) for name in tensors}
    return config, {new: tensors[name] for name, new in names.items() if new is not None}


def class_name(name, family):
    """Name in transformers' model class; None for what is no weight of the text model."""
    if family == "gpt2":
        if name.endswith((".attn.bias", ".masked_bias")):
            return None
        return name if name.startswith(("transformer.", "lm_head.")) else "transformer." + name
    if name.startswith(("vision_tower.", "multi_modal_projector.")):
        return None
    return name.removeprefix("language_model.")


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
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
GEMMA3_NAMES = {
    **GGUF_NAMES,
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
GPT2_NAMES = {
    "attn_norm": "ln_1",
    "attn_qkv": "attn.c_attn",
    "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2",
    "ffn_up": "mlp.c_fc",
    "ffn_down": "mlp.c_proj",
    "token_embd": "transformer.wte",
    "position_embd": "transformer.wpe",
    "output_norm": "transformer.ln_f",
    "output": "lm_head",
}
NAMES = {"gemma3": GEMMA3_NAMES, "gpt2": GPT2_NAMES}


def hf_name(name, architecture="llama"):
    """GGUF tensor name -> Hugging Face name."""
    names = NAMES.get(architecture, GGUF_NAMES)
    stem, kind = name.rsplit(".", 1)
    if not stem.startswith("blk."):
        return f"{names[stem]}.{kind}"
    _, layer, part = stem.split(".")
    blocks = "transformer.h" if architecture == "gpt2" else "model.layers"
    return f"{blocks}.{layer}.{names[part]}.{kind}"


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


class Gguf:
    """A GGUF file in Hugging Face terms: float32 keys widened, changes of the converters undone.

    config: configuration; names: Hugging Face name -> GGUF tensor, read by `tensor`;
    divisors: rope_freqs.weight, which divides the rotary frequencies, or None.
    """

    def __init__(self, path):
        self.reader = GGUFReader(path)
        self.architecture = field(self.reader, "general.architecture")
        self.names, self.divisors = {}, None
        for tensor in self.reader.tensors:
            if tensor.name == "rope_freqs.weight":
                self.divisors = dequantized(tensor).astype(np.float64)
            else:
                self.names[hf_name(tensor.name, self.architecture)] = tensor
        self.config = self.gpt2_config() if self.architecture == "gpt2" else self.rotary_config()

    def key(self, name, default=None):
        return field(self.reader, f"{self.architecture}.{name}", default)

    def rows(self, name):
        return int(self.names[name].shape[1])  # listed fastest first

    def tensor(self, name):
        """float32 [..]; a Gemma's norm weights w of (1 + w) in float64, exactly the stored value less 1."""
        values = dequantized(self.names[name])
        if self.architecture == "llama" and ("q_proj" in name or "k_proj" in name):
            heads = "num_attention_heads" if "q_proj" in name else "num_key_value_heads"
            return half_split_rows(values, self.config[heads])
        if self.architecture == "gemma3" and name.endswith("norm.weight"):
            return values.astype(np.float64) - 1
        if self.architecture == "gpt2" and ".c_" in name and name.endswith(".weight"):
            return values.T
        return values

    def gpt2_config(self):
        return {
            "model_type": "gpt2",
            "n_embd": int(self.key("embedding_length")),
            "n_inner": int(self.key("feed_forward_length")),
            "n_layer": int(self.key("block_count")),
            "n_head": int(self.key("attention.head_count")),
            "n_positions": int(self.key("context_length")),
            "layer_norm_epsilon": float(self.key("attention.layer_norm_epsilon")),
            "vocab_size": self.rows("transformer.wte.weight"),
            "tie_word_embeddings": "lm_head.weight" not in self.names,
        }

    def rotary_config(self):
        n_head = int(self.key("attention.head_count"))
        d = int(self.key("embedding_length"))
        d_head = int(self.key("attention.key_length", self.key("rope.dimension_count", d // n_head)))
        config = {
            "model_type": "gemma3_text" if self.architecture == "gemma3" else self.architecture,
            "hidden_size": d,
            "intermediate_size": int(self.key("feed_forward_length")),
            "num_hidden_layers": int(self.key("block_count")),
            "num_attention_heads": n_head,
            "num_key_value_heads": int(self.key("attention.head_count_kv", n_head)),
            "head_dim": d_head,
            "rms_norm_eps": float(self.key("attention.layer_norm_rms_epsilon")),
            "rope_theta": float(self.key("rope.freq_base", 10000.0)),
            "max_position_embeddings": int(self.key("context_length")),
            "vocab_size": self.rows("model.embed_tokens.weight"),
            "tie_word_embeddings": "lm_head.weight" not in self.names,
        }
        if self.architecture == "llama":
            config["attention_bias"] = "model.layers.0.self_attn.q_proj.bias" in self.names
            config["mlp_bias"] = "model.layers.0.mlp.up_proj.bias" in self.names
        if self.architecture == "gemma3":
            # The file does not say query_pre_attn_scalar: llama.cpp takes the head size (but for the 27B).
            config["query_pre_attn_scalar"] = d_head
            config["sliding_window"] = int(self.key("attention.sliding_window"))
            config["sliding_window_pattern"] = int(self.key("attention.sliding_window_pattern", 6))
            config["rope_local_base_freq"] = float(self.key("rope.freq_base_swa", 10000.0))
        scaling = self.rope_scaling()
        if scaling:
            config["rope_scaling"] = scaling
        return config

    def rope_scaling(self):
        kind = self.key("rope.scaling.type", "none")
        if kind == "none":
            return None
        scaling = {"rope_type": kind, "factor": float(self.key("rope.scaling.factor"))}
        if kind == "yarn":
            original = int(self.key("rope.scaling.original_context_length"))
            scaling["original_max_position_embeddings"] = original
        return scaling


def read_gguf(path):
    """(config, tensors, divisors) of a GGUF file, see Gguf."""
    file = Gguf(path)
    return file.config, {name: file.tensor(name) for name in file.names}, file.divisors
