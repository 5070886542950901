#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the last 'meson test', a line each:  tests/results.py LOGS WHO TESTS

LOGS has testlog.junit.xml and testlog.json. A line is 'ok', 'not ok' or 'skip', then WHO (may be empty)
and a colon, the test, a colon, and for a test of many results its name. A test that failed while all it
told was good is one more that failed, and so is each that did not run of the TESTS there should be.
What a test printed before a failure follows it, in lines that begin with '#'.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}
TOLD = 30  # lines before each failure


def word(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "not ok"
    return "ok" if case.find("skipped") is None else "skip"


def tell(test):
    """What it printed before each 'not ok', which tests/tap.sh repeats there, or at its end."""
    lines = test.get("stderr", "").splitlines()
    ends = [i + 1 for i, line in enumerate(lines) if line.startswith("not ok ")] or [len(lines)]
    shown = {i for end in ends for i in range(max(0, end - TOLD), end)}
    for i in sorted(shown):
        print("#", lines[i])


def main():
    logs, who, wanted = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    prefix = f"{who}: " if who else ""
    tests = []
    try:
        tests = [json.loads(line) for line in (logs / "testlog.json").open(encoding="utf-8")]
        junit = ElementTree.parse(logs / "testlog.junit.xml")
        suites = {s.get("name").partition(".")[2]: s for s in junit.iter("testsuite")}
    except (OSError, ElementTree.ParseError) as error:
        print(f"not ok {prefix}meson's log cannot be read: {error}")
    for test in tests:
        name = test["name"].rpartition(" / ")[2]
        suite = suites.get(test["name"])
        cases = list(suite.iter("testcase")) if suite is not None else []
        bad = False
        for case in cases:
            # the name of a case begins with its number
            print(word(case), f"{prefix}{name}: {case.get('name').partition(' ')[2].removeprefix('- ')}")
            bad = bad or word(case) == "not ok"
        if test["result"] in BAD and not bad:
            print("not ok", f"{prefix}{name}: {test['result'].lower()}")
        elif not cases and test["result"] not in BAD:
            print("skip" if test["result"] == "SKIP" else "ok", f"{prefix}{name}")
        if test["result"] in BAD or bad:
            tell(test)
    if len(tests) != wanted:
        print(f"not ok {prefix}{len(tests)} of {wanted} tests ran")


main()
