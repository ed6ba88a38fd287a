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


