#!/usr/bin/env python3
"""The published pipeline (arXiv 2407.07810), written again for current torch and transformers, to be timed beside resjac.

Last token; one residual Jacobian a block by vectorised vector-Jacobian products over all d rows, in as many chunks as the
published code takes; full decompositions; all pairs of blocks for every K. All in float32. The last block's state is behind
the final norm, as there (deck key last_block: final-norm).

  reference.py MODEL IDS.json OUT.npz [--layers N] [--k 10,30,50] [--vju] [--threads 1]
  reference.py --make-gpt2 FOLDER         a GPT-2 (12 blocks, d = 768) with random weights, for its shape

MODEL: a GGUF file or a Hugging Face folder. IDS.json: one list of token ids. --layers: the first N blocks only; their
pairs only. Writes times by stage and the measures to OUT.npz; prints one line of JSON, `load`: imports and loading, all blocks.
"""
import time

STARTED = time.perf_counter()  # imports are part of the program

import argparse
import json
import os
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")


def load(path):
    from transformers import AutoModelForCausalLM
    where = dict(gguf_file=os.path.basename(path)) if path.endswith(".gguf") else {}
    folder = os.path.dirname(path) if where else path
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **where)
    return model.eval()


def make_gpt2(folder):
    from transformers import GPT2Config, GPT2LMHeadModel
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)


def truncated(model, n):
    """The model with its first n blocks."""
    trunk = model.base_model
    name = "h" if hasattr(trunk, "h") else "layers"
    blocks = getattr(trunk, name)
    total = len(blocks)
    if n:
        setattr(trunk, name, blocks[:n])
        model.config.num_hidden_layers = n
    return total, min(n or total, total)


def states(model, ids):
    """Hidden states [1,T,d] in front of block 1 and behind every block, in one graph; the last behind the final norm."""
    with torch.enable_grad():
        embedded = model.get_input_embeddings()(torch.tensor([ids])).detach().requires_grad_(True)
        out = model.base_model(inputs_embeds=embedded, output_hidden_states=True, use_cache=False)
    return out.hidden_states


def jacobian(output, given, chunks):
    d = output.shape[-1]
    row = output[0, -1, :]
    parts = [torch.autograd.grad(row, given, v, retain_graph=True, is_grads_batched=True)[0][:, 0, -1, :]
             for v in torch.eye(d).chunk(chunks)]
    return torch.cat(parts) - torch.eye(d)


def misfit(jac, s, left, right):
    """|| |left' J right| - diag(s) ||_F / ||s||_2"""
    return float(torch.linalg.norm((left.T @ jac @ right).abs() - torch.diag(s)) / torch.linalg.norm(s))


def measures(jac, decomposed, counts, exchanged):
    n = len(jac)
    ujv, vju = np.zeros((len(counts), n, n)), np.full((len(counts), n, n), np.nan)
    for q, k in enumerate(counts):
        for i in range(n):
            for j in range(n):
                u, v = decomposed[j][0][:, :k], decomposed[j][2][:k, :].T
                s = decomposed[i][1][:k]
                ujv[q, i, j] = misfit(jac[i], s, u, v)
                if exchanged:
                    vju[q, i, j] = misfit(jac[i], s, v, u)
    return ujv, vju


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("ids", nargs="?")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--make-gpt2", action="store_true")
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--vju", action="store_true", help="also the misfit with U and V exchanged")
    parser.add_argument("--k", default="10,30,50")
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    if a.make_gpt2:
        return make_gpt2(a.model)
    torch.set_num_threads(a.threads)
    ids, counts = json.load(open(a.ids)), [int(k) for k in a.k.split(",")]
    model = load(a.model)
    for p in model.parameters():
        p.requires_grad_(False)
    total, n = truncated(model, a.layers)
    loaded = time.perf_counter() - STARTED
    clock = {}

    def timed(name, call):
        start = time.perf_counter()
        value = call()
        clock[name] = time.perf_counter() - start
        return value

    hidden = timed("forward", lambda: states(model, ids))
    chunks = 2 * (len(ids) // 20) + 5
    jac = timed("jacobian", lambda: [jacobian(hidden[l + 1], hidden[l], chunks).detach() for l in range(n)])
    decomposed = timed("svd", lambda: [torch.linalg.svd(j) for j in jac])
    ujv, vju = timed("pairs", lambda: measures(jac, decomposed, counts, a.vju))
    s = np.stack([x[1].numpy() for x in decomposed])
    np.savez(a.out, ujv=ujv, vju=vju, s=s, counts=counts, **{"seconds_" + k: v for k, v in clock.items()})
    # of a part of the blocks: what grows with the number of blocks, and what with its square
    scale, square = total / n, (total / n) ** 2
    whole = (clock["forward"] + clock["jacobian"] + clock["svd"]) * scale + clock["pairs"] * square
    print(json.dumps(dict({k: round(v, 3) for k, v in clock.items()}, blocks=n, of=total, tokens=len(ids),
                          load=round(loaded, 3), seconds=round(sum(clock.values()), 3),
                          seconds_all_blocks=round(whole, 3))))


if __name__ == "__main__":
    main()
