"""A true float64 Llama from transformers: import this module BEFORE transformers.

transformers asks for float32 in norms, rotary tables and the attention softmax even in a float64 model.
Here the names torch.float32 and torch.float stand for torch.float64, so that the modelling code itself runs
unchanged but in double. The real float32 stays known as FLOAT32, and `NoFloat32` fails as soon as any
operation yields one."""

import torch

FLOAT32 = torch.float32
torch.set_num_threads(1)
torch.float32 = torch.float64
torch.float = torch.float64
torch.Tensor.float = torch.Tensor.double
torch.set_default_dtype(torch.float64)

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402


class NoFloat32(TorchDispatchMode):
    """Every operation inside this context must yield no floating type but float64. Counts them."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                NoFloat32.count += 1
                if leaf.dtype in (FLOAT32, torch.float16, torch.bfloat16):
                    raise AssertionError(f"{func} yields {leaf.dtype}")
        return out


def build_model(config, tensors, inv_freq=None, attention_factor=None):
    """LlamaForCausalLM in float64 holding exactly `tensors` (name -> numpy array); rotary table optionally
    imposed.
    """
    config = {key: value for key, value in config.items() if key not in ("dtype", "torch_dtype")}
    model = LlamaForCausalLM._from_config(LlamaConfig(**config), attn_implementation="eager")
    state = {name: torch.from_numpy(value.astype("float64")) for name, value in tensors.items()}
    if config.get("tie_word_embeddings", False):
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True)
    rotary = model.model.rotary_emb
    if inv_freq is not None:
        rotary.inv_freq.copy_(torch.from_numpy(inv_freq))
        rotary.original_inv_freq.copy_(torch.from_numpy(inv_freq))
    if attention_factor is not None:
        rotary.attention_scaling = attention_factor
    for name, value in list(model.named_parameters()) + list(model.named_buffers()):
        assert value.dtype == torch.float64, name
    return model.eval()


def run_model(model, token_ids):
    """One forward. Inputs and outputs of every block as graph nodes [1,T,d], final normed state, last
    logits.
    """
    inputs, outputs = [], []

    def before(module, args, kwargs):
        # A fresh leaf, so that the graph of each block stands alone.
        leaf = args[0].detach().requires_grad_(True)
        inputs.append(leaf)
        return (leaf, *args[1:]), kwargs

    hooks = []
    for layer in model.model.layers:
        hooks.append(layer.register_forward_pre_hook(before, with_kwargs=True))
        hooks.append(layer.register_forward_hook(lambda module, args, out: outputs.append(out)))
    with NoFloat32():
        out = model.model(input_ids=torch.tensor([list(token_ids)]), use_cache=False)
        logits = model.lm_head(out.last_hidden_state[:, -1])
    for hook in hooks:
        hook.remove()
    return inputs, outputs, out.last_hidden_state, logits[0].detach().numpy()


def states(inputs, outputs):
    """[L+1, T, d]: X^0..X^L, the last one before the final norm."""
    return torch.cat([*inputs, outputs[-1]]).detach().numpy()


def jacobian_by_source(node, leaf, batched=True):
    """[T, d, d]: d node[-1] / d leaf[s] for every source token s, identity included; rows = outputs."""
    d = node.shape[-1]
    eye = torch.eye(d)
    with NoFloat32():
        if batched:
            (rows,) = torch.autograd.grad(node[0, -1], leaf, eye, retain_graph=True, is_grads_batched=True)
        else:
            rows = torch.stack([torch.autograd.grad(node[0, -1], leaf, e, retain_graph=True)[0] for e in eye])
    return rows[:, 0].transpose(0, 1).detach().numpy().copy()


def residual_jacobian(node, leaf, batched=True):
    """[d, d]: derivative of the last token of the output by the last token of the input, identity removed."""
    jacobian = jacobian_by_source(node, leaf, batched)[-1]
    return jacobian - torch.eye(len(jacobian)).numpy()
