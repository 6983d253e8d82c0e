# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""GET and PUT of small values on 32 connections, beside the peers."""

import contextlib
import sys

from bench.load import Load
from bench.peers import BareSoup, Etcd, Kvstored, Nginx, Webdis
from bench.records import alternate, figure, pick, sample_table

CONNECTIONS = 32
LIMITED = "kvstored, rate limit on"
NO_EXPRESS = "kvstored --no-express"


def make_peers():
    """Those of the peers that are there."""
    peers = [Kvstored()]
    for peer in (Nginx, Webdis, Etcd, BareSoup):
        if peer.is_installed():
            peers.append(peer())
        else:
            print(f"bench: {peer.name} is not installed, and left out", file=sys.stderr)
    peers.append(Kvstored(name=LIMITED, rate_limit="1000000000:1000000000"))
    if Kvstored.knows("--no-express"):
        peers.append(Kvstored("--no-express", name=NO_EXPRESS))
    else:
        print("bench: kvstored does not know --no-express; its row is left out", file=sys.stderr)
    return peers


def run(stack, requests, rounds, seconds):
    """Samples of all for whom there are requests: {name: [...]}. What nothing is asked of runs less often."""
    loads = {
        peer.name: stack.enter_context(Load(peer, list_of_them, CONNECTIONS))
        for peer, list_of_them in requests.items()
    }
    contestants = {name: lambda load=load: load.run(seconds) for name, load in loads.items()}
    return alternate(rounds, contestants, seldom=("etcd", "SoupServer", LIMITED, NO_EXPRESS))


def make_figures(verb, samples):
    """What was asked of one verb."""
    name = verb.lower()
    cpu = pick(samples, "cpu")
    p99 = pick(samples, "p99")

    def both(series, other):
        return {"kvstored": series["kvstored"], other: series[other]}

    figures = []
    if "nginx" in cpu:
        figures.append(figure(
            f"{name}-nginx", f"{verb} beside nginx, 32 connections: CPU a request", "µs", both(cpu, "nginx"),
            ratio=("kvstored", "nginx"), at_most=0.9, than="times nginx",
        ))
        figures.append(figure(
            f"{name}-p99", f"{verb} beside nginx, 32 connections: 99th percentile of latency", "µs",
            both(p99, "nginx"), ratio=("kvstored", "nginx"), at_most=1, than="times nginx",
        ))
    if "webdis + redis" in cpu:
        figures.append(figure(
            f"{name}-webdis", f"{verb} beside webdis, 32 connections: CPU a request", "µs",
            both(cpu, "webdis + redis"), ratio=("webdis + redis", "kvstored"), at_least=3, than="times kvstored",
        ))
    if LIMITED in cpu and verb == "GET":
        figures.append(figure(
            "get-limited", "GET with the rate limit on, without reaching it: CPU a request", "µs",
            both({**cpu, "kvstored": cpu["kvstored"][::2]}, LIMITED), ratio=(LIMITED, "kvstored"),
        ))
    if "SoupServer" in cpu:
        ours = NO_EXPRESS if NO_EXPRESS in cpu else "kvstored"
        soup = {ours: cpu[ours][:: 1 if ours == NO_EXPRESS else 2], "SoupServer": cpu["SoupServer"]}
        figures.append(figure(
            f"{name}-soup", f"{verb} by libsoup alone: CPU a request", "µs", soup,
            ratio=(ours, "SoupServer"), at_most=1.1, than="times a bare SoupServer",
        ))
    return figures


def measure(quick):
    rounds, seconds = (2, 1) if quick else (7, 2)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(peer) for peer in make_peers()]
        gets = run(stack, {peer: peer.gets() for peer in peers}, rounds, seconds)
        writable = [peer for peer in peers if peer.name not in ("SoupServer", LIMITED)]
        puts = run(stack, {peer: peer.puts() for peer in writable}, rounds, seconds)
    return [
        *make_figures("GET", gets),
        *make_figures("PUT", puts),
        sample_table("get", "GET of a value of 32 bytes, 32 connections", gets),
        sample_table("put", "PUT of a value of 32 bytes, 32 connections", puts),
    ]
