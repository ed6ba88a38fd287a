"""The blocks of every family in plain numpy, written from the papers: real or complex, so that the complex step
differentiates them.
"""

import numpy as np
from scipy.special import erf


def rms_norm(x, weight, eps):
    return weight * x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)


def layer_norm(x, weight, bias, eps):
    centred = x - x.mean(axis=-1, keepdims=True)
    return weight * centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps) + bias


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


ACTIVATIONS = {"silu": silu, "gelu": gelu, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh}


def rotate(x, angle, factor):
    """x: [T, heads, dh] half-split; angle: [T, dh/2]."""
    half = x.shape[-1] // 2
    cos, sin = factor * np.cos(angle)[:, None], factor * np.sin(angle)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def attention(q, k, v, scale, window):
    """q: [T, H, dh], k, v: [T, Hk, dh]; window: tokens visible from a token, itself included, or None."""
    length, n_head = q.shape[:2]
    ago = np.subtract.outer(np.arange(length), np.arange(length))
    visible = (ago >= 0) & (ago < (window or length))
    heads = []
    for head in range(n_head):
        kv = head // (n_head // k.shape[1])
        score = q[:, head] @ k[:, kv].T * scale
        # A constant: where a shift is taken from does not matter, and it must not be differentiated.
        p = np.exp(score - score.real.max(axis=1, keepdims=True)) * visible
        heads.append(p / p.sum(axis=1, keepdims=True) @ v[:, kv])
    return np.concatenate(heads, axis=1)


def yarn(theta, dh, scaling):
    """(frequencies, attention factor): interpolated where a pair turns less than beta_slow times in the original
    length, untouched above beta_fast.
    """
    factor, original = scaling["factor"], scaling["original_max_position_embeddings"]
    pair = np.arange(dh // 2)
    frequency = theta ** (-2 * pair / dh)

    def pair_of(turns):
        return dh * np.log(original / (turns * 2 * np.pi)) / (2 * np.log(theta))

    low = max(np.floor(pair_of(scaling.get("beta_fast", 32))), 0)
    high = min(np.ceil(pair_of(scaling.get("beta_slow", 1))), dh - 1)
    share = np.clip((pair - low) / max(high - low, 0.001), 0, 1)
    return frequency * (share / factor + 1 - share), 0.1 * np.log(factor) + 1


def is_sliding(layer, config):
    """Which layers see a window, in all spellings."""
    if "layer_types" in config:
        return config["layer_types"][layer] == "sliding_attention"
    if config["model_type"] == "gemma3_text":
        return (layer + 1) % config.get("sliding_window_pattern", 6) != 0
    return bool(config.get("use_sliding_window")) and layer >= config.get("max_window_layers", 28)


def frequencies(layer, dh, config):
    """(frequencies, attention factor) of Qwen2 and Gemma 3, from the configuration alone."""
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    theta = config.get("rope_theta", 1e6 if config["model_type"] == "gemma3_text" else 1e4)
    if config["model_type"] == "gemma3_text":
        local = is_sliding(layer, config)
        if "full_attention" in scaling:
            scaling = scaling["sliding_attention" if local else "full_attention"]
        elif local:
            scaling, theta = {}, config.get("rope_local_base_freq", 1e4)
    theta = scaling.get("rope_theta", theta)
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind == "yarn":
        return yarn(theta, dh, scaling)
    factor = {"linear": scaling.get("factor"), "default": 1.0}[kind]
    return theta ** (-np.arange(0, dh, 2) / dh) / factor, 1.0


def rotary_block(x, layer, config, tensors, stored):
    """Llama, Qwen2, Gemma 3."""
    gemma, prefix = config.get("model_type") == "gemma3_text", f"model.layers.{layer}."
    eps = config.get("rms_norm_eps", 1e-6)

    def linear(name, y):
        out = y @ tensors[f"{prefix}{name}.weight"].astype(float).T
        return out + tensors.get(f"{prefix}{name}.bias", 0.0)

    def norm(name, y):
        return rms_norm(y, tensors[f"{prefix}{name}.weight"].astype(float) + gemma, eps)

    n_head, length = config["num_attention_heads"], len(x)
    n_kv, dh = config.get("num_key_value_heads", n_head), config.get("head_dim", x.shape[1] // n_head)
    if config.get("model_type", "llama") == "llama":
        inv_freq, factor, window = stored["inv_freq"], float(stored["attention_factor"]), None
    else:
        inv_freq, factor = frequencies(layer, dh, config)
        window = config.get("sliding_window", 4096) if is_sliding(layer, config) else None
    angle = np.outer(np.arange(length), inv_freq)
    h = norm("input_layernorm", x)
    q = linear("self_attn.q_proj", h).reshape(length, n_head, dh)
    k = linear("self_attn.k_proj", h).reshape(length, n_kv, dh)
    v = linear("self_attn.v_proj", h).reshape(length, n_kv, dh)
    if gemma:
        q, k = norm("self_attn.q_norm", q), norm("self_attn.k_norm", k)
    q, k = rotate(q, angle, factor), rotate(k, angle, factor)
    scale = 1 / np.sqrt(config.get("query_pre_attn_scalar", 256) if gemma else dh)
    out = linear("self_attn.o_proj", attention(q, k, v, scale, window))
    y = x + (norm("post_attention_layernorm", out) if gemma else out)
    h = norm("pre_feedforward_layernorm" if gemma else "post_attention_layernorm", y)
    act = ACTIVATIONS[
        config.get("hidden_act", config.get("hidden_activation", "gelu_new" if gemma else "silu"))
    ]
    out = linear("mlp.down_proj", act(linear("mlp.gate_proj", h)) * linear("mlp.up_proj", h))
    return y + (norm("post_feedforward_layernorm", out) if gemma else out)


def gpt2_block(x, layer, config, tensors):
    prefix = f"transformer.h.{layer}."

    def conv(name, y):
        return y @ tensors[f"{prefix}{name}.weight"].astype(float) + tensors[f"{prefix}{name}.bias"]

    def norm(name, y):
        weight, bias = (tensors[f"{prefix}{name}.{kind}"].astype(float) for kind in ("weight", "bias"))
        return layer_norm(y, weight, bias, config["layer_norm_epsilon"])

    length, d = x.shape
    q, k, v = (
        part.reshape(length, config["n_head"], -1)
        for part in np.split(conv("attn.c_attn", norm("ln_1", x)), 3, 1)
    )
    scale = 1 / np.sqrt(d // config["n_head"]) if config.get("scale_attn_weights", True) else 1.0
    if config.get("scale_attn_by_inverse_layer_idx"):
        scale /= layer + 1
    y = x + conv("attn.c_proj", attention(q, k, v, scale, None))
    act = ACTIVATIONS[config.get("activation_function", "gelu_new")]
    return y + conv("mlp.c_proj", act(conv("mlp.c_fc", norm("ln_2", y))))


def block(x, layer, config, tensors, stored):
    """One block; x: [T, d], real or complex (analytic in x). stored: the reference file, for a Llama's rotary table."""
    if config.get("model_type") == "gpt2":
        return gpt2_block(x, layer, config, tensors)
    return rotary_block(x, layer, config, tensors, stored)


def embedded(config, tensors, ids):
    """[T, d]: what enters the first block."""
    if config.get("model_type") == "gpt2":
        return (
            tensors["transformer.wte.weight"][ids].astype(float)
            + tensors["transformer.wpe.weight"][: len(ids)]
        )
    x = tensors["model.embed_tokens.weight"][ids].astype(float)
    return x * np.sqrt(config["hidden_size"]) if config.get("model_type") == "gemma3_text" else x


def logits(x, config, tensors):
    """[vocab] from the last state of a token."""
    wide = {
        name: tensors[name].astype(float) for name in tensors if "layers" not in name and ".h." not in name
    }
    if config.get("model_type") == "gpt2":
        x = layer_norm(
            x, wide["transformer.ln_f.weight"], wide["transformer.ln_f.bias"], config["layer_norm_epsilon"]
        )
        return wide.get("lm_head.weight", wide["transformer.wte.weight"]) @ x
    gemma = config.get("model_type") == "gemma3_text"
    x = rms_norm(x, wide["model.norm.weight"] + gemma, config.get("rms_norm_eps", 1e-6))
    return wide.get("lm_head.weight", wide["model.embed_tokens.weight"]) @ x


def complex_step(x, *rest):
    """[d, d]: derivative of the block's last output token by its last input token, identity removed."""
    out = np.empty((x.shape[1],) * 2)
    for column in range(x.shape[1]):
        shifted = x.astype(complex)
        shifted[-1, column] += 1e-30j
        out[:, column] = block(shifted, *rest)[-1].imag / 1e-30
    return out - np.eye(x.shape[1])
