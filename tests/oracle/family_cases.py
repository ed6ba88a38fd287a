"""Configurations of the tiny models of further families: as tiny_cases.py, but drawn, written and converted by rules that hold
for all of them (family_models.py, family_gguf.py). Their reference files have states, logits and Jacobians alone.

unfaithful: keys that a GGUF file cannot say, with what stands for them. fused: the GGUF file has query, key and value in one
tensor.
"""

SMALL = {"vocab_size": 41, "num_hidden_layers": 2, "max_position_embeddings": 64}
GPTNEOX = {
    **SMALL,
    "architectures": ["GPTNeoXForCausalLM"],
    "model_type": "gpt_neox",
    "hidden_act": "gelu",
    "hidden_size": 30,
    "intermediate_size": 47,
    "num_attention_heads": 3,
    "rotary_pct": 0.4,
    "rotary_emb_base": 10000,
    "layer_norm_eps": 7e-4,
}
PHI = {
    **SMALL,
    "architectures": ["PhiForCausalLM"],
    "model_type": "phi",
    "hidden_act": "gelu_new",
    "hidden_size": 24,
    "intermediate_size": 37,
    "num_attention_heads": 3,
    "partial_rotary_factor": 0.5,
    "layer_norm_eps": 3e-4,
    "rope_theta": 321.5,
}
GPTNEO = {
    "architectures": ["GPTNeoForCausalLM"],
    "model_type": "gpt_neo",
    "activation_function": "gelu_new",
    "hidden_size": 24,
    "num_heads": 3,
    "num_layers": 3,
    "vocab_size": 41,
    "max_position_embeddings": 16,
    "window_size": 4,
    "attention_types": [[["global", "local"], 1], [["local"], 1]],
    "layer_norm_epsilon": 5e-4,
}
MISTRAL = {
    **SMALL,
    "architectures": ["MistralForCausalLM"],
    "model_type": "mistral",
    "hidden_act": "silu",
    "hidden_size": 24,
    "intermediate_size": 35,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 2e-4,
    "rope_theta": 543.5,
    "sliding_window": 4,
}
GEMMA = {
    **SMALL,
    "architectures": ["GemmaForCausalLM"],
    "model_type": "gemma",
    "hidden_act": "gelu",
    "hidden_size": 24,
    "intermediate_size": 35,
    "num_attention_heads": 3,
    "num_key_value_heads": 1,
    "head_dim": 10,
    "rms_norm_eps": 2e-4,
    "rope_theta": 654.5,
}
GEMMA2 = {
    **SMALL,
    "architectures": ["Gemma2ForCausalLM"],
    "model_type": "gemma2",
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 24,
    "intermediate_size": 31,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 10,
    "query_pre_attn_scalar": 13,
    "rms_norm_eps": 2e-4,
    "rope_theta": 765.5,
    "sliding_window": 3,
    "attn_logit_softcapping": 1.5,
    "final_logit_softcapping": 2.5,
}
OLMO = {
    **SMALL,
    "architectures": ["OlmoForCausalLM"],
    "model_type": "olmo",
    "hidden_act": "silu",
    "hidden_size": 24,
    "intermediate_size": 35,
    "num_attention_heads": 3,
    "rope_theta": 876.5,
    "clip_qkv": 0.75,
}
FALCON = {
    **SMALL,
    "architectures": ["FalconForCausalLM"],
    "model_type": "falcon",
    "hidden_size": 24,
    "num_attention_heads": 3,
    "num_kv_heads": 3,
    "alibi": False,
    "bias": False,
    "multi_query": True,
    "new_decoder_architecture": False,
    "parallel_attn": True,
    "layer_norm_epsilon": 4e-4,
}
MPT = {
    "architectures": ["MptForCausalLM"],
    "model_type": "mpt",
    "d_model": 24,
    "n_heads": 3,
    "n_layers": 2,
    "vocab_size": 41,
    "max_seq_len": 64,
    "expansion_ratio": 4,
    "no_bias": True,
    "attn_config": {"alibi": True, "alibi_bias_max": 5, "clip_qkv": 0.75, "attn_impl": "torch"},
    "layer_norm_epsilon": 6e-4,
}
FAMILY_BASES = {
    "gptneox": GPTNEOX,
    "phi": PHI,
    "gptneo": GPTNEO,
    "mistral": MISTRAL,
    "gemma": GEMMA,
    "gemma2": GEMMA2,
    "olmo": OLMO,
    "falcon": FALCON,
    "mpt": MPT,
}

FAMILY_CASES = {
    "gptneox_base": dict(
        config={},
        dtype="F16",
        T=9,
        gguf=["F16"],
        prefix=("lm_head.", "embed_out."),  # its name in files
        extra={"gpt_neox.layers.1.attention.masked_bias": ()},
    ),
    # Sequential, no attention biases, the new spelling with a scaling.
    "gptneox_sequential": dict(
        config=dict(
            hidden_size=24,
            num_attention_heads=2,
            use_parallel_residual=False,
            attention_bias=False,
            tie_word_embeddings=True,
            rotary_pct=None,
            rotary_emb_base=None,
            rope_parameters={
                "rope_type": "linear",
                "factor": 3.0,
                "rope_theta": 432.5,
                "partial_rotary_factor": 0.5,
            },
        ),
        dtype="BF16",
        T=7,
        gguf=["BF16"],
    ),
    "phi_base": dict(config={}, dtype="F16", T=9, gguf=["F16"]),
    "phi_grouped": dict(
        config=dict(
            hidden_size=40, num_attention_heads=4, num_key_value_heads=2, partial_rotary_factor=0.4
        ),
        dtype="BF16",
        T=7,
        gguf=["BF16"],
        fused=True,
    ),
    "gptneo_base": dict(config={}, dtype="F16", T=9, extra={"transformer.h.1.attn.attention.bias": (1, 1, 16, 16)}),
    "gptneo_odd": dict(
        prefix=("transformer.", ""),
        config=dict(
            hidden_size=20,
            num_heads=2,
            num_layers=2,
            intermediate_size=27,
            window_size=3,
            attention_types=[[["local"], 1], [["global"], 1]],
            activation_function="gelu",
            tie_word_embeddings=False,
        ),
        dtype="BF16",
        T=8,
    ),
    "mistral_base": dict(config={}, dtype="F16", T=9),
    "mistral_full": dict(
        config=dict(
            num_key_value_heads=1,
            head_dim=10,
            tie_word_embeddings=True,
            rope_theta=None,
            rope_parameters={"rope_type": "default", "rope_theta": 98.25},
        ),
        null=["sliding_window"],
        dtype="BF16",
        T=8,
    ),
    "gemma_base": dict(config={}, dtype="F16", T=9, gguf=["F16"]),
    "gemma_heads": dict(
        config=dict(hidden_size=26, num_attention_heads=3, num_key_value_heads=3, head_dim=14, hidden_act="gelu_pytorch_tanh"),
        dtype="BF16",
        T=6,
        gguf=["BF16"],
    ),
    "gemma2_base": dict(
        config={}, dtype="F16", T=9, gguf=["F16"], unfaithful={"query_pre_attn_scalar": 10}
    ),
    "gemma2_uncapped": dict(
        config=dict(
            num_hidden_layers=2,
            num_key_value_heads=1,
            layer_types=["full_attention", "sliding_attention"],
            rope_theta=None,
            rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 98.25},
        ),
        null=["attn_logit_softcapping", "final_logit_softcapping"],
        dtype="BF16",
        T=8,
    ),
    "olmo_base": dict(config={}, dtype="F16", T=9, gguf=["F16"]),
    "olmo_grouped": dict(
        config=dict(
            hidden_size=40,
            intermediate_size=29,
            num_attention_heads=4,
            num_key_value_heads=2,
            attention_bias=True,
            tie_word_embeddings=True,
            clip_qkv=1.25,
        ),
        dtype="BF16",
        T=7,
        gguf=["BF16"],
    ),
    "falcon_7b": dict(config={}, dtype="F16", T=9, gguf=["F16"]),
    "falcon_40b": dict(
        config=dict(
            hidden_size=36,
            num_attention_heads=6,
            num_kv_heads=2,
            new_decoder_architecture=True,
            bias=True,
            ffn_hidden_size=43,
        ),
        dtype="BF16",
        T=7,
        gguf=["BF16"],
    ),
    "falcon_11b": dict(
        config=dict(
            hidden_size=32,
            num_attention_heads=4,
            num_kv_heads=2,
            num_ln_in_parallel_attn=1,
            new_decoder_architecture=True,
            tie_word_embeddings=False,
            rope_theta=5000.42,
        ),
        dtype="F16",
        T=6,
    ),
    "falcon_heads": dict(
        config=dict(hidden_size=20, num_attention_heads=2, num_kv_heads=2, multi_query=False), dtype="F16", T=6
    ),
    "mpt_base": dict(config={}, dtype="F16", T=9, gguf=["F16"]),
    "mpt_heads": dict(
        config=dict(d_model=20, n_heads=5, attn_config={"clip_qkv": None, "alibi_bias_max": 8}),
        dtype="BF16",
        T=8,
        gguf=["BF16"],
    ),
}
for name, case in FAMILY_CASES.items():
    case["family"] = name.split("_")[0]
