"""tokenizer_to_json.py FOLDER: tokenizer.json of a checkpoint that has the files of an older tokenizer alone; no library is needed.

Read are vocab.json with merges.txt (GPT-2's kind: OPT, GPT-Neo) and SentencePiece's tokenizer.model or spiece.model (Llama's kind:
byte-pair merges, found again from the scores; T5's: Unigram), with what tokenizer_config.json, special_tokens_map.json and
added_tokens.json say besides. The result is what transformers' own conversion gives. Other kinds are refused by name.
"""

import base64
import json
import struct
import sys
from pathlib import Path

MARK = "\u2581"
# tokenizer_class, else model_type of config.json -> kind
CLASSES = {"GPT2": "gpt2", "Llama": "llama", "CodeLlama": "llama", "T5": "t5"}
MODEL_TYPES = {"gpt2": "gpt2", "gpt_neo": "gpt2", "opt": "gpt2", "llama": "llama", "t5": "t5"}
ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
UNIGRAM, BPE = 1, 2


class Refused(Exception):
    pass


def fields(data):
    """(number, value) of a protocol buffer's message: an int, four or eight bytes, or the bytes of a string or message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            if at >= len(data) or shift > 63:
                raise Refused("not a SentencePiece model: it ends within a number")
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind, number = key & 7, key >> 3
        if kind == 0:
            yield number, varint()
            continue
        if kind not in (1, 2, 5):
            raise Refused(f"not a SentencePiece model: a field of kind {kind}")
        size = varint() if kind == 2 else 8 if kind == 1 else 4
        if at + size > len(data):
            raise Refused("not a SentencePiece model: it ends within a field")
        yield number, data[at : at + size]
        at += size


class Pieces:
    """Of a SentencePiece model: [(piece, score)], its kind, the compiled rules of its normalizer."""

    def __init__(self, data):
        self.list, self.kind, self.rules, self.unknown = [], UNIGRAM, b"", 0
        try:
            self.read(data)
        except (TypeError, AttributeError, UnicodeDecodeError, struct.error) as error:
            raise Refused(f"not a SentencePiece model: {error}") from None
        if not self.list:
            raise Refused("not a SentencePiece model: no piece")

    def read(self, data):
        for number, value in fields(data):
            if number == 1:
                piece = dict(fields(value))
                self.list.append((piece.get(1, b"").decode(), struct.unpack("<f", piece.get(2, bytes(4)))[0]))
            elif number == 2:
                trainer = dict(fields(value))
                self.kind, self.unknown = trainer.get(3, UNIGRAM), trainer.get(40, 0)
            elif number == 3:
                normalizer = dict(fields(value))
                self.rules = normalizer.get(2, b"")
                if not normalizer.get(3, 1) or not normalizer.get(5, 1):
                    raise Refused("texts without a mark for spaces (add_dummy_prefix, escape_whitespaces) are not converted")


def merges_of(pieces):
    """The pairs that make a piece, the best scores first; of one piece as they stand in the vocabulary."""
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    merges = []
    for piece, score in dict(pieces).items():
        pairs = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in ids and piece[i:] in ids]
        merges += [(a, b, score) for a, b in sorted(pairs, key=lambda p: (ids[p[0]], ids[p[1]]))]
    merges.sort(key=lambda m: (m[2], len(m[0]), len(m[1])), reverse=True)
    return [[a, b] for a, b, _ in merges]


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


class Settings:
    """What the folder's small files say."""

    def __init__(self, folder):
        self.config = read_json(folder / "tokenizer_config.json")
        self.special = read_json(folder / "special_tokens_map.json")
        self.added = read_json(folder / "added_tokens.json")
        name = self.config.get("tokenizer_class", "").removesuffix("Fast").removesuffix("Tokenizer")
        model_type = read_json(folder / "config.json").get("model_type", "")
        self.kind = CLASSES.get(name) if name else MODEL_TYPES.get(model_type)
        if self.kind is None:
            what = f"tokenizer_class {self.config['tokenizer_class']}" if name else f"model_type {model_type or 'unknown'}"
            raise Refused(f"a tokenizer of {what} is not converted; known: {', '.join(CLASSES)}")

    def role(self, name, default=None):
        """Text of a special token."""
        entry = self.config.get(name) or self.special.get(name) or default
        return entry["content"] if isinstance(entry, dict) else entry

    def specials(self):
        """text -> its flags, as transformers meets them; none for a token that is a text alone."""
        more = self.config.get("additional_special_tokens") or self.special.get("additional_special_tokens") or []
        out = {}
        for entry in [*(self.config.get(r) for r in ROLES), *(self.special.get(r) for r in ROLES), *more]:
            if isinstance(entry, dict):
                out[entry["content"]] = out.get(entry["content"]) or entry
            elif entry:
                out.setdefault(entry, {})
        return out


def entry_of(i, text, flags, special):
    keys = ("single_word", "lstrip", "rstrip")
    normalized = bool(flags.get("normalized", not special))
    return {"id": i, "content": text, **{k: bool(flags.get(k)) for k in keys}, "normalized": normalized, "special": special}


def added_tokens(settings, ids, defaults=()):
    """The list of tokenizer.json, by ids; those that no file has an id for come behind all others."""
    specials = {**dict.fromkeys(defaults, {}), **settings.specials()}
    known = {**{text: i for text, i in ids.items() if text in specials}, **settings.added}
    out = {}
    for i, flags in settings.config.get("added_tokens_decoder", {}).items():
        out[int(i)] = entry_of(int(i), flags["content"], flags, bool(flags.get("special")))
        known.setdefault(flags["content"], int(i))
    following = max([*ids.values(), *known.values()]) + 1
    for text in specials:
        if text not in known:
            known[text], following = following, following + 1
    for text, i in known.items():
        out.setdefault(i, entry_of(i, text, specials.get(text, {}), text in specials))
    return [out[i] for i in sorted(out)]


def frame(before, after, ids):
    """What stands around a text."""
    shown = [{"SpecialToken": {"id": t, "type_id": 0}} for t in before], [{"SpecialToken": {"id": t, "type_id": 0}} for t in after]
    single = [*shown[0], {"Sequence": {"id": "A", "type_id": 0}}, *shown[1]]
    second = [*shown[0], {"Sequence": {"id": "B", "type_id": 1}}, *shown[1]]
    tokens = {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in {*before, *after}}
    return {"type": "TemplateProcessing", "single": single, "pair": [*single, *second], "special_tokens": tokens}


def byte_level(prefix):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True}


def document(model, added, **parts):
    empty = {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **empty, **parts, "model": model}


def bpe(vocab, merges, **options):
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None}
    model |= {"fuse_unk": False, "byte_fallback": False, "ignore_merges": False, **options}
    return {**model, "vocab": vocab, "merges": merges}


def from_gpt2(folder, settings):
    vocab = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    merges = [line.split(" ") for line in lines if line and not line.startswith("#version")]
    if any(len(merge) != 2 for merge in merges):
        raise Refused("merges.txt has a line that is no pair")
    added = added_tokens(settings, vocab)
    ids = {**vocab, **{entry["content"]: entry["id"] for entry in added}}
    begin = [settings.role("bos_token", "<|endoftext|>")] if settings.config.get("add_bos_token") else []
    after = frame(begin, [], ids) if begin else byte_level(True) | {"trim_offsets": False}
    prefix = bool(settings.config.get("add_prefix_space"))
    return document(bpe(vocab, merges), added, pre_tokenizer=byte_level(prefix), post_processor=after, decoder=byte_level(True))


def from_llama(pieces, settings):
    if pieces.kind != BPE:
        raise Refused(f"a SentencePiece model of kind {pieces.kind}, a Llama has byte pairs ({BPE})")
    vocab = {piece: i for i, (piece, _) in enumerate(pieces.list)}
    begin, end, unknown = (settings.role(r, d) for r, d in zip(ROLES, ("<s>", "</s>", "<unk>")))
    model = bpe(vocab, merges_of(pieces.list), unk_token=unknown, fuse_unk=True, byte_fallback=True)
    added = added_tokens(settings, vocab, (unknown, begin, end))
    ids = {**vocab, **{entry["content"]: entry["id"] for entry in added}}
    around = [begin] * bool(settings.config.get("add_bos_token", True)), [end] * bool(settings.config.get("add_eos_token"))
    if settings.config.get("legacy", True) in (True, None):
        prepend = {"type": "Prepend", "prepend": MARK}
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": MARK}
        parts = {"normalizer": {"type": "Sequence", "normalizers": [prepend, replace]}}
    else:
        parts = {"pre_tokenizer": {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "first", "split": False}}
    if around != ([], []):
        parts["post_processor"] = frame(*around, ids)
    return document(model, added, **parts)


def from_t5(pieces, settings):
    if pieces.kind != UNIGRAM:
        raise Refused(f"a SentencePiece model of kind {pieces.kind}, a T5 has Unigram ({UNIGRAM})")
    extra = [f"<extra_id_{i}>" for i in range(settings.config.get("extra_ids", 100) - 1, -1, -1)]
    vocab = [list(piece) for piece in pieces.list] + [[text, 0.0] for text in extra]
    ids = {piece: i for i, (piece, _) in enumerate(vocab)}
    end = settings.role("eos_token", "</s>")
    added = added_tokens(settings, ids, (settings.role("pad_token", "<pad>"), end, settings.role("unk_token", "<unk>"), *extra))
    for entry in added:
        if entry["content"] in extra:
            entry["lstrip"] = True
    steps = [{"type": "Strip", "strip_left": False, "strip_right": True}]
    steps.append({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": MARK})
    if pieces.rules:
        steps.insert(0, {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(pieces.rules).decode()})
    metaspace = {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "always", "split": True}
    model = {"type": "Unigram", "unk_id": pieces.unknown, "vocab": vocab, "byte_fallback": False}
    normalizer = {"type": "Sequence", "normalizers": steps}
    around = frame([], [end], ids)
    return document(model, added, normalizer=normalizer, pre_tokenizer=metaspace, post_processor=around, decoder=metaspace)


def convert(folder):
    """Writes tokenizer.json; returns the name of the file that it was made of. Refused where the folder has none, or a stranger."""
    folder = Path(folder)
    settings = Settings(folder)
    if settings.kind == "gpt2":
        sources = ["vocab.json", "merges.txt"]
    else:
        sources = [next((n for n in ("tokenizer.model", "spiece.model") if (folder / n).is_file()), "tokenizer.model")]
    for name in sources:
        if not (folder / name).is_file():
            raise Refused(f"{name} is missing")
    if settings.kind == "gpt2":
        result = from_gpt2(folder, settings)
    else:
        pieces = Pieces((folder / sources[0]).read_bytes())
        result = (from_llama if settings.kind == "llama" else from_t5)(pieces, settings)
    fresh = folder / "tokenizer.json.part"
    fresh.write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")
    fresh.replace(folder / "tokenizer.json")
    return sources[0]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    folder = Path(sys.argv[1])
    if (folder / "tokenizer.json").exists():
        sys.exit(f"tokenizer_to_json: {folder} has a tokenizer.json")
    try:
        source = convert(folder)
    except (Refused, UnicodeDecodeError, json.JSONDecodeError) as error:
        print(f"tokenizer_to_json: {folder}: {error}", file=sys.stderr)
        return 65
    print(f"tokenizer_to_json: {folder}: tokenizer.json of {source}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
