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


