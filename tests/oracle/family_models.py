"""Weights of the tiny models of family_cases.py, by the names and shapes that transformers' model class has."""

import numpy as np

import float64

# Gains of matrices by the end of their names; others have 1.2, as in tiny_weights.py about as much as the stream they add to.
GAINS = {"o_proj": 0.7, "out_proj": 0.7, "dense": 0.7, "down_proj": 0.8, "fc2": 0.8, "dense_4h_to_h": 0.8, "o": 0.7, "wo": 0.8}
OUTPUT_HEADS = ("lm_head", "embed_out")
UNSCALED = {"gpt_neo": 0.9, "t5": 0.9}


def parameters(config):
    """name -> shape of every weight, a tied head left out."""
    return {name: tuple(value.shape) for name, value in float64.empty_model(config).named_parameters()}


def family_weights(config, seed):
    """name -> float32."""
    rng = np.random.default_rng(seed)
    gemma = config["model_type"].startswith("gemma")
    out = {}
    for name, shape in parameters(config).items():
        stem, kind = name.rsplit(".", 1)
        leaf = stem.rsplit(".", 1)[-1]
        if len(shape) == 3:
            leaf = kind  # of all experts
        if kind == "bias":
            mean, deviation = 0, 0.3
        elif len(shape) == 1:
            mean, deviation = 0 if gemma else 1, 0.35
        elif "emb" in leaf or leaf in ("wte", "wpe"):
            mean, deviation = 0, 1 / np.sqrt(shape[1]) if leaf in OUTPUT_HEADS else 0.3
        else:
            gain = UNSCALED.get(config["model_type"], 1.2) if leaf[0] in "qk" else 1.2
            mean, deviation = 0, GAINS.get(leaf, gain) / np.sqrt(shape[-1])
        out[name] = (mean + deviation * rng.standard_normal(shape)).astype(np.float32)
    return out


def by_expert(tensors):
    """transformers' experts, all in one tensor, under the names that files have: one tensor an expert; others as they are."""
    out = {}
    for name, value in tensors.items():
        if ".mlp.experts." not in name:
            out[name.replace(".mlp.gate.", ".block_sparse_moe.gate.")] = value
            continue
        stem = name.split(".mlp.experts.")[0] + ".block_sparse_moe.experts"
        for i, expert in enumerate(value):
            half = len(expert) // 2
            parts = {"w2": expert} if "down" in name else {"w1": expert[:half], "w3": expert[half:]}
            out.update({f"{stem}.{i}.{part}.weight": np.ascontiguousarray(x) for part, x in parts.items()})
    return out


def original_olmo(config, tensors):
    """(config, tensors) of an OLMo as its authors saved it; gate and up the other way round than elsewhere."""
    out = {"model.transformer.wte.weight": tensors["model.embed_tokens.weight"]}
    if "lm_head.weight" in tensors:
        out["model.transformer.ff_out.weight"] = tensors["lm_head.weight"]
    for layer in range(config["num_hidden_layers"]):
        old, new = f"model.layers.{layer}.", f"model.transformer.blocks.{layer}."
        parts = {
            "att_proj": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            "attn_out": ["self_attn.o_proj"],
            "ff_proj": ["mlp.up_proj", "mlp.gate_proj"],
            "ff_out": ["mlp.down_proj"],
        }
        for name, holds in parts.items():
            out[f"{new}{name}.weight"] = np.concatenate([tensors[f"{old}{part}.weight"] for part in holds])
    keys = {
        "model_type": "hf_olmo",
        "d_model": config["hidden_size"],
        "n_layers": config["num_hidden_layers"],
        "n_heads": config["num_attention_heads"],
        "n_kv_heads": config.get("num_key_value_heads"),
        "mlp_hidden_size": 2 * config["intermediate_size"],
        "max_sequence_length": config["max_position_embeddings"],
        "clip_qkv": config.get("clip_qkv"),
        "weight_tying": config.get("tie_word_embeddings", False),
        "embedding_size": config["vocab_size"],
        "activation_type": "swiglu",
        "alibi": False,
        "attention_layer_norm": False,
        "block_type": "sequential",
        "include_bias": False,
        "layer_norm_type": "default",
        "layer_norm_with_affine": False,
        "rope": True,
    }
    return keys, out
