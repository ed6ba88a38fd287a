"""tiny_model.py GOLDEN FOLDER WIDTH BLOCKS: a llama of any size with random weights, after a golden model's configuration.

Its units take long enough that a job's time limit can fall among them.
"""
import array
import json
import pathlib
import random
import shutil
import struct
import sys

golden, folder = map(pathlib.Path, sys.argv[1:3])
width, blocks = map(int, sys.argv[3:5])
config = json.loads((golden / "config.json").read_text())
head = 16
config.update(hidden_size=width, intermediate_size=2 * width, num_hidden_layers=blocks, head_dim=head,
              num_attention_heads=width // head, num_key_value_heads=width // head, torch_dtype="float32")
vocabulary = config["vocab_size"]
shapes = {"model.embed_tokens.weight": [vocabulary, width], "lm_head.weight": [vocabulary, width], "model.norm.weight": [width]}
for i in range(blocks):
    at = f"model.layers.{i}."
    for name in ("q", "k", "v", "o"):
        shapes[f"{at}self_attn.{name}_proj.weight"] = [width, width]
    for name in ("gate", "up"):
        shapes[f"{at}mlp.{name}_proj.weight"] = [2 * width, width]
    shapes[f"{at}mlp.down_proj.weight"] = [width, 2 * width]
    for name in ("input_layernorm", "post_attention_layernorm"):
        shapes[f"{at}{name}.weight"] = [width]

random.seed(1)
pool = array.array("f", (random.gauss(0, 0.7 / width ** 0.5) for _ in range(1 << 17)))
header, data = {}, bytearray()
for name, shape in shapes.items():
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    if len(shape) == 1:
        values = array.array("f", [1.0]) * count
    else:  # rotated pieces of one pool: drawing every number would take longer than measuring
        start = random.randrange(len(pool))
        values = (pool[start:] + pool[:start]) * (count // len(pool) + 1)
        values = values[:count]
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * count]}
    data += values.tobytes()
text = json.dumps(header).encode()
folder.mkdir(parents=True)
(folder / "config.json").write_text(json.dumps(config))
(folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
for name in golden.glob("tokenizer*.json"):
    shutil.copy(name, folder)
