"""Compares the final file of `resjac run` with a reference of real_model.py, measure by measure.

    python compare_run.py REF.nc --ids ids.jsonl           # writes the reference's prompts as token ids for a deck
    python compare_run.py REF.nc OUT.nc GROUP              # prints the largest deviation of every measure
Run the deck with store.per_prompt=all and coupling.k as in the reference.
"""
import json
import sys

import netCDF4
import numpy as np

PER_PROMPT = ("hidden_norm step_norm step_cosine final_cosine line_shape_score expodistance growth_rate growth_intercept "
              "growth_r2").split()
PAIRWISE = ("coupling_misfit coupling_misfit_signed coupling_misfit_trace coupling_misfit_vju excess_coupling coupling_null "
            "subspace_uu subspace_vv subspace_uv subspace_vu").split()


def prompt_ids(ref):
    return [[int(t) for t in row[:n]] for row, n in zip(ref["token_ids"][:], ref["n_tokens"][:])]


def deviation(ours, theirs):
    """Largest |difference| where both are there, and the largest |value|."""
    ours, theirs = np.ma.filled(ours, np.nan).astype(float), np.ma.filled(theirs, np.nan).astype(float)
    if (np.isnan(ours) != np.isnan(theirs)).any():
        raise SystemExit("missing values differ")
    return np.nanmax(np.abs(ours - theirs)), np.nanmax(np.abs(theirs))


def of_blocks(value, name, ref):
    """Our pairwise or per-block values at the blocks that the reference has (all of them, or `coupling_block_index`)."""
    if "coupling_block_index" not in ref.variables:
        return value
    blocks = ref["coupling_block_index"][:]
    for axis, dimension in enumerate(ref[name].dimensions):
        if dimension in ("coupling_layer", "coupling_layer_j"):
            value = value.take(blocks, axis=axis)
    return value


def main():
    ref = netCDF4.Dataset(sys.argv[1])
    if sys.argv[2] == "--ids":
        with open(sys.argv[3], "w") as out:
            for ids in prompt_ids(ref):
                print(json.dumps({"ids": ids}), file=out)
        return
    group = netCDF4.Dataset(sys.argv[2])[sys.argv[3]]
    n = ref.dimensions["coupling_prompt"].size
    sv = group.dimensions["sv"].size
    rows = [(name, group[name][:], ref[name][: group[name].shape[0]]) for name in PER_PROMPT]
    rows += [(name, of_blocks(group[name][:n], name, ref), ref[name][:n])
             for name in PAIRWISE + ["jacobian_frobenius", "participation_ratio"]]
    s = ref["singular_value"][:n, :, :sv]
    ours = of_blocks(group["singular_value"][:n], "singular_value", ref)
    rows.append(("singular_value / s_1", ours / s[..., :1], s / s[..., :1]))
    print(f"{'measure':26} {'max |difference|':>18} {'max |value|':>14}")
    for name, ours, theirs in rows:
        print(f"{name:26} {deviation(ours, theirs)[0]:18.2e} {deviation(ours, theirs)[1]:14.4g}")


if __name__ == "__main__":
    main()
