"""The tiny models of tests/golden: mistake-catching shapes, random weights, HF and GGUF export."""

import json
import zlib
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file as save_f32_f16

import tokens

BASE = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "hidden_size": 36,
    "intermediate_size": 61,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "vocab_size": 97,
    "max_position_embeddings": 512,
    "rms_norm_eps": 3e-4,
    "rope_theta": 1234.5,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "mlp_bias": False,
    "torch_dtype": "float32",
}

# One entry a case: changes to BASE, dtype of the safetensors, number of shards, prompt length, GGUF types.
CASES = {
    "llama_base": dict(config={}, T=7, gguf=["F32", "F16", "BF16"]),
    "llama_tied_bias": dict(
        config=dict(
            hidden_size=40,
            num_attention_heads=5,
            num_key_value_heads=1,
            intermediate_size=53,
            tie_word_embeddings=True,
            attention_bias=True,
            mlp_bias=True,
            rope_theta=77.25,
            rms_norm_eps=3e-2,
        ),
        T=11,
        gguf=["F16"],
    ),
    "llama_headsize": dict(
        config=dict(
            hidden_size=48,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=20,
            intermediate_size=47,
            num_hidden_layers=4,
            rms_norm_eps=1e-5,
        ),
        dtype="BF16",
        T=5,
        gguf=["BF16"],
    ),
    "llama_sharded": dict(
        config=dict(
            hidden_size=42,
            num_attention_heads=3,
            num_key_value_heads=3,
            intermediate_size=71,
            rope_scaling={"type": "dynamic", "factor": 4.0},
        ),
        dtype="F16",
        shards=3,
        T=13,
    ),
    "llama_rope_linear": dict(
        config=dict(rope_scaling={"type": "linear", "factor": 2.5}), T=17, gguf=["F16"]
    ),
    "llama_rope_yarn": dict(
        config=dict(
            hidden_size=48,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=39,
            max_position_embeddings=1024,
            rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 256},
        ),
        T=16,
        gguf=["F16"],
    ),
    "llama_rope_llama3": dict(
        config=dict(
            hidden_size=48,
            num_attention_heads=3,
            num_key_value_heads=1,
            intermediate_size=45,
            max_position_embeddings=2048,
            rope_scaling={
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 256,
            },
        ),
        T=15,
        gguf=["F16"],
    ),
    "llama_rope_longrope": dict(
        config=dict(
            hidden_size=40,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=51,
            max_position_embeddings=64,
            rope_scaling={
                "rope_type": "longrope",
                "factor": 8.0,
                "original_max_position_embeddings": 8,
                "short_factor": [1.0, 1.05, 1.2, 1.6, 2.5],
                "long_factor": [1.1, 1.5, 2.75, 5.5, 8.0],
            },
        ),
        T=12,
    ),
    # The new spelling: rope_theta inside rope_parameters, no rope_theta at the top; MHA by an absent key.
    "llama_new_keys": dict(
        config=dict(
            num_key_value_heads=None,
            num_attention_heads=2,
            intermediate_size=33,
            rope_theta=None,
            rope_parameters={"rope_type": "linear", "factor": 3.0, "rope_theta": 543.25},
            rms_norm_eps=None,
        ),
        T=9,
    ),
    "llama_quant": dict(
        config=dict(
            hidden_size=64, num_attention_heads=4, num_key_value_heads=2, head_dim=24, intermediate_size=96
        ),
        T=8,
        gguf=["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"],
        folder=False,
    ),
}


def case_config(name):
    merged = {**BASE, **CASES[name]["config"]}
    dtype = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[CASES[name].get("dtype", "F32")]
    return {key: value for key, value in {**merged, "torch_dtype": dtype}.items() if value is not None}


def sizes(config):
    n_head = config["num_attention_heads"]
    n_kv = config.get("num_key_value_heads", n_head)
    return config["hidden_size"], n_head, n_kv, config.get("head_dim", config["hidden_size"] // n_head)


def random_weights(config, seed):
    """name -> float32. Gains make attention and MLP matter as much as the stream they add to."""
    rng = np.random.default_rng(seed)
    d, n_head, n_kv, dh = sizes(config)
    d_ff, tensors = config["intermediate_size"], {}

    def linear(name, n_out, n_in, gain, bias):
        tensors[name + ".weight"] = gain / np.sqrt(n_in) * rng.standard_normal((n_out, n_in))
        if bias:
            tensors[name + ".bias"] = 0.4 * rng.standard_normal(n_out)

    def norm(name):
        tensors[name + ".weight"] = 1 + 0.35 * rng.standard_normal(d)

    tensors["model.embed_tokens.weight"] = 0.3 * rng.standard_normal((config["vocab_size"], d))
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        bias = config["attention_bias"]
        norm(block + "input_layernorm")
        linear(block + "self_attn.q_proj", n_head * dh, d, 1.3, bias)
        linear(block + "self_attn.k_proj", n_kv * dh, d, 1.3, bias)
        linear(block + "self_attn.v_proj", n_kv * dh, d, 1.0, bias)
        linear(block + "self_attn.o_proj", d, n_head * dh, 0.7, bias)
        norm(block + "post_attention_layernorm")
        linear(block + "mlp.gate_proj", d_ff, d, 1.5, config["mlp_bias"])
        linear(block + "mlp.up_proj", d_ff, d, 1.2, config["mlp_bias"])
        linear(block + "mlp.down_proj", d, d_ff, 0.8, config["mlp_bias"])
    norm("model.norm")
    if not config["tie_word_embeddings"]:
        linear("lm_head", config["vocab_size"], d, 1.0, False)
    return {name: value.astype(np.float32) for name, value in tensors.items()}


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


GGUF_STEMS = {
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


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return f"blk.{layer}.{GGUF_STEMS[part]}.{kind}"
    return f"{GGUF_STEMS[stem]}.{kind}"


def permute(weights, n_head):
    """llama.cpp's conversion of half-split to interleaved rotary rows."""
    return (
        weights.reshape(n_head, 2, len(weights) // n_head // 2, *weights.shape[1:])
        .swapaxes(1, 2)
        .reshape(weights.shape)
    )


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


def write_gguf_keys(writer, config):
    d, n_head, n_kv, dh = sizes(config)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(d)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(n_head)
    writer.add_head_count_kv(n_kv)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(dh)
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])
    if "head_dim" in config:
        writer.add_key_length(dh)
        writer.add_value_length(dh)
    rope = config.get("rope_scaling", {})
    kind = rope.get("rope_type", rope.get("type"))
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])


def write_gguf(path, config, tensors, kind, version=3, tokenizer=None):
    """Matrices in `kind`, vectors in F32, Q and K rows permuted."""
    quant = gguf.GGMLQuantizationType[kind]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny llama")
    write_gguf_keys(writer, config)
    if tokenizer is not None:
        tokens.add_gguf_keys(writer, tokenizer)
    _, n_head, n_kv, _ = sizes(config)
    rope = config.get("rope_scaling", {})
    if rope.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(config))
    for name, value in tensors.items():
        if "q_proj" in name or "k_proj" in name:
            value = permute(value, n_head if "q_proj" in name else n_kv)
        value = np.ascontiguousarray(value)
        if value.ndim == 1 or kind == "F32":
            writer.add_tensor(gguf_name(name), value)
        elif kind == "F16":
            writer.add_tensor(gguf_name(name), value.astype(np.float16))
        else:
            writer.add_tensor(gguf_name(name), gguf.quantize(value, quant), raw_dtype=quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if version != 3:
        raw = bytearray(Path(path).read_bytes())
        raw[4:8] = version.to_bytes(4, "little")
        Path(path).write_bytes(raw)


def prompt(name, vocab_size):
    rng = np.random.default_rng(zlib.crc32(name.encode()) + 1)
    return rng.integers(0, vocab_size, CASES[name]["T"]).astype(np.int32)
