"""When Python looks for garbage during a start."""

import gc


def put_off_collecting() -> None:
    """Look at young objects alone until the service stands, and `app.lifespan` sets the pace.

    An import keeps nearly all that it makes. Going through that again and again, while it grew, was
    a quarter of a start's CPU.
    """
    gc.set_threshold(200_000, 20, 1_000)
