"""A deterministic corpus of strings that are hard on a byte-level BPE tokenizer. NUL is left out (JSON
readers in C).
"""

import random
import unicodedata

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, doesn't it?",
    "It's what we've said: they're here, I'm not, he'll go.",
    "Der Fluß schäumt über die Brücke; 'Größe' zählt!",
    "L'été dernier, j'ai vu où naît l'œuvre d'Émile.",
    "El niño comió piñas — ¿verdad? ¡Sí!",
    "Não há ação sem coração, João.",
    "Perché così è la città più bella?",
    "Zażółć gęślą jaźń.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Árvíztűrő tükörfúrógép",
    "Pijamalı hasta yağız şoföre İstanbul'da",
    "Съешь ещё этих мягких французских булок, да выпей чаю.",
    "Жебракують філософи при ґанку церкви.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "זה כיף סתם לשמוע איך תנצח קרפד עץ",
    "نص حكيم له سر قاطع وذو شأن عظيم ١٢٣",
    "فارسی را پاس بداریم می‌خواهم ۴۵۶",
    "ऋषियों को सताने वाले दुष्ट राक्षसों १२३",
    "বাংলা ভাষা সুন্দর ৭৮৯",
    "தமிழ் மொழி இனிமையானது",
    "తెలుగు లిపి అందమైనది",
    "ภาษาไทยไม่มีการเว้นวรรค ๑๒๓",
    "ພາສາລາວ ໑໒",
    "မြန်မာဘာသာ",
    "ភាសាខ្មែរ",
    "ქართული ენა მშვენიერია",
    "Հայերեն լեզու",
    "አማርኛ ቋንቋ ነው",
    "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。",
    "漢字かな交じり文を書きます。カタカナも！",
    "いろはにほへと ちりぬるを",
    "다람쥐 헌 쳇바퀴에 타고파",
    "Tiếng Việt có nhiều dấu thanh điệu.",
    "Íslenska er ekki auðveld; þú veist það.",
    "Ĉu vi parolas Esperanton?",
    "Монгол хэл ᠮᠣᠩᠭᠣᠯ",
    "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ",
    "Ὦ ξεῖν', ἀγγέλλειν Λακεδαιμονίοις",
    "𐌼𐌰𐌲 𐌲𐌻𐌴𐍃 𐌹̈𐍄𐌰𐌽",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝕞𝕒𝕥𝕙 𝟙𝟚𝟛",
]
CODE = [
    "for (int i = 0; i < n; ++i) {\n\ta[i] += b[i] * 2.5e-3f;\n}",
    "def f(x, *, y=None):\n    return x if y is None else x**y  # ok",
    '#include <stdio.h>\r\nint main(void){printf("%d\\n", 0x7fff);return 0;}',
    "SELECT * FROM t WHERE a>=10 AND b<>'x''y';",
    '<div class="a-b">&nbsp;&#169;</div>',
    '{"k": [1, 2.0, null, true], "s": "\\u00e9"}',
    "$ ls -la | grep '\\.c$' && echo \"done\" > /dev/null",
    "https://example.org/a/b?c=d&e=%20f#g",
    "git@host:path/repo.git",
    "x := make([]int, 0, 10) // go",
    "λx.λy.x(y) → ∀n∈ℕ: n²≥n",
    "\\frac{1}{\\sqrt{2\\pi}}e^{-x^2/2}",
    "    if a:\n        b = c\n\n\n    else:\n\t\td()\n",
    "a=b;c+=d;e==f;g!=h;i<=j;k>>=1;l->m::n",
    "0b1010 0o17 1_000_000 3.14159 6.02e23 -0.5",
    "/* comment */ // other\n\n# third",
]
DIGITS = (
    list("0123456789")
    + list("٠١٢۳۴५६७๐๑２３４²³¹¼½¾⅓①②⑳ⅣⅧↂ〇一二十万𝟘𝟙𝟚᠑໒১")
    + ["1234567", "2024-07-10", "3.14", "1,000,000", "+49 30 123", "½cup", "x²", "10⁻³"]
)
SPACES = list(" \t\n\r\x0b\x0c") + [
    "\u0085",
    "\u00a0",
    "\u1680",
    "\u2000",
    "\u2003",
    "\u2009",
    "\u2028",
    "\u2029",
    "\u202f",
    "\u205f",
    "\u3000",
    "\u200b",
    "\u180e",
    "\ufeff",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x1f",
    "\r\n",
    "  ",
    "    ",
    "\n\n",
    "\t\t",
]
EMOJI = [
    "😀",
    "👍🏽",
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇩🇪",
    "🇺🇸🇫🇷",
    "1️⃣",
    "#️⃣",
    "❤️",
    "☺",
    "🧑🏿‍🚀",
    "👁️‍🗨️",
    "🫠",
    "✈︎",
    "🤷‍♂️",
    "🎉🎉🎉",
]
MARKS = [
    "\u0301",
    "\u0308",
    "\u0327",
    "\u0323",
    "\u20d7",
    "\u0e31",
    "\u093f",
    "\u094d",
    "\u064b",
    "\u05b8",
    "\u3099",
    "\ufe0f",
    "\u200d",
    "\u0338",
]
CONTRACTIONS = [
    "'s",
    "'t",
    "'re",
    "'ve",
    "'m",
    "'ll",
    "'d",
    "'S",
    "'T",
    "'RE",
    "'Ve",
    "'LL",
    "'l",
    "'r",
    "'v",
    "'x",
    "'",
    "''",
    "’s",
    "’t",
    "'ſ",
    "'se",
    "'ting",
    "'day",
]
SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<repo_name>",
    "<reponame>",
    "<file_sep>",
    "<empty_output>",
    "<jupyter_code>",
    "<repo",
    "<|im_start",
    "|im_end|>",
    "<|im_start|",
    "< |im_start|>",
    "<|IM_START|>",
    "<<|im_end|>>",
    "<|im_end|><|im_end|>",
    "<repo_name",
    "<file_sep>>",
]
CONTROL = [chr(c) for c in [*range(1, 32), 127, *range(128, 160)]]
ADVERSARIAL = [
    " ",
    " ",
    "a",
    "B",
    "z",
    "1",
    "9",
    "'",
    "s",
    "t",
    "'s",
    "\n",
    "\t",
    ".",
    "!",
    "_",
    "é",
    "²",
    "\u00a0",
    "\u0301",
    "中",
    "٣",
    "-",
    "<",
    "\u200b",
    "\r",
]


def random_codepoints(rng):
    """Any assigned characters (Unicode 14), private use included, surrogates excluded."""
    out = []
    while len(out) < rng.randint(1, 12):
        c = chr(
            rng.choice(
                [
                    rng.randrange(0x80, 0x800),
                    rng.randrange(0x800, 0x10000),
                    rng.randrange(0x10000, 0x20000),
                    rng.randrange(0xE000, 0xF900),
                    rng.randrange(0x10000, 0x110000),
                ]
            )
        )
        if unicodedata.category(c) not in ("Cs", "Cn"):
            out.append(c)
    return "".join(out)


def mixed_case(rng, text):
    return "".join(c.upper() if rng.random() < 0.2 else c for c in text)


def joined(pool, least, most):
    return lambda rng: "".join(rng.choice(pool) for _ in range(rng.randint(least, most)))


def words(rng):
    parts = [word for _ in range(rng.randint(1, 3)) for word in rng.choice(SENTENCES).split(" ")]
    rng.shuffle(parts)
    return rng.choice([" ", " ", "  ", "\n", "", ", "]).join(parts[: rng.randint(1, 12)])


def cut(rng):
    text = rng.choice(SENTENCES + CODE)
    begin = rng.randrange(len(text))
    return text[begin : begin + rng.randint(1, 40)]


def long_run(rng):
    unit = rng.choice(["a", "ab", "A", " ", "\n", "=", "-", "ha", "0", "é", "中", "👍", "' ", "the "])
    return rng.choice(["", "x", " "]) + unit * rng.randint(5, 90) + rng.choice(["", "y", " z", "\n"])


def opaque(rng):
    alphabet = rng.choice(
        [
            "0123456789abcdef",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
            "abcdefghij",
            "XyZ.-_/",
        ]
    )
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 60)))


def spiced(rng):
    """A sentence with odd pieces pushed in at random places."""
    text = list(rng.choice(SENTENCES + CODE))
    for _ in range(rng.randint(1, 6)):
        text.insert(
            rng.randrange(len(text) + 1),
            rng.choice(rng.choice([DIGITS, SPACES, EMOJI, MARKS, CONTRACTIONS, SPECIAL, CONTROL])),
        )
    return "".join(text)


KINDS = [
    lambda rng: rng.choice(SENTENCES),
    lambda rng: rng.choice(CODE),
    words,
    words,
    cut,
    cut,
    spiced,
    spiced,
    long_run,
    opaque,
    lambda rng: mixed_case(rng, rng.choice(SENTENCES)),
    joined(DIGITS, 1, 12),
    joined(DIGITS + [" ", "a", "."], 2, 16),
    joined(SPACES, 1, 8),
    joined(SPACES + ["a", "b1", "'s"], 2, 12),
    joined(EMOJI, 1, 5),
    joined(list("aeioun") + MARKS, 2, 14),
    joined(CONTRACTIONS + ["a", "I", " ", "9", "é"], 2, 9),
    joined(SPECIAL, 1, 4),
    joined(SPECIAL + [" ", "a", "\n", "user", "'s", "12"], 2, 9),
    joined(CONTROL + ["a", " "], 1, 8),
    random_codepoints,
    random_codepoints,
    joined(ADVERSARIAL, 1, 12),
    joined(ADVERSARIAL, 1, 12),
    joined(ADVERSARIAL, 1, 6),
]


def corpus(count, seed=0):
    """`count` different strings, the empty one first."""
    rng = random.Random(seed)
    seen = {"": None}
    while len(seen) < count:
        seen[rng.choice(KINDS)(rng)] = None
    return list(seen)
