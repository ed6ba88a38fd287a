"""The token modes of a results file against float64 autograd of the GGUF model, for one prompt and some layers.

python real_tokens.py --gguf FILE --result OUT.nc --model GROUP --text PROMPT [--prompt 0] [--layers 1 15 30]

The run must have `tokens: {mode: [self, fixed_input, fixed_output, influence]}` with all tokens, and layers all. One line a layer
and variable: the largest deviation, over the variable's largest value.
"""

import argparse

import netCDF4
import numpy as np

import family_tokenizers
import float64  # first: lifts torch before transformers is imported
from cross_token import influence, mode_measures, rows_of
from streamed import StreamedModel

MODES = ("self", "fixed_input", "fixed_output")
NAMES = ("coupling_misfit", "excess_coupling", "coupling_null")


def jacobians_of(model, loaded, state):
    """(by mode, [n, d, d] each, for all tokens; the state behind the block)."""
    leaf, out, _ = model.through(loaded, state, True)
    length = len(state)
    rows = np.array([rows_of(out, leaf, t) for t in range(length)])
    for t in range(length):
        rows[t, t] -= np.eye(rows.shape[-1])
    every = range(length)
    return {"self": rows[every, every], "fixed_input": rows[:, 0], "fixed_output": rows[-1]}, out[0].detach().numpy()


def tell(layer, name, ours, theirs):
    both = ~np.isnan(theirs)
    missing = int((np.isnan(ours) != np.isnan(theirs)).sum())
    worst = np.abs(ours - theirs)[both].max() / np.abs(theirs[both]).max()
    print(f"layer {layer:3d}  {name:32s} {worst:.1e}  missing in one alone: {missing}", flush=True)


def compare(group, prompt, layer, counts, jacobians):
    n = len(jacobians["self"])
    for mode in MODES:
        values = mode_measures(jacobians[mode][None], counts)
        for name, expected in zip(NAMES, values):
            ours = group[mode][name][prompt].filled(np.nan)[:, layer - 1]
            ours = ours[:, :n] if name == "coupling_null" else ours[:, :n, :n]
            tell(layer, f"{mode} {name}", ours, expected[:, 0])
    for name, expected in zip(("frobenius", "spectral", "participation", "rank"), influence(jacobians["fixed_output"][None])):
        ours = group["influence"]["influence_" + name][prompt].filled(np.nan)[layer - 1, :n]
        tell(layer, f"influence {name}", ours, expected[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--result", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--prompt", type=int, default=0)
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 15, 30])
    args = parser.parse_args()
    with netCDF4.Dataset(args.result) as file:
        group = file[args.model]
        ids = family_tokenizers.from_gguf(args.gguf).encode(args.text).ids
        assert len(ids) == group["n_tokens"][args.prompt], (len(ids), group["n_tokens"][args.prompt])
        counts = [int(k) for k in group["k_count"][:]]
        model = StreamedModel(args.gguf)
        state = model.embed(ids)
        for layer in range(1, max(args.layers) + 1):
            loaded = model.block(layer - 1)
            if layer in args.layers:
                jacobians, state = jacobians_of(model, loaded, state)
                compare(group, args.prompt, layer, counts, jacobians)
            else:
                state = model.through(loaded, state)[1][0].detach().numpy()


if __name__ == "__main__":
    main()
