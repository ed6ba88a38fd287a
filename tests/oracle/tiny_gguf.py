"""The tiny models as GGUF files: names, keys and changes of the weights as llama.cpp's converters make them."""

import zlib
from pathlib import Path

import gguf
import numpy as np

import tokens
from tiny_models import sizes
from tiny_weights import random_quantised

LLAMA_STEMS = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
GEMMA3_STEMS = {
    **LLAMA_STEMS,
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
GPT2_STEMS = {
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "lm_head": "output",
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
STEMS = {"llama": LLAMA_STEMS, "qwen2": LLAMA_STEMS, "gemma3_text": GEMMA3_STEMS, "gpt2": GPT2_STEMS}
ARCHITECTURES = {"gemma3_text": "gemma3"}

# One K-quant or other type after the other, so that one file has them all; rows of 64 cannot hold a K-quant.
MIX = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
MIX_SHORT_ROWS = ["Q5_0", "Q5_1"]


def gguf_name(name, family):
    stem, kind = name.rsplit(".", 1)
    for prefix in ("model.layers.", "transformer.h."):
        if stem.startswith(prefix):
            layer, part = stem.removeprefix(prefix).split(".", 1)
            return f"blk.{layer}.{STEMS[family][part]}.{kind}"
    return f"{STEMS[family][stem]}.{kind}"


def permute(weights, n_head):
    """llama.cpp's conversion of half-split to interleaved rotary rows."""
    return (
        weights.reshape(n_head, 2, len(weights) // n_head // 2, *weights.shape[1:])
        .swapaxes(1, 2)
        .reshape(weights.shape)
    )


def converted(name, value, config):
    """What a converter makes of one tensor before it is quantised."""
    family = config["model_type"]
    if family == "llama" and ("q_proj" in name or "k_proj" in name):
        return permute(value, sizes(config)[1 if "q_proj" in name else 2])
    if family == "gemma3_text" and name.endswith("norm.weight"):
        return value + np.float32(1)
    if family == "gpt2" and ".c_" in name and name.endswith("weight"):
        return value.T
    return value


def llama3_divisors(config):
    """rope_freqs.weight as llama.cpp's converter writes it."""
    rope, dh = config["rope_scaling"], sizes(config)[3]
    low, high, old = (
        rope["low_freq_factor"],
        rope["high_freq_factor"],
        rope["original_max_position_embeddings"],
    )
    out = []
    for i in range(0, dh, 2):
        wavelength = 2 * np.pi * config["rope_theta"] ** (i / dh)
        if wavelength < old / high:
            out.append(1.0)
        elif wavelength > old / low:
            out.append(rope["factor"])
        else:
            smooth = (old / wavelength - low) / (high - low)
            out.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(out, np.float32)


def write_gpt2_keys(writer, config):
    writer.add_block_count(config["n_layer"])
    writer.add_context_length(config["n_positions"])
    writer.add_embedding_length(config["n_embd"])
    writer.add_feed_forward_length(config.get("n_inner", 4 * config["n_embd"]))
    writer.add_head_count(config["n_head"])
    writer.add_layer_norm_eps(config["layer_norm_epsilon"])


def write_rotary_keys(writer, config):
    d, n_head, n_kv, dh = sizes(config)
    family = config["model_type"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(d)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(n_head)
    writer.add_head_count_kv(n_kv)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if family == "llama":
        writer.add_rope_dimension_count(dh)
    writer.add_rope_freq_base(config["rope_theta"])
    if family == "llama":
        writer.add_vocab_size(config["vocab_size"])
    if "head_dim" in config:
        writer.add_key_length(dh)
        writer.add_value_length(dh)
    if family == "gemma3_text":
        write_window_keys(writer, config)
    rope = config.get("rope_scaling", {})
    kind = rope.get("rope_type", rope.get("type"))
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])


def write_window_keys(writer, config):
    """Old files have the window alone: every sixth layer is full, the local base 10000."""
    writer.add_sliding_window(config["sliding_window"])
    if config["sliding_window_pattern"] != 6:
        writer.add_sliding_window_pattern(config["sliding_window_pattern"])
    if config["rope_local_base_freq"] != 10000.0:
        writer.add_rope_freq_base_swa(config["rope_local_base_freq"])


class Mixture:
    """Random blocks in place of a matrix: nothing here quantises to these types."""

    def __init__(self, seed):
        self.rng, self.long, self.short = np.random.default_rng(seed), 0, 0

    def blocks(self, value):
        if value.shape[1] % 256 == 0:
            kind, self.long = MIX[self.long % len(MIX)], self.long + 1
        else:
            kind, self.short = MIX_SHORT_ROWS[self.short % len(MIX_SHORT_ROWS)], self.short + 1
        return random_quantised(self.rng, kind, *value.shape, value.std()), gguf.GGMLQuantizationType[kind]


def quantised(value, kind, mixture):
    if kind == "MIX":
        return mixture.blocks(value)
    quant = gguf.GGMLQuantizationType[kind]
    return gguf.quantize(value, quant), quant


def write_gguf(path, config, tensors, kind, version=3, tokenizer=None):
    """Matrices in `kind`, vectors and position embeddings in F32."""
    family = config["model_type"]
    writer = gguf.GGUFWriter(path, ARCHITECTURES.get(family, family))
    writer.add_name("tiny llama" if family == "llama" else f"tiny {family}")
    (write_gpt2_keys if family == "gpt2" else write_rotary_keys)(writer, config)
    if kind == "MIX":
        writer.add_quantization_version(2)
    if tokenizer is not None:
        tokens.add_gguf_keys(writer, tokenizer)
    if config.get("rope_scaling", {}).get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(config))
    mixture = Mixture(zlib.crc32(Path(path).name.encode()))
    for name, value in tensors.items():
        value = np.ascontiguousarray(converted(name, value, config))
        if value.ndim == 1 or kind == "F32" or name.endswith("wpe.weight"):
            writer.add_tensor(gguf_name(name, family), value)
        elif kind == "F16":
            writer.add_tensor(gguf_name(name, family), value.astype(np.float16))
        else:
            blocks, quant = quantised(value, kind, mixture)
            writer.add_tensor(gguf_name(name, family), blocks, raw_dtype=quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if version != 3:
        raw = bytearray(Path(path).read_bytes())
        raw[4:8] = version.to_bytes(4, "little")
        Path(path).write_bytes(raw)
