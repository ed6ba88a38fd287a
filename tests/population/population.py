"""The population of small trained models: which there are, fixed before any of them was measured.

Eight recipes (lineage: family, share of the text, length of the training), sixteen models, each from a seed of its own.
Two keep checkpoints. A model is `width x depth`; everything else follows from its family.
"""

from dataclasses import dataclass
from pathlib import Path

from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

INPUT = Path(__file__).resolve().parents[2] / "input"
VOCABULARY, CONTEXT, BATCH = 512, 128, 16  # tokens, tokens a sequence, sequences a step
CHECKPOINTS = (0, 10, 20, 40, 80, 160, 320)  # and the last step


@dataclass(frozen=True)
class Model:
    lineage: str
    name: str
    family: str
    width: int
    depth: int
    steps: int
    seed: int
    share: float = 1.0  # of the text
    series: bool = False


POPULATION = [
    Model("llama-full", "kjv-llama-64x8", "llama", 64, 8, 800, 1, series=True),
    Model("gpt2-brief", "kjv-gpt2-32x12", "gpt2", 32, 12, 120, 2),
    Model("gpt2-brief", "kjv-gpt2-80x4", "gpt2", 80, 4, 120, 3),
    Model("olmo2-brief", "kjv-olmo2-48x8", "olmo2", 48, 8, 250, 4),
    Model("qwen3-full", "kjv-qwen3-48x6", "qwen3", 48, 6, 500, 5),
    Model("llama-scarce", "kjv-llama-64x4", "llama", 64, 4, 500, 6, share=1 / 32),
    Model("gemma3-full", "kjv-gemma3-48x6", "gemma3", 48, 6, 350, 7),
    Model("gpt-neox-full", "kjv-neox-64x8", "gpt_neox", 64, 8, 500, 8, series=True),
    Model("gpt2-full", "kjv-gpt2-48x6-a", "gpt2", 48, 6, 400, 9),
    Model("gpt2-full", "kjv-gpt2-48x6-b", "gpt2", 48, 6, 400, 10),
    Model("llama-full", "kjv-llama-128x4", "llama", 128, 4, 350, 11),
    Model("gpt-neox-full", "kjv-neox-64x4", "gpt_neox", 64, 4, 400, 12),
    Model("qwen3-full", "kjv-qwen3-32x10", "qwen3", 32, 10, 400, 13),
    Model("llama-scarce", "kjv-llama-32x12", "llama", 32, 12, 400, 14, share=1 / 32),
    Model("gemma3-full", "kjv-gemma3-64x5", "gemma3", 64, 5, 350, 15),
    Model("gpt2-full", "kjv-gpt2-64x8", "gpt2", 64, 8, 400, 16),
]


def build(model):
    """The untrained torch model, drawn as its family initialises it. Call torch.manual_seed before."""
    d, n_head = model.width, 4
    common = {
        "vocab_size": VOCABULARY,
        "hidden_size": d,
        "num_hidden_layers": model.depth,
        "num_attention_heads": n_head,
        "max_position_embeddings": 2 * CONTEXT,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": None,
    }
    gated = {**common, "num_key_value_heads": 2, "intermediate_size": (8 * d // 3 + 31) // 32 * 32}
    if model.family == "llama":
        return LlamaForCausalLM(LlamaConfig(**gated, tie_word_embeddings=True))
    if model.family == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**gated, head_dim=d // n_head, tie_word_embeddings=True))
    if model.family == "olmo2":
        return Olmo2ForCausalLM(Olmo2Config(**gated))
    if model.family == "gemma3":
        special = {"head_dim": d // n_head, "query_pre_attn_scalar": d // n_head, "sliding_window": 64}
        return Gemma3ForCausalLM(Gemma3TextConfig(**gated, **special))
    if model.family == "gpt_neox":
        return GPTNeoXForCausalLM(GPTNeoXConfig(**common, intermediate_size=4 * d))
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY,
            n_positions=2 * CONTEXT,
            n_embd=d,
            n_layer=model.depth,
            n_head=n_head,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
