"""A training run in shape only: `train.py [EPOCHS] [SECONDS_PER_EPOCH]` prints a falling loss, a line an epoch."""

import os
import random
import sys
import time


def main(epochs: int, epoch_s: float) -> None:
    """Pretend to train; the standard library is all it needs."""
    print(f"training for {epochs} epochs on GPU {os.environ.get('GAVELQ_GPUS', '?')}")
    chance = random.Random(7)
    for epoch in range(1, epochs + 1):
        time.sleep(epoch_s)
        print(f"epoch {epoch:3d}  loss {2.3 * 0.8**epoch + chance.uniform(0, 0.05):.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8, float(sys.argv[2]) if len(sys.argv) > 2 else 0.5)
