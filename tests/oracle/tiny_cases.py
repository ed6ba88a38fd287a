"""Configurations of the tiny models: one entry a case, chosen to catch mistakes.

config: changes to the family's base. T: prompt length. dtype, shards: of the safetensors. gguf: types of GGUF files;
"MIX" has a K-quant of its own for every matrix. folder: whether there is a safetensors folder. prefix: (old, new)
prefix of the tensor names in the folder. extra: name -> shape of tensors that a reader must pass over. omit: keys
left out of the text part of a multimodal config.json, because they have their defaults.
"""

from family_cases import FAMILY_BASES, FAMILY_CASES

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

GPT2 = {
    "architectures": ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "n_embd": 36,
    "n_head": 3,
    "n_layer": 2,
    "n_positions": 24,
    "vocab_size": 61,
    "layer_norm_epsilon": 7e-4,
}
QWEN2 = {
    **BASE,
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "vocab_size": 61,
    "rms_norm_eps": 2e-4,
    "rope_theta": 4321.5,
    "attention_bias": None,
    "mlp_bias": None,
    "num_hidden_layers": 2,
    "intermediate_size": 49,
}
GEMMA3 = {
    "architectures": ["Gemma3ForCausalLM"],
    "model_type": "gemma3_text",
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 32,
    "intermediate_size": 43,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 12,
    "query_pre_attn_scalar": 20,
    "vocab_size": 61,
    "max_position_embeddings": 512,
    "rms_norm_eps": 2e-4,
    "sliding_window": 4,
    "sliding_window_pattern": 2,
    "rope_theta": 12345.0,
    "rope_local_base_freq": 321.0,
}
BASES = {"llama": BASE, "gpt2": GPT2, "qwen2": QWEN2, "gemma3": GEMMA3, **FAMILY_BASES}

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

CASES["gpt2_base"] = dict(
    family="gpt2",
    config={},
    T=9,
    gguf=["F16"],
    prefix=("transformer.", ""),
    extra={"h.0.attn.bias": (1, 1, 24, 24), "h.1.attn.masked_bias": ()},
)
CASES["gpt2_odd"] = dict(
    family="gpt2",
    config=dict(
        n_embd=30,
        n_head=5,
        n_layer=3,
        n_inner=53,
        layer_norm_epsilon=2.5e-2,
        scale_attn_by_inverse_layer_idx=True,
        reorder_and_upcast_attn=True,
        tie_word_embeddings=False,
    ),
    dtype="F16",
    T=7,
    extra={"transformer.h.2.attn.bias": (1, 1, 24, 24)},
)
CASES["gpt2_unscaled"] = dict(
    family="gpt2",
    config=dict(
        n_embd=20, n_head=2, n_inner=31, scale_attn_weights=False, activation_function="gelu", n_positions=11
    ),
    dtype="BF16",
    T=11,
    gguf=["BF16"],
)
CASES["qwen2_base"] = dict(
    family="qwen2",
    config=dict(tie_word_embeddings=True, use_sliding_window=False, sliding_window=3),
    T=8,
    gguf=["F16"],
)
CASES["qwen2_window"] = dict(
    family="qwen2",
    config=dict(
        hidden_size=32,
        num_attention_heads=4,
        num_hidden_layers=3,
        use_sliding_window=True,
        sliding_window=4,
        max_window_layers=1,
        rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128},
    ),
    dtype="BF16",
    T=11,
)
CASES["qwen2_new_keys"] = dict(
    family="qwen2",
    config=dict(
        hidden_size=32,
        num_attention_heads=4,
        num_key_value_heads=1,
        num_hidden_layers=3,
        tie_word_embeddings=True,
        use_sliding_window=True,
        sliding_window=3,
        max_window_layers=0,
        max_position_embeddings=240,
        layer_types=["full_attention", "sliding_attention", "full_attention"],
        rope_theta=None,
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": 765.25,
            "factor": 2.5,
            "original_max_position_embeddings": 96,
            "beta_fast": 24.0,
            "beta_slow": 2.0,
        },
    ),
    dtype="F16",
    T=10,
)
CASES["qwen2_kquant"] = dict(
    family="qwen2",
    config=dict(
        hidden_size=256,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        intermediate_size=256,
        tie_word_embeddings=True,
    ),
    T=6,
    gguf=["MIX"],
    folder=False,
)
CASES["gemma3_base"] = dict(
    family="gemma3",
    config=dict(rope_scaling={"rope_type": "linear", "factor": 8.0}),
    dtype="F16",
    T=9,
    gguf=["F16"],
)
CASES["gemma3_new_keys"] = dict(
    family="gemma3",
    config=dict(
        hidden_size=36,
        num_hidden_layers=3,
        num_key_value_heads=2,
        head_dim=10,
        query_pre_attn_scalar=7,
        sliding_window=3,
        sliding_window_pattern=None,
        layer_types=["full_attention", "sliding_attention", "sliding_attention"],
        rope_theta=None,
        rope_local_base_freq=None,
        rope_parameters={
            "full_attention": {"rope_type": "linear", "factor": 3.0, "rope_theta": 54321.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 87.5},
        },
    ),
    dtype="BF16",
    T=10,
)
CASES["gemma3_multimodal"] = dict(
    family="gemma3",
    config=dict(
        hidden_size=20,
        num_hidden_layers=7,
        num_attention_heads=2,
        head_dim=6,
        query_pre_attn_scalar=256,
        intermediate_size=27,
        max_position_embeddings=131072,
        rms_norm_eps=1e-6,
        sliding_window=5,
        sliding_window_pattern=6,
        rope_theta=1000000.0,
        rope_local_base_freq=10000.0,
        rope_scaling={"rope_type": "linear", "factor": 8.0},
    ),
    dtype="BF16",
    T=8,
    gguf=["BF16"],
    prefix=("model.", "language_model.model."),
    extra={
        "multi_modal_projector.mm_input_projection_weight": (24, 20),
        "vision_tower.vision_model.embeddings.patch_embedding.bias": (24,),
    },
    omit=[
        "hidden_activation",
        "query_pre_attn_scalar",
        "max_position_embeddings",
        "rms_norm_eps",
        "sliding_window_pattern",
        "rope_theta",
        "rope_local_base_freq",
    ],
)
CASES.update(FAMILY_CASES)
