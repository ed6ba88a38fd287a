"""A float64 reference of a real GGUF model: llama, gpt2, qwen2 or gemma3.

    python real_model.py --gguf FILE [--prompts FILE] [--blocks 0 14 29] [--coupling 0 14 29] [--coupling-prompts 2]
                         --out REF.nc

The prompt file has one prompt a line, \\n for a line break. The reference holds, for every prompt: token ids, states of
the last token, leading logits; for the first prompts: singular values and coupling of all pairs of blocks, or of the
--coupling blocks, at K = 10, 30, 50 (README.md has the definitions); for the first prompt the Jacobians of --blocks
(default: first, middle, last), and of the last block with the final norm. One block is in memory at a time.
"""

import argparse
import time
from pathlib import Path

import numpy as np

import family_tokenizers
import float64  # first: lifts torch before transformers is imported
import measures
from generate import NULL_DIMS, TRAJECTORY_DIMS, write_reference
from streamed import StreamedModel

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


class Run:
    """All prompts through all blocks; Jacobians of some blocks for the first prompts."""

    def __init__(self, model, all_ids, n_coupling, coupling, kept):
        self.model = model
        self.states = [model.embed(ids) for ids in all_ids]
        self.last = [[state[-1]] for state in self.states]
        self.jacobians = [[] for _ in range(n_coupling)]  # of every prompt, those of the coupling blocks
        self.kept, self.final, self.normed = [], None, []
        for layer in range(model.n_layer):
            begin = time.time()
            self.one_block(layer, layer in coupling, layer in kept)
            print(f"block {layer}: {time.time() - begin:.1f} s", flush=True)

    def one_block(self, layer, is_coupled, is_kept):
        loaded, is_last = self.model.block(layer), layer == self.model.n_layer - 1
        for i, state in enumerate(self.states):
            graph = i < len(self.jacobians) and is_coupled or i == 0 and (is_kept or is_last)
            leaf, out, normed = self.model.through(loaded, state, graph)
            if graph:
                self.differentiate(i, leaf, out, normed, (is_coupled, is_kept, is_last))
            self.states[i] = out[0].detach().numpy()
            self.last[i].append(self.states[i][-1])
            if is_last:
                self.normed.append(normed[0, -1].detach().numpy())

    def differentiate(self, i, leaf, out, normed, wanted):
        is_coupled, is_kept, is_last = wanted
        if is_coupled or (i == 0 and is_kept):
            jacobian = float64.wide_residual_jacobian(out, leaf)
            if is_coupled and i < len(self.jacobians):
                self.jacobians[i].append(jacobian)
            if i == 0 and is_kept:
                self.kept.append(jacobian)
        if i == 0 and is_last:
            self.final = float64.wide_residual_jacobian(normed, leaf)


def stack(rows, dims, prompt="prompt"):
    """List of {name: value}, one a prompt -> name: (dims, array)."""
    return {name: ((prompt,) + dims(name), np.array([row[name] for row in rows])) for name in rows[0]}


def spectrum(jacobians):
    s = np.linalg.svd(jacobians, compute_uv=False)
    return {
        "singular_value": s,
        "jacobian_frobenius": np.linalg.norm(jacobians, axis=(1, 2)),
        "participation_ratio": s.sum(axis=1) ** 2 / (s**2).sum(axis=1),
    }


def coupling_dim(dims):
    """Coupled blocks need not be all blocks: a dimension of their own."""
    return tuple({"layer": "coupling_layer", "layer_j": "coupling_layer_j"}.get(d, d) for d in dims)


def reference(run):
    logits = run.model.logits(np.array(run.normed))
    top = np.argsort(-logits, axis=1)[:, :TOP].astype(np.int32)
    states = np.array(run.last)
    out = {
        "hidden_last": (("prompt", "depth", "d"), states),
        "top_token": (("prompt", "top"), top),
        "top_logit": (("prompt", "top"), np.take_along_axis(logits, top, axis=1)),
        "jacobian": (("block", "d", "d_in"), np.array(run.kept)),
        "jacobian_final_norm": (("d", "d_in"), run.final),
        **stack([measures.trajectory(state) for state in states], lambda name: TRAJECTORY_DIMS.get(name, ())),
    }
    if run.jacobians:
        every = len(run.jacobians[0]) == run.model.n_layer
        rename = (lambda dims: dims) if every else coupling_dim
        spectra = [spectrum(np.array(j)) for j in run.jacobians]
        couplings = [measures.coupling(np.array(j), COUNTS) for j in run.jacobians]
        sv = {"singular_value": ("layer", "sv")}
        out |= stack(spectra, lambda name: rename(sv.get(name, ("layer",))), "coupling_prompt")
        pairs = ("k", "layer", "layer_j")
        out |= stack(couplings, lambda name: rename(NULL_DIMS.get(name, pairs)), "coupling_prompt")
    return out


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--prompts", default=Path(__file__).resolve().parent / "prompts.txt")
    parser.add_argument("--blocks", type=int, nargs="+")
    parser.add_argument("--coupling", type=int, nargs="+")
    parser.add_argument("--coupling-prompts", type=int, default=2)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    tokenizer = family_tokenizers.from_gguf(args.gguf)
    texts = read_prompts(args.prompts)
    all_ids = [tokenizer.encode(text).ids for text in texts]
    model = StreamedModel(args.gguf)
    blocks = args.blocks or [0, model.n_layer // 2, model.n_layer - 1]
    coupled = args.coupling or list(range(model.n_layer))
    values = reference(Run(model, all_ids, args.coupling_prompts, coupled, blocks))
    values["token_ids"] = (("prompt", "token"), padded(all_ids, -1).astype(np.int32))
    values["n_tokens"] = (("prompt",), np.array([len(ids) for ids in all_ids], np.int32))
    values["block_index"] = (("block",), np.array(sorted(blocks), np.int32))
    if len(coupled) != model.n_layer:
        values["coupling_block_index"] = (("coupling_layer",), np.array(sorted(coupled), np.int32))
    values["k_count"] = (("k",), np.array(COUNTS, np.int32))
    write_reference(args.out, values, Path(args.gguf).name)
    for text, top in zip(texts, values["top_token"][1]):
        print(repr(text), "->", [tokenizer.decode([t]) for t in top])


if __name__ == "__main__":
    main()
