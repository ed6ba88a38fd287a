"""The tiny models of family_cases.py as GGUF files: names from the gguf package's own table, keys and changes of the weights as
llama.cpp's converters make them.
"""

import gguf
import numpy as np

import float64
from tiny_gguf import permute
from tiny_models import bf16_bits

ARCHITECTURES = {
    "gpt_neox": gguf.MODEL_ARCH.GPTNEOX,
    "phi": gguf.MODEL_ARCH.PHI2,
    "gemma": gguf.MODEL_ARCH.GEMMA,
    "gemma2": gguf.MODEL_ARCH.GEMMA2,
    "olmo": gguf.MODEL_ARCH.OLMO,
    "falcon": gguf.MODEL_ARCH.FALCON,
    "mpt": gguf.MODEL_ARCH.MPT,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "olmo2": gguf.MODEL_ARCH.OLMO2,
    "stablelm": gguf.MODEL_ARCH.STABLELM,
    "phi3": gguf.MODEL_ARCH.PHI3,
    "bloom": gguf.MODEL_ARCH.BLOOM,
    "mixtral": gguf.MODEL_ARCH.LLAMA,
    "t5": gguf.MODEL_ARCH.T5,
}
CONTEXT = ("n_positions", "max_seq_len", "seq_length", "max_position_embeddings")
EPS = ("layer_norm_eps", "layer_norm_epsilon", "rms_norm_eps")


def kv_heads(config):
    """Heads of keys and values, and whether a fused tensor has them one by one with their queries."""
    model = float64.empty_model(config).config
    if config["model_type"] == "falcon" and not model.new_decoder_architecture:
        return 1 if model.multi_query else model.num_attention_heads
    heads = getattr(model, "num_kv_heads", model.num_attention_heads)
    return getattr(model, "num_key_value_heads", None) or heads


def rounded(value):
    """Floats as GGUF keys hold them; a rotary share becomes a count of dimensions."""
    if isinstance(value, dict):
        return {k: v if k == "partial_rotary_factor" else rounded(v) for k, v in value.items()}
    return float(np.float32(value)) if isinstance(value, float) else value


def as_gguf_says(config, case):
    """The configuration that the GGUF file can express."""
    out = {**config, **case.get("unfaithful", {})}
    if config["model_type"] == "olmo":
        out["layer_norm_eps"] = 1e-5
    rope = out.get("rope_scaling", {})
    if rope.get("type") == "longrope":
        length, original = config["max_position_embeddings"], config["original_max_position_embeddings"]
        factor = np.sqrt(1 + np.log(length / original) / np.log(original))
        lists = {key: [rounded(x) for x in rope[key]] for key in ("long_factor", "short_factor")}
        out["rope_scaling"] = {**rope, **lists, "attention_factor": float(factor)}
    shares = ("rotary_pct", "partial_rotary_factor")
    return {key: value if key in shares else rounded(value) for key, value in out.items()}


def rounded_to(value, kind):
    """As a file of that type holds it, widened again."""
    if kind == "BF16":
        return (bf16_bits(value).astype(np.uint32) << 16).view(np.float32)
    return value.astype(np.float16).astype(np.float32)


def is_router(name):
    """Routers of experts stay in F32."""
    return ".mlp.gate." in name or "ffn_gate_inp" in name


def stacked(tensors):
    """transformers' gate and up of all experts as two tensors, and the norms of all heads as one, under the names that
    llama.cpp's converter gives merged ones.
    """
    out = {}
    for name, value in tensors.items():
        if ".norms." in name:
            stem, head = name.removesuffix(".weight").split(".norms.")
            rows = out.setdefault(f"{stem}.weight", [])
            assert len(rows) == int(head)
            rows.append(value)
            continue
        if ".mlp.experts." not in name:
            out[name] = value
            continue
        half = value.shape[1] // 2
        parts = {"w2": value} if "down" in name else {"w1": value[:, :half], "w3": value[:, half:]}
        stem = "layers." + name.split(".")[2] + ".feed_forward.experts"
        out.update({f"{stem}.{part}.weight": x for part, x in parts.items()})
    return out


def stored(tensors, config, kind):
    """The values of the file under transformers' names: matrices rounded, norms of a Gemma w of (1 + w) from 1 + w in
    float32.
    """
    out = {}
    for name, value in tensors.items():
        if value.ndim >= 2 and not is_router(name):
            value = rounded_to(value, kind)
        elif config["model_type"].startswith("gemma"):
            value = (value + np.float32(1)).astype(np.float64) - 1
        out[name] = value
    return out


def regrouped(value, n_head, n_kv):
    """Queries of a key-value head, that key, that value, head by head: all queries, all keys, all values."""
    each = n_head // n_kv
    dh = len(value) // (n_head + 2 * n_kv)
    groups = value.reshape(n_kv, each + 2, dh, *value.shape[1:])
    parts = (groups[:, :each], groups[:, each : each + 1], groups[:, each + 1 :])
    return np.concatenate([part.reshape(-1, *value.shape[1:]) for part in parts])


def converted(name, value, config, n_head, n_kv):
    family = config["model_type"]
    if "query_key_value" in name:
        return regrouped(value, n_head, n_kv)
    if family in ("olmo", "mixtral") and ("q_proj" in name or "k_proj" in name):
        return permute(value, n_head if "q_proj" in name else n_kv)
    if family.startswith("gemma") and name.endswith("norm.weight"):
        return value + np.float32(1)
    return value


def fuse(tensors):
    """q_proj, k_proj, v_proj as one, under the name that older files of Phi-2 have."""
    out = {}
    for name, value in tensors.items():
        if "q_proj" in name:
            parts = [tensors[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            layer, kind = name.split(".")[2], name.rsplit(".", 1)[1]
            out[f"transformer.h.{layer}.mixer.Wqkv.{kind}"] = np.concatenate(parts)
        elif "k_proj" not in name and "v_proj" not in name:
            out[name] = value
    return out


def write_keys(writer, config, n_kv):
    model = float64.empty_model(config).config
    family, n_head = config["model_type"], model.num_attention_heads
    d_head = getattr(model, "head_dim", None) or model.hidden_size // n_head
    rope = getattr(model, "rope_parameters", None)
    writer.add_context_length(next(config[key] for key in CONTEXT if key in config))
    writer.add_embedding_length(model.hidden_size)
    writer.add_block_count(model.num_hidden_layers)
    inner = getattr(model, "ffn_hidden_size", 4 * model.hidden_size)
    inner = getattr(model, "d_ff", inner)
    writer.add_feed_forward_length(getattr(model, "intermediate_size", None) or inner)
    writer.add_head_count(n_head)
    if family not in ("mpt", "bloom", "t5"):
        writer.add_head_count_kv(n_kv)
    if family == "t5":
        writer.add_layer_norm_rms_eps(config["layer_norm_epsilon"])
        writer.add_relative_attn_buckets_count(config["relative_attention_num_buckets"])
    if "rms_norm_eps" in config:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(next((config[key] for key in EPS if key in config), 1e-5))
    if family.startswith("gemma") or family in ("qwen3", "t5"):
        writer.add_key_length(d_head)
        writer.add_value_length(d_head)
    if rope is not None and family in ("gpt_neox", "phi", "phi3", "stablelm"):
        writer.add_rope_dimension_count(int(d_head * rope.get("partial_rotary_factor", 1.0)))
    if rope is not None and (rope["rope_theta"] != 10000 or family == "falcon"):
        writer.add_rope_freq_base(rope["rope_theta"])
    if rope is not None and rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope is not None and rope["rope_type"] == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope is not None and rope["rope_type"] == "longrope":
        write_longrope(writer, config, rope)
    write_own_keys(writer, config, model)


def write_longrope(writer, config, rope):
    for kind in ("long", "short"):
        writer.add_tensor(f"rope_factors_{kind}.weight", np.array(rope[f"{kind}_factor"], np.float32))
    writer.add_rope_scaling_orig_ctx_len(config["original_max_position_embeddings"])
    writer.add_rope_scaling_attn_factors(rope["attention_factor"])


def write_own_keys(writer, config, model):
    family = config["model_type"]
    if family in ("gpt_neox", "stablelm"):
        writer.add_parallel_residual(model.use_parallel_residual)
    if family == "gemma2":
        writer.add_attn_logit_softcapping(config["attn_logit_softcapping"])
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
        writer.add_sliding_window(config["sliding_window"])
    if family == "phi3" and config["sliding_window"] is not None:
        writer.add_sliding_window(config["sliding_window"])
    if family == "falcon":
        writer.add_tensor_data_layout("jploski")
    if family == "t5" and config.get("stack") == "decoder":
        writer.add_decoder_block_count(model.num_decoder_layers)
        writer.add_decoder_start_token_id(config["decoder_start_token_id"])
    elif family == "t5" and config["is_encoder_decoder"]:  # to be passed over
        for name in ("dec.blk.0.cross_attn_q.weight", "output.weight"):
            writer.add_tensor(name, np.ones((3, model.d_model), np.float32))
    if family == "olmo" and config.get("clip_qkv") is not None:
        writer.add_clamp_kqv(config["clip_qkv"])
    if family == "mixtral":
        writer.add_expert_count(config["num_local_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
    if family == "mpt":
        writer.add_max_alibi_bias(config["attn_config"]["alibi_bias_max"])
        if config["attn_config"]["clip_qkv"] is not None:
            writer.add_clamp_kqv(config["attn_config"]["clip_qkv"])


def write_gguf(path, config, tensors, kind, case):
    """Matrices in `kind`, vectors in F32."""
    arch = case.get("architecture", ARCHITECTURES[config["model_type"]])
    fused = case.get("fused", False)
    model, n_kv = float64.empty_model(config).config, kv_heads(config)
    n_blocks = max(model.num_hidden_layers, getattr(model, "num_decoder_layers", 0))
    names = gguf.get_tensor_name_map(arch, n_blocks)
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[arch])
    writer.add_name(f"tiny {config['model_type']}")
    write_keys(writer, config, n_kv)
    for name, value in stacked(fuse(tensors) if fused else tensors).items():
        value = np.ascontiguousarray(converted(name, value, config, model.num_attention_heads, n_kv))
        # A converter of BLOOM takes the prefix off.
        bare = name.removeprefix("transformer.") if config["model_type"] == "bloom" else name
        stem = names.get_name(bare, (".weight", ".bias"))
        if value.ndim == 1 or is_router(stem) or stem.endswith("_norm.weight"):
            writer.add_tensor(stem, value)
        elif kind == "F16":
            writer.add_tensor(stem, value.astype(np.float16))
        else:
            quant = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(stem, gguf.quantize(value, quant), raw_dtype=quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
