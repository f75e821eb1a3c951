"""Makes reference.json by the model's original implementation.

    pip install sentence-transformers
    python reference.py FOLDER_WITH_ALL_MINILM_L6_V2 > reference.json

Made with sentence-transformers 6.2.0, transformers 5.23.0 and torch 2.15.0 on a CPU, in f32.
"""

import json
import sys

from sentence_transformers import SentenceTransformer

long = " ".join(f"Sentence number {i} speaks of brand voice, audience and tone." for i in range(60))
texts = [
    "hello",
    "How do I reset my password?",
    "The quick brown fox jumps over the lazy dog.",
    "Our brand voice is warm, plain and never breathless; we write for busy people.",
    "The boundary layer on a flat plate at zero incidence in a supersonic stream.",
    "Ærlig talt, smørrebrød koster 125 kr. på Nørrebro.",
    "Größe, Straße, naïve café, Ångström",
    "東京は日本の首都です。",
    "Привет, мир! Как дела?",
    "مرحبا بالعالم",
    "🙂 emoji and 👩‍👩‍👧 families",
    "",
    " ",
    ".",
    "a",
    "ZERO\u00a0WIDTH\u200bSPACE and tab\tnew\nline",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "https://example.com/a/b?c=d&e=f#g",
    "1234567890 3.14159 -42 1e-9",
    long,  # beyond the 256 tokens that the model reads
    "word " * 2000,
    "x" * 500,
]
model = SentenceTransformer(sys.argv[1], device="cpu")
vectors = model.encode(texts, normalize_embeddings=True, batch_size=1)
rows = [[round(float(x), 7) for x in vector] for vector in vectors]
json.dump({"model": "all-MiniLM-L6-v2", "texts": texts, "vectors": rows}, sys.stdout, ensure_ascii=False)
