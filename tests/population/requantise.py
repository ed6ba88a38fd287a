"""One model in several element types, for the precision study: GGUF files F32, F16, BF16, Q8_0, Q5_0, Q4_0 whose matrices are
rounded from the same values (vectors stay F32, a row that is no multiple of 32 would be refused).

    python requantise.py FOLDER OUT    a Llama as transformers writes it, in F32; OUT/prompts.jsonl has its token ids
    python requantise.py FILE.gguf OUT the values of a GGUF file, with its keys and tokenizer
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
from tiny_gguf import write_gguf  # noqa: E402

KINDS = ("F32", "F16", "BF16", "Q8_0", "Q5_0", "Q4_0")
PROMPTS = Path(__file__).resolve().parents[2] / "input" / "trained-prompts.txt"


def from_folder(folder, out):
    config = json.loads((folder / "config.json").read_text())
    config["rope_theta"] = config["rope_parameters"]["rope_theta"]
    tensors = load_file(folder / "model.safetensors")
    for kind in KINDS:
        write_gguf(out / f"{kind}.gguf", config, tensors, kind)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    with (out / "prompts.jsonl").open("w") as file:
        for i, text in enumerate(PROMPTS.read_text().splitlines()):
            file.write(json.dumps({"id": f"verse-{i + 1}", "ids": tokenizer.encode(text).ids}) + "\n")


def copy_keys(reader, writer):
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        writer.add_key_value(name, field.contents(), field.types[0], field.types[-1])


def from_gguf(path, out):
    reader = gguf.GGUFReader(path)
    architecture = reader.fields["general.architecture"].contents()
    for kind in KINDS:
        writer = gguf.GGUFWriter(out / f"{kind}.gguf", architecture)
        copy_keys(reader, writer)
        for tensor in reader.tensors:
            value = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            quant = gguf.GGMLQuantizationType[kind if value.ndim > 1 else "F32"]
            writer.add_tensor(tensor.name, gguf.quantize(value, quant), raw_dtype=quant)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    (from_folder if source.is_dir() else from_gguf)(source, out)


if __name__ == "__main__":
    main()
