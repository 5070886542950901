# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether FILE is what both schemas of JUnit's XML want (Ant's, and that of Jenkins), and what it has:
a line a test case, "SUITE NAME passed|failed|skipped".  ci-reports.py FILE"""
import re
import sys
import xml.etree.ElementTree as ET

SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}
TIME = re.compile(r"[0-9]{1,3}(,?[0-9]{3})*\.[0-9]{3}|[0-9]+\.[0-9]{3}")


def want(what, text):
    if not what:
        sys.exit(text)


root = ET.parse(sys.argv[1]).getroot()
want(root.tag == "testsuites" and not root.attrib, "the root is testsuites, without attributes")
for number, suite in enumerate(root):
    want(suite.tag == "testsuite" and set(suite.attrib) == SUITE, "a testsuite and its attributes: %s" % suite.attrib)
    want(suite.get("id") == str(number), "ids count from 0")
    want(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")), "a time without zone")
    tags = [child.tag for child in suite]
    cases = suite.findall("testcase")
    want(tags == ["properties"] + ["testcase"] * len(cases) + ["system-out", "system-err"], "order: %s" % tags)
    for attribute, found in ("tests", cases), ("failures", suite.findall("*/failure")), (
            "skipped", suite.findall("*/skipped")), ("errors", suite.findall("*/error")):
        want(int(suite.get(attribute)) == len(found), "%s are %d" % (attribute, len(found)))
    for case in cases:
        want(set(case.attrib) == {"name", "classname", "time"}, "attributes of a case: %s" % case.attrib)
        want(case.get("name") == " ".join(case.get("name").split()) != "", "a name is a token")
        want(TIME.fullmatch(case.get("time")), "time: %s" % case.get("time"))
        want(len(case) <= 1 and not (case.text or "").strip(), "at most one verdict")
        verdict = case[0].tag if len(case) else "passed"
        if verdict == "failure":
            want(set(case[0].attrib) == {"type", "message"} and len(case[0]) == 0, "a failure says why")
            verdict = "failed"
        print(suite.get("name"), case.get("name"), verdict)
