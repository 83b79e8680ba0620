"""What the benchmark's scripts have in common: their modes, and their end."""

import os
import threading


def add_options(parser, modes):
    parser.add_argument("--modes", default=",".join(modes), help="comma-separated")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when stdin does")


def parse(parser, modes):
    """The options, `modes` as a list; ends the process where one of them is unknown, and with stdin if that is asked for."""
    options = parser.parse_args()
    options.modes = options.modes.split(",")
    for mode in options.modes:
        if mode not in modes:
            parser.error(f"--modes: got {mode}, wanted some of {', '.join(modes)}")
    if options.end_with_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    return options


def end_with_stdin():
    """Ends the process when stdin ends: when whoever started it is gone."""
    while os.read(0, 4096):
        pass
    os._exit(1)
