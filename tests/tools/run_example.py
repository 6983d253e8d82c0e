#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
# SPDX-FileCopyrightText: 2026 the kvstore authors
"""Runs an example program and says in TAP whether it printed what it should: PROGRAM EXPECTED."""

import subprocess
import sys

program, expected = sys.argv[1], sys.argv[2].replace("\\n", "\n")
run = subprocess.run([program], capture_output=True, text=True, timeout=60, check=False)
good = run.returncode == 0 and run.stdout == expected
print("1..1")
print(f"{'ok' if good else 'not ok'} 1 prints what its comment promises")
if not good:
    print(f"# exit status {run.returncode}, printed {run.stdout!r}, expected {expected!r}; {run.stderr}")
sys.exit(0 if good else 1)
