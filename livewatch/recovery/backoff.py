"""Exponential backoff with seeded jitter, as one pure function."""

from hashlib import blake2b


def backoff_s(attempt: int, *, initial_s: float, maximum_s: float, jitter: float, seed: str) -> float:
    """Return how long to wait after the given attempt, in seconds.

    Args:
        attempt: 1 for the first attempt; smaller numbers wait nothing.
        initial_s: wait after the first attempt; doubles with each further one.
        maximum_s: upper limit before jitter.
        jitter: share of the wait, 0 to 1, by which the seed may shorten or lengthen it.
        seed: decides the jitter; the same seed and attempt always give the same wait.
    """
    if attempt < 1:
        return 0.0
    doublings = min(attempt - 1, 62)  # 2.0 ** 1024 would overflow
    base_s = min(maximum_s, initial_s * 2.0**doublings)
    digest = blake2b(f"{seed}:{attempt}".encode(), digest_size=8).digest()
    spread = int.from_bytes(digest, "big") / 2**63 - 1.0
    return base_s * (1.0 + jitter * spread)
