"""True float64 models from transformers: import this module BEFORE transformers.

transformers asks for float32 in norms, rotary tables and the attention softmax even in a float64 model.
Here the names torch.float32 and torch.float stand for torch.float64, so that the modelling code itself runs
unchanged but in double. The real float32 stays known as FLOAT32, and `NoFloat32` fails as soon as any
operation yields one."""

import functools
import sys

import torch

FLOAT32 = torch.float32
torch.set_num_threads(1)
torch.float32 = torch.float64
torch.float = torch.float64
torch.Tensor.float = torch.Tensor.double
torch.set_default_dtype(torch.float64)

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402
import transformers  # noqa: E402
from transformers import logging as transformers_logging  # noqa: E402

transformers_logging.set_verbosity_error()  # default ids of special tokens lie outside the tiny vocabularies

NAMES = {
    "llama": ("LlamaConfig", "LlamaForCausalLM"),
    "gpt2": ("GPT2Config", "GPT2LMHeadModel"),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM"),
    "gemma3_text": ("Gemma3TextConfig", "Gemma3ForCausalLM"),
    "gpt_neox": ("GPTNeoXConfig", "GPTNeoXForCausalLM"),
    "phi": ("PhiConfig", "PhiForCausalLM"),
    "gpt_neo": ("GPTNeoConfig", "GPTNeoForCausalLM"),
    "mistral": ("MistralConfig", "MistralForCausalLM"),
    "gemma": ("GemmaConfig", "GemmaForCausalLM"),
    "gemma2": ("Gemma2Config", "Gemma2ForCausalLM"),
    "olmo": ("OlmoConfig", "OlmoForCausalLM"),
    "falcon": ("FalconConfig", "FalconForCausalLM"),
    "mpt": ("MptConfig", "MptForCausalLM"),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM"),
    "olmo2": ("Olmo2Config", "Olmo2ForCausalLM"),
    "stablelm": ("StableLmConfig", "StableLmForCausalLM"),
    "phi3": ("Phi3Config", "Phi3ForCausalLM"),
    "gptj": ("GPTJConfig", "GPTJForCausalLM"),
    "opt": ("OPTConfig", "OPTForCausalLM"),
    "bloom": ("BloomConfig", "BloomForCausalLM"),
    "mixtral": ("MixtralConfig", "MixtralForCausalLM"),
    "t5": ("T5Config", "T5EncoderModel"),
}
CLASSES = {key: tuple(getattr(transformers, name) for name in names) for key, names in NAMES.items()}


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


def as_configured(model, config):
    """What transformers fixes although a file says it: the largest slope of MPT's ALiBi, the epsilon of OLMo's norms; and
    BLOOM's activation, without its rounded derivative.
    """
    family = config.get("model_type")
    if family == "mpt":
        largest = model.config.attn_config.alibi_bias_max
        build = functools.partial(model.transformer.build_mpt_alibi_tensor, alibi_bias_max=largest)
        model.transformer.build_mpt_alibi_tensor = build
    if family == "bloom":  # whose own backward pass has a rounded constant
        plain = sys.modules[type(model).__module__].bloom_gelu_forward
        for module in model.modules():
            if type(module).__name__ == "BloomGelu":
                module.forward = plain
    if family == "olmo":
        for module in model.modules():
            if type(module).__name__ == "OlmoLayerNorm":
                module.forward = functools.partial(
                    torch.nn.functional.layer_norm,
                    normalized_shape=module.normalized_shape,
                    eps=config.get("layer_norm_eps", 1e-5),
                )


def empty_model(config):
    """A model of the configuration's family with weights of its own making, in eager attention. Its key "stack" says "decoder"
    where a T5 is to be whole.
    """
    decoder = config.get("stack") == "decoder"
    config = {key: value for key, value in config.items() if key not in ("dtype", "torch_dtype", "stack")}
    config_class, model_class = CLASSES[config.get("model_type", "llama")]
    if decoder:
        model_class = transformers.T5ForConditionalGeneration
    model = model_class._from_config(config_class(**config), attn_implementation="eager", experts_implementation="eager")
    if decoder and config.get("tie_word_embeddings") is False:  # which transformers does not believe
        model.lm_head = torch.nn.Linear(model.config.d_model, model.config.vocab_size, bias=False)
        model.config.tie_word_embeddings = False
    return model.eval()


def build_model(config, tensors, inv_freq=None):
    """The model in float64 holding exactly `tensors` (name -> numpy array); a Llama's rotary table optionally
    imposed.
    """
    model = empty_model(config)
    state = {name: torch.from_numpy(value.astype("float64")) for name, value in tensors.items()}
    names = {id(value): name for name, value in model.named_parameters()}
    for name, value in model.named_parameters(remove_duplicate=False):
        state[name] = state[names[id(value)]]
    for name, value in model.named_buffers():  # causal masks
        if name in model.state_dict():
            state[name] = value
    model.load_state_dict(state, strict=True)
    if inv_freq is not None:
        rotary = trunk(model).rotary_emb
        rotary.inv_freq.copy_(torch.from_numpy(inv_freq))
        rotary.original_inv_freq.copy_(torch.from_numpy(inv_freq))
    as_configured(model, config)
    assert_double(model)
    return model


def assert_double(module):
    for name, value in list(module.named_parameters()) + list(module.named_buffers()):
        assert value.dtype in (torch.float64, torch.bool), name


def trunk(model):
    """Everything but the head."""
    if hasattr(model, "encoder") and hasattr(model, "decoder"):
        return model.decoder
    names = ("transformer", "gpt_neox", "model", "encoder")
    inner = next(getattr(model, name) for name in names if hasattr(model, name))
    return getattr(inner, "decoder", inner)


def blocks(model):
    inner = trunk(model)
    return next(getattr(inner, name) for name in ("h", "layers", "blocks", "block") if hasattr(inner, name))


def ends_in_norm(model):
    """Not an OPT with its norms behind the sums, nor one with a projection behind its final norm."""
    inner = trunk(model)
    return getattr(inner, "final_layer_norm", True) is not None and getattr(inner, "project_out", None) is None


def head(model, state):
    if model.config.model_type == "t5" and not hasattr(model, "decoder"):
        return None
    if getattr(model.config, "scale_decoder_outputs", False):
        state = state * model.config.d_model**-0.5
    logits = model.get_output_embeddings()(state)
    cap = getattr(model.config, "final_logit_softcapping", None)
    return logits if cap is None else cap * torch.tanh(logits / cap)


def encoder_states(model, token_ids):
    """[1,T,d]: what the decoder's blocks attend to."""
    with NoFloat32():
        return model.encoder(input_ids=torch.tensor([list(token_ids)])).last_hidden_state.detach()


def run_model(model, token_ids, calls=None, memory=None):
    """One forward. Inputs and outputs of every block as graph nodes [1,T,d], final normed state, last logits.

    memory: of a decoder, see encoder_states. calls: a list to which (args, kwargs) of every block are appended, without the state.
    """
    inputs, outputs = [], []

    def before(module, args, kwargs):
        # A fresh leaf, so that the graph of each block stands alone.
        leaf = args[0].detach().requires_grad_(True)
        inputs.append(leaf)
        if calls is not None:
            calls.append((args[1:], kwargs))
        return (leaf, *args[1:]), kwargs

    def after(module, args, out):
        outputs.append(out[0] if isinstance(out, tuple) else out)

    hooks = []
    for layer in blocks(model):
        hooks.append(layer.register_forward_pre_hook(before, with_kwargs=True))
        hooks.append(layer.register_forward_hook(after))
    with NoFloat32():
        reads = {} if memory is None else {"encoder_hidden_states": memory}
        out = trunk(model)(input_ids=torch.tensor([list(token_ids)]), use_cache=False, **reads)
        logits = head(model, out.last_hidden_state[:, -1])
    for hook in hooks:
        hook.remove()
    logits = None if logits is None else logits[0].detach().numpy()
    return inputs, outputs, out.last_hidden_state, logits


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


def wide_residual_jacobian(node, leaf, n_rows=64):
    """The same by `n_rows` rows at a time, in memory that a large model leaves."""
    d = node.shape[-1]
    out = -torch.eye(d)
    with NoFloat32():
        for begin in range(0, d, n_rows):
            some = torch.eye(d)[begin : begin + n_rows]
            (rows,) = torch.autograd.grad(node[0, -1], leaf, some, retain_graph=True, is_grads_batched=True)
            out[begin : begin + n_rows] += rows[:, 0, -1]
    return out.numpy()


def rotary_tables(model):
    """Name of a reference variable -> (dims, values): the frequencies in use, none for learned positions."""
    rotary = getattr(trunk(model), "rotary_emb", None)
    if rotary is None:
        return {}
    out = {}
    for prefix, suffix in (("", ""), ("full_attention_", ""), ("sliding_attention_", "_sliding")):
        if hasattr(rotary, prefix + "inv_freq"):
            out["inv_freq" + suffix] = (("pair",), getattr(rotary, prefix + "inv_freq").numpy())
            factor = getattr(rotary, prefix + "attention_scaling")
            out["attention_factor" + suffix] = ((), torch.tensor(factor).numpy())
    return out
