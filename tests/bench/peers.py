#!/usr/bin/env python3
"""One residual Jacobian of every block by other programs, to be timed beside resjac's stage "jacobian" of one prompt.

  peers.py MODEL IDS.json [--layers N] [--resjac build/resjac] [--repeats 3]

MODEL: a GGUF file or Hugging Face folder with Llama blocks (Qwen2's without --jax). Each peer gives J_tt of the last token, float32, one
thread, all other tokens held fixed, which is all that J_tt needs; every singular value of each is compared with resjac's before
a time is printed.
  torch.func.jacrev, jacfwd    vmap over all d rows or columns of the block as transformers has it
  jax.jacrev, jacfwd           the block written for jax, compiled before the clock starts
"""
import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import torch  # noqa: E402

from reference import load, truncated  # noqa: E402

RTOL = 2e-5  # of s_1


def visited(model, ids):
    """What every block is called with: states [1,T,d], and its keyword arguments."""
    calls, hooks = [], []
    for block in model.base_model.layers:
        hooks.append(block.register_forward_pre_hook(lambda _, a, k: calls.append((a[0].detach(), k)), with_kwargs=True))
    with torch.no_grad():
        model.base_model(torch.tensor([ids]), use_cache=False)
    for h in hooks:
        h.remove()
    return calls


def torch_step(block, call):
    states, kwargs = call

    def step(x):
        out = block(torch.cat([states[:, :-1], x.reshape(1, 1, -1)], 1), **kwargs)
        return (out[0] if isinstance(out, tuple) else out)[0, -1] - x
    return step, states[0, -1]


def jax_step(block, call, config):
    import jax
    import jax.numpy as jnp
    states, kwargs = call
    w = {k: jnp.asarray(v.detach().numpy()) for k, v in block.named_parameters()}
    cos, sin = (jnp.asarray(t[0].numpy()) for t in kwargs["position_embeddings"])
    heads, kv, d = config.num_attention_heads, config.num_key_value_heads, config.hidden_size
    size, eps = getattr(config, "head_dim", None) or d // heads, config.rms_norm_eps
    before = jnp.asarray(states[0, :-1].numpy())

    def norm(x, g):
        return g * x / jnp.sqrt(jnp.mean(x * x, -1, keepdims=True) + eps)

    def turn(x):
        half = jnp.concatenate([-x[..., size // 2:], x[..., :size // 2]], -1)
        return x * cos[:, None] + half * sin[:, None]

    def step(x):
        y = norm(jnp.concatenate([before, x[None]]), w["input_layernorm.weight"])
        q = turn((y @ w["self_attn.q_proj.weight"].T).reshape(len(y), heads, size))[-1]
        k = turn((y @ w["self_attn.k_proj.weight"].T).reshape(len(y), kv, size))
        v = (y @ w["self_attn.v_proj.weight"].T).reshape(len(y), kv, size)
        q = q.reshape(kv, heads // kv, size)
        p = jax.nn.softmax(jnp.einsum("ghs,tgs->ght", q, k) / np.sqrt(size), -1)
        mid = x + w["self_attn.o_proj.weight"] @ jnp.einsum("ght,tgs->ghs", p, v).reshape(-1)
        z = norm(mid, w["post_attention_layernorm.weight"])
        hidden = jax.nn.silu(w["mlp.gate_proj.weight"] @ z) * (w["mlp.up_proj.weight"] @ z)
        return mid + w["mlp.down_proj.weight"] @ hidden - x
    return step, jnp.asarray(states[0, -1].numpy())


def torch_peer(transform, model, calls, n):
    def jacobians():
        out = []
        for block, call in list(zip(model.base_model.layers, calls))[:n]:
            step, x = torch_step(block, call)
            out.append(transform(step)(x).detach().numpy())
        return out
    return jacobians


def jax_peer(name, model, calls, n):
    import jax
    pairs = [jax_step(b, c, model.config) for b, c in list(zip(model.base_model.layers, calls))[:n]]
    compiled = [(jax.jit(getattr(jax, name)(step)).lower(x).compile(), x) for step, x in pairs]
    return lambda: [np.asarray(run(x)) for run, x in compiled]


def resjac(program, model, ids, folder):
    """Singular values [L,sv] and seconds of the stage "jacobian"."""
    import netCDF4
    with open(folder + "/ids.jsonl", "w") as f:
        json.dump({"ids": ids}, f)
    with open(folder + "/deck.yaml", "w") as f:
        f.write(f"models: [{{path: {os.path.abspath(model)}, name: m}}]\nprompts: {{file: ids.jsonl}}\n"
                "coupling: {k: [10]}\nsvd: {method: full}\noutput: out.nc\n")
    log = subprocess.run([program, "run", folder + "/deck.yaml", "--fresh"], check=True, capture_output=True, text=True)
    line = next(x for x in (log.stdout + log.stderr).splitlines() if " jacobian " in x)
    with netCDF4.Dataset(folder + "/out.nc") as f:
        s = np.asarray(f["m"]["singular_value"][0])
    return s, float(line.split("jacobian")[1].split()[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("ids")
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--resjac", default="build/resjac")
    parser.add_argument("--jax", action="store_true", help="also jax's, which must be installed")
    a = parser.parse_args()
    torch.set_num_threads(1)
    ids = json.load(open(a.ids))
    model = load(a.model)
    for p in model.parameters():
        p.requires_grad_(False)
    total = len(model.base_model.layers)
    n = a.layers or total
    calls = visited(model, ids)
    peers = {"torch.func.jacrev": torch_peer(torch.func.jacrev, model, calls, n),
             "torch.func.jacfwd": torch_peer(torch.func.jacfwd, model, calls, n)}
    if a.jax:
        peers.update({"jax.jacrev": jax_peer("jacrev", model, calls, n), "jax.jacfwd": jax_peer("jacfwd", model, calls, n)})
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(a.repeats):
            s, seconds = resjac(a.resjac, a.model, ids, folder)
            best["resjac"] = min(seconds, best.get("resjac", np.inf))
            for name, peer in peers.items():
                start = time.perf_counter()
                found = peer()
                taken = (time.perf_counter() - start) * total / n
                best[name] = min(taken, best.get(name, np.inf))
                for i, j in enumerate(found):
                    off = np.abs(np.linalg.svd(j, compute_uv=False)[:s.shape[1]] - s[i]).max() / s[i, 0]
                    assert off < RTOL, f"{name}, block {i + 1}: singular values differ by {off:.1e} s_1"
    for name, seconds in best.items():
        print(f"{name:20} {seconds:8.3f} s of {total} Jacobians, {seconds / best['resjac']:6.1f} times resjac's")


if __name__ == "__main__":
    main()
