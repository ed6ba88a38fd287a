"""Checkpoints as torch.save writes them, for jobs/bin_to_safetensors.py: ../golden/torch_bin/.

archive.bin and sequence.bin (the layout before PyTorch 1.6) hold the same tensors as tensors.safetensors.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).resolve().parent.parent / "golden" / "torch_bin"


def main():
    torch.manual_seed(0)
    base = torch.randn(6, 5)
    tensors = OrderedDict(
        plain=base,
        transposed=base.t(),
        view=base[1:3, 2:],
        half=torch.randn(3).half(),
        bfloat=torch.randn(2, 3).bfloat16(),
        double=torch.randn(2, 1, 2, dtype=torch.float64),
        mask=torch.ones(3, 3, dtype=torch.bool).tril(),
        integers=torch.arange(4) - 2,
        scalar=torch.tensor(-1e9),
        empty=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(torch.randn(2)),
    )
    OUT.mkdir(exist_ok=True)
    torch.save(tensors, OUT / "archive.bin")
    torch.save(tensors, OUT / "sequence.bin", _use_new_zipfile_serialization=False)
    plain = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    save_file(plain, OUT / "tensors.safetensors")


if __name__ == "__main__":
    main()
