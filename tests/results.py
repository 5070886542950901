#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the last 'meson test', a line each:  tests/results.py LOGS WHO TESTS

LOGS has testlog.junit.xml and testlog.json. A line is 'ok', 'not ok' or 'skip', then WHO (may be empty)
and a colon, the test, a colon, and for a test of many results its name. A test that failed while all it
told was good is one more that failed, and so is each that did not run of the TESTS there should be.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}


def word(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "not ok"
    return "ok" if case.find("skipped") is None else "skip"


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
    if len(tests) != wanted:
        print(f"not ok {prefix}{len(tests)} of {wanted} tests ran")


main()
