"""A float64 reference of a real llama GGUF model.

    python real_model.py --gguf FILE [--prompts FILE] [--blocks 0 14 29] [--coupling-prompts 2] --out REF.nc

The prompt file has one prompt a line, \\n for a line break. The reference holds, for every prompt: token
ids, states of the last token, next token; for the first prompts: singular values and coupling of all pairs
of blocks at K = 10, 30, 50 (README.md has the definitions); for the first prompt the Jacobians of the given
blocks.
"""

import argparse
import time
from pathlib import Path

import float64  # first: lifts torch before transformers is imported
import numpy as np

import measures
import tokens
from checkpoints import read_gguf
from generate import NULL_DIMS, TRAJECTORY_DIMS, write_reference

COUNTS = [10, 30, 50]
TOP = 5


def read_prompts(path):
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines]


def padded(rows, fill):
    """Rows of different lengths as one array."""
    out = np.full((len(rows), max(map(len, rows))), fill)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def one_prompt(model, token_ids, with_jacobians):
    """States of the last token [L+1, d], leading logits, all Jacobians [L, d, d] (or None), final-norm
    Jacobian.
    """
    inputs, outputs, normed, logits = float64.run_model(model, token_ids)
    top = np.argsort(-logits)[:TOP].astype(np.int32)
    jacobians = final = None
    if with_jacobians:
        jacobians = np.array([float64.residual_jacobian(y, x) for x, y in zip(inputs, outputs)])
        final = float64.residual_jacobian(normed, inputs[-1])
    return float64.states(inputs, outputs)[:, -1], top, logits[top], jacobians, final


def stack(rows, dims):
    """List of {name: value}, one a prompt -> name: (dims, array)."""
    return {name: (("prompt",) + dims(name), np.array([row[name] for row in rows])) for name in rows[0]}


def measured_prompts(model, all_ids, n_coupling, blocks):
    states, tops, top_logits, couplings, spectra, kept = [], [], [], [], [], {}
    for i, ids in enumerate(all_ids):
        begin = time.time()
        state, top, logits, jacobians, final = one_prompt(model, ids, i < n_coupling)
        states.append(state), tops.append(top), top_logits.append(logits)
        if jacobians is not None:
            couplings.append(measures.coupling(jacobians, COUNTS))
            s = np.linalg.svd(jacobians, compute_uv=False)
            spectra.append(
                {
                    "singular_value": s,
                    "jacobian_frobenius": np.linalg.norm(jacobians, axis=(1, 2)),
                    "participation_ratio": s.sum(axis=1) ** 2 / (s**2).sum(axis=1),
                }
            )
        if i == 0 and jacobians is not None:
            kept = {
                "jacobian": (("block", "d", "d_in"), jacobians[blocks]),
                "jacobian_final_norm": (("d", "d_in"), final),
            }
        print(f"prompt {i}: {len(ids)} tokens, next {top[0]}, {time.time() - begin:.1f} s", flush=True)
    spectrum_dims = {"singular_value": ("layer", "sv")}
    return {
        "hidden_last": (("prompt", "depth", "d"), np.array(states)),
        "top_token": (("prompt", "top"), np.array(tops)),
        "top_logit": (("prompt", "top"), np.array(top_logits)),
        **kept,
        **stack([measures.trajectory(state) for state in states], lambda name: TRAJECTORY_DIMS.get(name, ())),
        **(
            stack(couplings, lambda name: NULL_DIMS.get(name, ("k", "layer", "layer_j"))) if couplings else {}
        ),
        **(stack(spectra, lambda name: spectrum_dims.get(name, ("layer",))) if spectra else {}),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--prompts", default=Path(__file__).resolve().parent / "prompts.txt")
    parser.add_argument("--blocks", type=int, nargs="+", default=[0, 14, 29])
    parser.add_argument("--coupling-prompts", type=int, default=2)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    tokenizer = tokens.from_gguf(args.gguf)
    all_ids = [tokenizer.encode(text).ids for text in read_prompts(args.prompts)]
    config, tensors, _ = read_gguf(args.gguf)
    model = float64.build_model(config, tensors)
    values = measured_prompts(model, all_ids, args.coupling_prompts, args.blocks)
    # Prompt-dependent counts differ: coupling covers the first prompts only, under a dimension of its own.
    for name, (dims, array) in values.items():
        if dims[0] == "prompt" and len(array) != len(all_ids):
            values[name] = (("coupling_prompt",) + dims[1:], array)
    values["token_ids"] = (("prompt", "token"), padded(all_ids, -1).astype(np.int32))
    values["n_tokens"] = (("prompt",), np.array([len(ids) for ids in all_ids], np.int32))
    values["block_index"] = (("block",), np.array(args.blocks, np.int32))
    values["k_count"] = (("k",), np.array(COUNTS, np.int32))
    write_reference(args.out, values, Path(args.gguf).name)
    for text, top in zip(read_prompts(args.prompts), values["top_token"][1]):
        print(repr(text), "->", [tokenizer.decode([t]) for t in top])


if __name__ == "__main__":
    main()
