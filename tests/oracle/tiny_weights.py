"""Random weights of the tiny models: gains that make attention and MLP matter as much as the stream they add to."""

import gguf
import numpy as np

from quant_blocks import TYPES
from tiny_models import sizes


class Drawn:
    """Tensors in the order they are drawn; name -> float32."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.tensors = {}

    def normal(self, name, shape, deviation, mean=0):
        self.tensors[name] = mean + deviation * self.rng.standard_normal(shape)

    def linear(self, name, n_out, n_in, gain, bias):
        self.normal(name + ".weight", (n_out, n_in), gain / np.sqrt(n_in))
        if bias:
            self.normal(name + ".bias", n_out, 0.4)

    def conv1d(self, name, n_in, n_out, gain):
        """GPT-2: weights [in, out]."""
        self.normal(name + ".weight", (n_in, n_out), gain / np.sqrt(n_in))
        self.normal(name + ".bias", n_out, 0.4)

    def done(self):
        return {name: value.astype(np.float32) for name, value in self.tensors.items()}


def llama_weights(config, seed):
    """Also Qwen2: biases of query, key and value alone."""
    drawn = Drawn(seed)
    d, n_head, n_kv, dh = sizes(config)
    d_ff = config["intermediate_size"]
    qwen = config["model_type"] == "qwen2"
    bias, mlp_bias = qwen or config["attention_bias"], not qwen and config["mlp_bias"]

    def norm(name):
        drawn.normal(name + ".weight", d, 0.35, 1)

    drawn.normal("model.embed_tokens.weight", (config["vocab_size"], d), 0.3)
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        norm(block + "input_layernorm")
        drawn.linear(block + "self_attn.q_proj", n_head * dh, d, 1.3, bias)
        drawn.linear(block + "self_attn.k_proj", n_kv * dh, d, 1.3, bias)
        drawn.linear(block + "self_attn.v_proj", n_kv * dh, d, 1.0, bias)
        drawn.linear(block + "self_attn.o_proj", d, n_head * dh, 0.7, bias and not qwen)
        norm(block + "post_attention_layernorm")
        drawn.linear(block + "mlp.gate_proj", d_ff, d, 1.5, mlp_bias)
        drawn.linear(block + "mlp.up_proj", d_ff, d, 1.2, mlp_bias)
        drawn.linear(block + "mlp.down_proj", d, d_ff, 0.8, mlp_bias)
    norm("model.norm")
    if not config["tie_word_embeddings"]:
        drawn.linear("lm_head", config["vocab_size"], d, 1.0, False)
    return drawn.done()


def gpt2_weights(config, seed):
    drawn = Drawn(seed)
    d = config["n_embd"]
    d_ff = config.get("n_inner", 4 * d)
    # Without 1/sqrt(dh) the logits need smaller weights to keep the softmax from saturating.
    gain = 1.3 if config.get("scale_attn_weights", True) else 0.9

    def norm(name):
        drawn.normal(name + ".weight", d, 0.35, 1)
        drawn.normal(name + ".bias", d, 0.3)

    drawn.normal("transformer.wte.weight", (config["vocab_size"], d), 0.3)
    drawn.normal("transformer.wpe.weight", (config["n_positions"], d), 0.2)
    for layer in range(config["n_layer"]):
        block = f"transformer.h.{layer}."
        norm(block + "ln_1")
        drawn.conv1d(block + "attn.c_attn", d, 3 * d, gain)
        drawn.conv1d(block + "attn.c_proj", d, d, 0.7)
        norm(block + "ln_2")
        drawn.conv1d(block + "mlp.c_fc", d, d_ff, 1.3)
        drawn.conv1d(block + "mlp.c_proj", d_ff, d, 0.8)
    norm("transformer.ln_f")
    if not config.get("tie_word_embeddings", True):
        drawn.linear("lm_head", config["vocab_size"], d, 1.0, False)
    return drawn.done()


def gemma3_weights(config, seed):
    """Norm weights are w of (1 + w)."""
    drawn = Drawn(seed)
    d, n_head, n_kv, dh = sizes(config)
    d_ff = config["intermediate_size"]

    def norm(name, n):
        drawn.normal(name + ".weight", n, 0.35)

    drawn.normal("model.embed_tokens.weight", (config["vocab_size"], d), 0.2)
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        norm(block + "input_layernorm", d)
        drawn.linear(block + "self_attn.q_proj", n_head * dh, d, 1.3, False)
        drawn.linear(block + "self_attn.k_proj", n_kv * dh, d, 1.3, False)
        drawn.linear(block + "self_attn.v_proj", n_kv * dh, d, 1.0, False)
        drawn.linear(block + "self_attn.o_proj", d, n_head * dh, 0.7, False)
        norm(block + "self_attn.q_norm", dh)
        norm(block + "self_attn.k_norm", dh)
        norm(block + "post_attention_layernorm", d)
        norm(block + "pre_feedforward_layernorm", d)
        drawn.linear(block + "mlp.gate_proj", d_ff, d, 1.5, False)
        drawn.linear(block + "mlp.up_proj", d_ff, d, 1.2, False)
        drawn.linear(block + "mlp.down_proj", d, d_ff, 0.8, False)
        norm(block + "post_feedforward_layernorm", d)
    norm("model.norm", d)
    return drawn.done()


def random_weights(config, seed):
    """name -> float32, under the names of transformers' model classes."""
    draw = {"gpt2": gpt2_weights, "gemma3_text": gemma3_weights}.get(config["model_type"], llama_weights)
    return draw(config, seed)


def random_quantised(rng, kind, n_out, n_in, deviation):
    """uint8 rows of valid blocks whose values have about the given deviation and no mean."""
    elements, size, scales = TYPES[kind]
    blocks = rng.integers(0, 256, (n_out * n_in // elements, size)).astype(np.uint8)
    # 4 and 5 bits of Q4_K, Q5_K, Q4_1, Q5_1 are centred by their minimum; Q2_K has 2 bits and half the range of scales.
    ratio = {"Q2_K": 1.5, "Q4_K": 7.5, "Q5_K": 15.5, "Q4_1": -7.5, "Q5_1": -15.5}.get(kind, 0)

    def with_scale(d):
        for offset, value in zip(scales, (d, d * ratio)):
            jitter = rng.uniform(0.8, 1.25, len(blocks)) if offset == scales[0] else 1
            blocks[:, offset : offset + 2] = (
                (value * jitter * np.ones(len(blocks))).astype("<f2").view(np.uint8).reshape(-1, 2)
            )
        return gguf.dequantize(blocks, gguf.GGMLQuantizationType[kind])

    with_scale(deviation / with_scale(0.01).std() * 0.01)
    return blocks.reshape(n_out, -1)
