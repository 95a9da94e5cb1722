"""`python -m tests.sim [--seeds 1000] [--first 0] [--seed 17 --tell]`"""

from __future__ import annotations

import argparse
import sys
import time

from tests.sim.scenario import Broken, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="Meshes in trouble, on a virtual clock.")
    parser.add_argument("--seeds", type=int, default=1000, help="how many stories")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--tell", action="store_true", help="what happens in it")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    broken, began, healed = 0, time.process_time(), []
    for seed in seeds:
        try:
            story = play(seed)
        except Broken as error:
            broken += 1
            print(error, flush=True)
        else:
            healed.append(story.healed_after)
            if options.tell:
                print(*story.told, sep="\n")
    latest = f"agreed at the latest {max(healed):.1f} s after all was whole" if healed else "none agreed"
    print(f"{len(seeds)} stories, {broken} broken, {latest}, {time.process_time() - began:.0f} s of work")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
