"""A GGUF model of any size through transformers' own modules in float64, one block in memory at a time."""

import numpy as np
import torch
from gguf import GGMLQuantizationType, dequantize

import float64  # first: lifts torch before transformers is imported
from checkpoints import Gguf, dequantized

VOCABULARY_ROWS = 8192


def rows_of(tensor, rows):
    """float64 [len(rows), d] of an embedding or head."""
    data = np.asarray(tensor.data)[rows]
    if tensor.tensor_type not in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
        data = dequantize(data, tensor.tensor_type)
    return data.astype(np.float64)


class StreamedModel:
    """block(layer) gives the model of that one block: load it, then pass states through it by `through`."""

    def __init__(self, path):
        self.file = Gguf(path)
        assert self.file.divisors is None, "rope_freqs.weight is not read here"
        config = self.file.config
        self.gpt2 = config["model_type"] == "gpt2"
        self.n_layer = config["n_layer" if self.gpt2 else "num_hidden_layers"]
        self.d = config["n_embd" if self.gpt2 else "hidden_size"]
        self.shells = {}

    def wide(self, name):
        return torch.from_numpy(np.ascontiguousarray(self.file.tensor(name).astype(np.float64)))

    def shell(self, kind):
        """A model of one layer and a vocabulary of one token: masks and rotary tables come from its own forward."""
        if kind not in self.shells:
            config = {**self.file.config, "vocab_size": 1, "tie_word_embeddings": True}
            config["n_layer" if self.gpt2 else "num_hidden_layers"] = 1
            if kind is not None:
                config["layer_types"] = [kind]
            model = float64.empty_model(config)
            model.requires_grad_(False)
            float64.assert_double(model)
            final = float64.trunk(model).ln_f if self.gpt2 else model.model.norm
            final.load_state_dict(
                {
                    n: self.wide(("transformer.ln_f." if self.gpt2 else "model.norm.") + n)
                    for n in final.state_dict()
                }
            )
            self.shells[kind] = model
        return self.shells[kind]

    def block(self, layer):
        config, kind = self.file.config, None
        if config["model_type"] == "gemma3_text":
            local = (layer + 1) % config["sliding_window_pattern"] != 0
            kind = "sliding_attention" if local else "full_attention"
        model = self.shell(kind)
        prefix = f"transformer.h.{layer}." if self.gpt2 else f"model.layers.{layer}."
        block = float64.blocks(model)[0]
        block.load_state_dict({name: self.wide(prefix + name) for name in block.state_dict()})
        return model

    def through(self, model, state, graph=False):
        """(input, output, final-normed output) of the block at state [T, d]: graph nodes [1, T, d]."""
        leaf = torch.from_numpy(state)[None].requires_grad_(graph)
        out = []

        def before(module, args, kwargs):
            return (leaf, *args[1:]), kwargs

        hooks = [
            float64.blocks(model)[0].register_forward_pre_hook(before, with_kwargs=True),
            float64.blocks(model)[0].register_forward_hook(lambda module, args, y: out.append(y)),
        ]
        with float64.NoFloat32(), torch.set_grad_enabled(graph):
            ids = torch.zeros((1, len(state)), dtype=torch.int64)
            normed = float64.trunk(model)(input_ids=ids, use_cache=False).last_hidden_state
        for hook in hooks:
            hook.remove()
        return leaf, out[0], normed

    def embed(self, ids):
        """[T, d]: what enters the first block."""
        name = "transformer.wte.weight" if self.gpt2 else "model.embed_tokens.weight"
        x = rows_of(self.file.names[name], list(ids))
        if self.gpt2:
            return x + dequantized(self.file.names["transformer.wpe.weight"])[: len(ids)]
        return x * np.sqrt(self.d) if self.file.config["model_type"] == "gemma3_text" else x

    def logits(self, normed):
        """normed: [n, d], final-normed states -> [n, vocab]."""
        embedding = "transformer.wte.weight" if self.gpt2 else "model.embed_tokens.weight"
        head = self.file.names.get("lm_head.weight", self.file.names[embedding])
        n_vocab = len(head.data)
        out = np.empty((len(normed), n_vocab))
        for begin in range(0, n_vocab, VOCABULARY_ROWS):
            rows = slice(begin, min(begin + VOCABULARY_ROWS, n_vocab))
            out[:, rows] = normed @ rows_of(head, rows).T
        return out
