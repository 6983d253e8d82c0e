#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Runs the benchmarks and reports what they found: ./dev bench calls this. README.md says how it is made."""

import argparse
import importlib
import importlib.util
import json
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
# The folder of this file would come first, and its names before the libraries'.
sys.path[0] = str(HERE.parent)

from bench import charts, interrupts, machine, report  # noqa: E402

# In the order in which they run: where each is, and what it measures.
GROUPS = {
    "requests": ("bench.figures.requests", "GET and PUT beside nginx, webdis, etcd and a bare SoupServer"),
    "pipelining": ("bench.figures.pipelining", "16 requests sent at once"),
    "workers": ("bench.figures.workers", "two workers beside one"),
    "connections": ("bench.figures.connections", "10,000 idle connections; 1 to 10,000 active ones"),
    "keys": ("bench.figures.keys", "1,000 to 10,000,000 keys"),
    "values": ("bench.figures.values", "values of 16 bytes to 1 MiB"),
    "backup": ("bench.figures.backup", "a dump and a restore of 1,000,000 keys"),
    "startup": ("bench.figures.startup", "a start to the first answer, and idle memory"),
    "store": ("bench.figures.store", "the store without its doors"),
    "listing": ("bench.figures.listing", "listings of 1,000,000 keys in order"),
    "durability": ("bench.figures.durability", "what it costs to keep the keys, beside redis and bare SQLite"),
    "fanout": (HERE / "fanout/fanout.py", "one change told to 10,000 watchers"),
    "watches": ("bench.figures.watches", "10,000 watches of prefixes that a write does not match"),
    "dbus": (HERE / "dbus/dbus_cost.py", "calls over D-Bus beside Ping"),
    "instructions": (HERE / "instructions/instructions.py", "instructions of the hot paths"),
}

DOCUMENT = machine.TOP / "docs/performance.md"
PICTURES = machine.TOP / "docs/performance"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


# Counting gives the same each time, so once is enough; a quick run of everything counts the most important.
FEW_INSTRUCTIONS = {"kinds": ("get", "put", "pipelined")}


def find_groups():
    """Those whose program is there."""
    return {name: where for name, (where, _) in GROUPS.items() if isinstance(where, str) or where.exists()}


def load_group(name, where):
    if isinstance(where, str):
        return importlib.import_module(where)
    # A program of its own, that can be run without this one; what it imports may lie beside it.
    sys.path.append(str(where.parent))
    spec = importlib.util.spec_from_file_location(f"bench_{name}", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_group(name, where, quick, **selection):
    """Measures a group. One that fails is told of, and does not keep the others from running."""
    start, records, error = time.monotonic(), [], None
    try:
        records = load_group(name, where).measure(quick, **selection)
    except (Exception, SystemExit) as failure:  # programs of their own leave by SystemExit
        error = str(failure) or type(failure).__name__
        traceback.print_exc()
    seconds = time.monotonic() - start
    left = interrupts.end_children()
    if left:
        say(f"{name} left {left} processes running; they are ended")
    say(f"{name}: {'FAILED' if error else 'done'} after {seconds:.0f} s")
    return {"title": GROUPS[name][1], "seconds": round(seconds, 1), "error": error, "records": records}


def measure(names, quick):
    groups = find_groups()
    results = {"machine": machine.describe(), "quick": quick, "groups": {}}
    for name in names:
        say(f"{name}: {GROUPS[name][1]}")
        if name == "instructions":
            selection = FEW_INSTRUCTIONS if quick and len(names) > 1 else {}
            results["groups"][name] = run_group(name, groups[name], True, **selection)
        else:
            results["groups"][name] = run_group(name, groups[name], quick)
    return results


def write_json(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def check_whole(results):
    """The page shows one whole run, or stays as it was."""
    failed = [name for name, group in results["groups"].items() if group["error"]]
    missing = [name for name in find_groups() if name not in results["groups"]]
    for what, names in (("failed", failed), ("is missing", missing)):
        if names:
            raise SystemExit(f"bench: the page stays as it was, as this {what}: {', '.join(names)}")
    if results["quick"]:
        raise SystemExit("bench: the page stays as it was, as a quick run is too short to rely on")


def update_documents(results):
    """Puts tables, pictures and the results themselves into docs/."""
    PICTURES.mkdir(exist_ok=True)
    files = charts.draw(results, PICTURES)
    if not files:
        raise SystemExit("bench: without python3-matplotlib there are no pictures for the page")
    for old in set(PICTURES.glob("*.svg")) - set(files.values()):
        old.unlink()
    write_json(PICTURES / "results.json", results)
    addresses = {name: f"{PICTURES.name}/{path.name}" for name, path in files.items()}
    page = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(report.replace_between(page, report.render(results, addresses)), encoding="utf-8")
    say(f"{DOCUMENT.relative_to(machine.TOP)} and its pictures are up to date")


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures kvstored beside its peers.")
    parser.add_argument("--list", action="store_true", help="say what can be measured, and stop")
    parser.add_argument("--quick", action="store_true", help="everything in two minutes, with a wider spread")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where to write the results")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE", help="report these, measure nothing")
    parser.add_argument("--update-docs", action="store_true", help="bring docs/performance.md up to date")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these: " + ", ".join(GROUPS))
    options = parser.parse_args(arguments)

    there = find_groups()
    for name in options.names:
        if name not in there:
            parser.error(f"there is no benchmark “{name}”; --list names them")
    if options.update_docs and not options.results and (options.names or options.quick):
        parser.error("the page shows one whole run: please leave out --quick and the names")
    return options


def main():
    options = parse_arguments()
    there = find_groups()
    if options.list:
        for name in there:
            print(f"{name:14}{GROUPS[name][1]}")
        return 0

    names = [name for name in there if name in options.names or not options.names]
    for name in set(GROUPS) - set(there):
        say(f"{name} is not there, and left out")
    folder = machine.get_build() / "bench"
    if options.results:
        results = json.loads(options.results.read_text(encoding="utf-8"))
    else:
        interrupts.install()
        interrupts.adopt_orphans()
        machine.raise_file_limit()
        try:
            results = measure(names, options.quick)
        except KeyboardInterrupt:
            interrupts.end_children()
            say("interrupted")
            return 130
        label = "-".join([*(options.names or ["all"]), *(["quick"] if options.quick else [])])
        path = options.json or folder / f"{label}.json"
        write_json(path, results)
        drawn = charts.draw(results, path.parent)
        say(f"the results are in {path}" + (f", with {len(drawn)} pictures beside it" if drawn else ""))

    if options.update_docs:
        check_whole(results)
        update_documents(results)
    print(report.render(results))
    return 1 if any(group["error"] for group in results["groups"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
