"""Rotary frequencies of many rope_scaling variants, by transformers in float64: golden/rope/rope_cases.json.

Each entry: a config as in config.json, the sequence length, the expected inv_freq and attention_factor.
"""

import json
from pathlib import Path

import float64  # noqa: F401  first: lifts torch before transformers is imported
import torch
from transformers import LlamaConfig, PhiConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.phi.modeling_phi import PhiRotaryEmbedding

SHORT, LONG = [1.0, 1.03, 1.1, 1.4, 2.0, 3.5], [1.2, 1.9, 3.1, 4.7, 6.5, 9.0]
YARN = {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 512}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
LONGROPE = {
    "rope_type": "longrope",
    "factor": 4.0,
    "original_max_position_embeddings": 128,
    "short_factor": SHORT,
    "long_factor": LONG,
}

# name, changes to the config, sequence length
VARIANTS = [
    ("default", {}, 10),
    ("default_theta_absent", {"rope_theta": None}, 10),
    (
        "default_new_keys",
        {"rope_theta": None, "rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
        10,
    ),
    ("default_head_dim", {"head_dim": 20}, 10),
    ("scaling_null", {"rope_scaling": None}, 10),
    ("linear", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}, 10),
    ("linear_old_spelling", {"rope_scaling": {"type": "linear", "factor": 2.5}}, 10),
    (
        "linear_new_keys",
        {"rope_theta": None, "rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 777.0}},
        10,
    ),
    ("dynamic_short", {"rope_scaling": {"type": "dynamic", "factor": 2.0}}, 1024),
    ("dynamic_long", {"rope_scaling": {"type": "dynamic", "factor": 2.0}}, 1500),
    ("yarn", {"rope_scaling": YARN, "max_position_embeddings": 4096}, 10),
    (
        "yarn_betas",
        {"rope_scaling": {**YARN, "beta_fast": 8.0, "beta_slow": 0.25}, "max_position_embeddings": 4096},
        10,
    ),
    (
        "yarn_attention_factor",
        {"rope_scaling": {**YARN, "attention_factor": 0.75}, "max_position_embeddings": 4096},
        10,
    ),
    (
        "yarn_mscale",
        {"rope_scaling": {**YARN, "mscale": 0.7, "mscale_all_dim": 1.3}, "max_position_embeddings": 4096},
        10,
    ),
    ("yarn_mscale_alone", {"rope_scaling": {**YARN, "mscale": 0.7}, "max_position_embeddings": 4096}, 10),
    ("yarn_no_truncate", {"rope_scaling": {**YARN, "truncate": False}, "max_position_embeddings": 4096}, 10),
    ("yarn_small_theta", {"rope_scaling": YARN, "rope_theta": 3.0, "max_position_embeddings": 4096}, 10),
    (
        "llama3",
        {"rope_scaling": LLAMA3, "rope_theta": 5e5, "head_dim": 64, "max_position_embeddings": 131072},
        10,
    ),
    (
        "llama3_factor32",
        {
            "rope_scaling": {**LLAMA3, "factor": 32.0},
            "rope_theta": 5e5,
            "head_dim": 64,
            "max_position_embeddings": 131072,
        },
        10,
    ),
    ("longrope_short", {"rope_scaling": LONGROPE, "max_position_embeddings": 512}, 128),
    ("longrope_long", {"rope_scaling": LONGROPE, "max_position_embeddings": 512}, 129),
    (
        "longrope_attention_factor",
        {"rope_scaling": {**LONGROPE, "attention_factor": 1.25}, "max_position_embeddings": 512},
        64,
    ),
    (
        "longrope_factor_absent",
        {
            "rope_scaling": {k: v for k, v in LONGROPE.items() if k != "factor"},
            "max_position_embeddings": 512,
        },
        64,
    ),
]

# Half of each head: heads of 24, so that 12 dimensions are rotary.
PARTIAL = {"model_type": "phi", "hidden_size": 96, "partial_rotary_factor": 0.5}
VARIANTS += [
    (f"partial_{name}", {**PARTIAL, **changes}, length)
    for name, changes, length in VARIANTS
    if name in ("default", "linear", "dynamic_long", "yarn", "longrope_short", "longrope_long")
]
VARIANTS.append(("partial_llama3", {**PARTIAL, "rope_scaling": LLAMA3, "rope_theta": 5e5}, 10))
ROTARY = {"llama": (LlamaConfig, LlamaRotaryEmbedding), "phi": (PhiConfig, PhiRotaryEmbedding)}


def table(changes, length):
    config = {
        "model_type": "llama",
        "hidden_size": 48,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_theta": 10000.0,
        "max_position_embeddings": 1024,
        **changes,
    }
    config = {key: value for key, value in config.items() if value is not None or key == "rope_scaling"}
    config_class, rotary_class = ROTARY[config["model_type"]]
    rotary = rotary_class(config_class(**json.loads(json.dumps(config))))
    rotary(torch.zeros(1), torch.arange(length)[None])  # dynamic and longrope choose their table here
    return {
        "config": config,
        "sequence_length": length,
        "attention_factor": float(rotary.attention_scaling),
        "inv_freq": rotary.inv_freq.tolist(),
    }


def main():
    folder = Path(__file__).resolve().parent.parent / "golden" / "rope"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"name": name, **table(changes, length)} for name, changes, length in VARIANTS]
    text = ",\n".join(json.dumps(row) for row in rows)
    (folder / "rope_cases.json").write_text(f"[\n{text}\n]\n")
    for row in rows:
        print(row["name"], row["attention_factor"], row["inv_freq"][:3])


if __name__ == "__main__":
    main()
