# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in of GitHub and GitLab: runs the jobs of a CI file in a fresh clone, with the variables that these
services give, their cache and their artifacts as directories.

    ci-jobs.py github|gitlab FILE REPOSITORY REF STATE [BASE]

REF: the branch that was pushed or, with BASE, that asks to be merged into BASE. STATE: what the service keeps.
Leaves STATE/work (the clone), STATE/log, STATE/summary.md, STATE/artifacts; exits as the job does."""
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import sys

import yaml

service, file, repository, ref, state = sys.argv[1:6]
base = sys.argv[6] if len(sys.argv) > 6 else None
work, cache, artifacts = (os.path.join(state, name) for name in ("work", "cache", "artifacts"))
run_id = str(len(os.listdir(cache)) + 1) if os.path.isdir(cache) else "1"
env = {k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ}
env["ORCH_STORE"] = os.path.join(state, "store")  # of this job alone
env["CI"] = "true"


def git(*args):
    return subprocess.run(["git", "-C", work, *args], check=True, capture_output=True, text=True).stdout.strip()


def clone(depth):
    shutil.rmtree(work, ignore_errors=True)
    more = ["--depth", str(depth), "--no-single-branch"] if depth else []
    subprocess.run(["git", "clone", "-q", *more, "--branch", ref, "file://" + repository, work], check=True)
    if base:  # what is built is no branch
        git("checkout", "-q", "--detach", "origin/" + ref)


def restore(path, keys):
    """On a machine that has nothing there: the newest of the first of KEYS that some entry begins with."""
    shutil.rmtree(path, ignore_errors=True)
    for key in keys:
        found = [e for e in glob.glob(os.path.join(cache, "*")) if os.path.basename(e).startswith(key)]
        if found:
            shutil.copytree(max(found, key=os.path.getmtime), path, symlinks=True)
            return print("cache: restored", os.path.basename(max(found, key=os.path.getmtime)))
    print("cache: nothing for", " ".join(keys))


def save(path, key, over):
    to = os.path.join(cache, key)
    if os.path.isdir(path) and (over or not os.path.exists(to)):
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(path, to, symlinks=True)
        os.utime(to)
        print("cache: saved", key)


def upload(patterns):
    for pattern in patterns:
        for name in glob.glob(pattern, root_dir=work, recursive=True):
            to = os.path.join(artifacts, name)
            os.makedirs(os.path.dirname(to.rstrip("/")), exist_ok=True)
            at = os.path.join(work, name)
            shutil.copytree(at, to, dirs_exist_ok=True) if os.path.isdir(at) else shutil.copy(at, to)


def shell(lines, more=None):
    """As both services do it: a script, ended by the first failure."""
    script = os.path.join(state, "script.sh")
    with open(script, "w") as f:
        f.write(lines)
    with open(os.path.join(state, "log"), "ab") as log:
        return subprocess.run(["sh", "-e", script], cwd=work, env={**env, **(more or {})}, stdout=log,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode


# --- GitHub ---------------------------------------------------------------------------------------------

class Context:
    def __init__(self, values):
        self.__dict__.update(values)

    def __getattr__(self, name):
        return Context({})  # of nothing; no text is equal to it

    def __str__(self):
        return ""

    def __bool__(self):
        return bool(self.__dict__)


def value(expression, context):
    """GitHub's expressions, as far as these files use them; Python has the same rules for && and ||."""
    text = expression.replace("&&", " and ").replace("||", " or ")
    return eval(text, {"__builtins__": {}}, context)  # of our own files


def fill(text, context):
    text = str(text)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda m: str(value(m.group(1).strip(), context)), text)


def github():
    doc = yaml.safe_load(open(file))
    on = doc[True]  # YAML 1.1 reads 'on' so
    event = "pull_request" if base else "push"
    if event not in on or (event == "push" and ref not in on["push"]["branches"]):
        sys.exit("no event")
    full = "refs/pull/1/merge" if base else "refs/heads/" + ref
    steps, failed = {}, 0
    context = {
        "github": Context({"event_name": event, "ref": full, "run_id": run_id, "workflow": doc["name"]}),
        "vars": Context({}), "secrets": Context({}), "always": lambda: True, "steps": Context(steps)}
    env.update(GITHUB_ACTIONS="true", GITHUB_WORKSPACE=work, GITHUB_EVENT_NAME=event, GITHUB_REF=full,
               GITHUB_BASE_REF=base or "", GITHUB_HEAD_REF=ref if base else "", GITHUB_RUN_ID=run_id)
    (job,) = doc["jobs"].values()
    for name, text in job["env"].items():
        env[name] = fill(text, context).replace("/var/cache", state)  # nobody may write there
    for number, step in enumerate(job["steps"]):
        condition = step.get("if", "")
        if (failed and "always()" not in condition) or (condition and not value(condition, context)):
            print("skipped:", step.get("name") or step.get("uses") or step["run"])
            continue
        args = {k: fill(v, context).replace("/var/cache", state) for k, v in step.get("with", {}).items()}
        uses = step.get("uses", "")
        if uses.startswith("actions/checkout@"):
            clone(int(args.get("fetch-depth", 1)))
        elif uses.startswith("actions/cache/restore@"):
            restore(os.path.join(work, args["path"]), [args["key"]] + args.get("restore-keys", "").split())
        elif uses.startswith("actions/cache/save@"):
            save(os.path.join(work, args["path"]), args["key"], False)
        elif uses.startswith("actions/upload-artifact@"):
            upload(args["path"].split("\n"))
        elif uses:
            sys.exit("nothing stands in for " + uses)
        else:
            files = {n: os.path.join(state, "%s.%d" % (n, number)) for n in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
            for path in files.values():
                open(path, "w").close()
            code = shell(fill(step["run"], context).replace("/var/cache", state), files)
            outputs = dict(line.split("=", 1) for line in open(files["GITHUB_OUTPUT"]).read().splitlines())
            steps[step.get("id", str(number))] = Context({"outputs": Context(outputs)})
            context["steps"] = Context(steps)
            with open(os.path.join(state, "summary.md"), "a") as summary:
                summary.write(open(files["GITHUB_STEP_SUMMARY"]).read())
            if code:
                failed = failed or code
                print("exit %d: %s" % (code, step["run"]))
    return failed


# --- GitLab ---------------------------------------------------------------------------------------------

def expand(text, variables):
    return re.sub(r"\$(\w+)", lambda m: variables.get(m.group(1), ""), str(text))


def applies(rule, variables):
    left, operator, right = re.fullmatch(r"\$(\w+)(?: (==) (\$\w+|\"[^\"]*\"))?", rule).groups()
    if not operator:
        return bool(variables.get(left))
    right = right.strip('"') if right[0] == '"' else variables.get(right[1:])
    return variables.get(left) == right


def gitlab():
    doc = yaml.safe_load(open(file))
    variables = {"GITLAB_CI": "true", "CI_PROJECT_DIR": work, "CI_DEFAULT_BRANCH": "main", "CI_PIPELINE_ID": run_id,
                 "CI_PIPELINE_SOURCE": "merge_request_event" if base else "push", "CI_COMMIT_REF_SLUG": ref}
    if base:
        variables.update(CI_MERGE_REQUEST_IID="1", CI_MERGE_REQUEST_TARGET_BRANCH_NAME=base)
    else:
        variables["CI_COMMIT_BRANCH"] = ref
    jobs = {}
    for name, job in doc.items():
        if isinstance(job, dict) and not name.startswith(".") and ("script" in job or "extends" in job):
            jobs[name] = {**doc.get(job.get("extends"), {}), **job}
    chosen = [j for j in jobs.values() if any(applies(rule["if"], variables) for rule in j["rules"])]
    if len(chosen) != 1:
        sys.exit("%d jobs apply" % len(chosen))
    (job,) = chosen
    for name, text in {**doc.get("variables", {}), **job.get("variables", {})}.items():
        variables[name] = expand(text, variables)
    clone(int(variables.get("GIT_DEPTH", 20)))
    if base:
        variables["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = git("merge-base", "origin/" + base, "HEAD")
    env.update(variables)
    kept = job["cache"]
    key = expand(kept["key"], variables)
    paths = [os.path.join(work, p) for p in kept["paths"]]
    for path in paths:
        restore(path, [key] + [expand(k, variables) for k in kept.get("fallback_keys", [])])
    code = shell("\n".join(job.get("before_script", []) + job["script"]))
    shell("\n".join(job.get("after_script", [])))
    if kept.get("policy", "pull-push") != "pull" and not code:
        for path in paths:
            save(path, key, True)
    reports = job["artifacts"]["reports"]
    upload(job["artifacts"]["paths"])
    for kind, pattern in reports.items():
        found = [n for n in glob.glob("**/*", root_dir=artifacts, recursive=True) if fnmatch.fnmatch(n, pattern)]
        print("report %s: %s" % (kind, " ".join(sorted(found))))
    return code


for path in artifacts, env["ORCH_STORE"], os.path.join(state, "log"), os.path.join(state, "summary.md"):
    shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.path.exists(path) and os.unlink(path)
os.makedirs(cache, exist_ok=True)
sys.exit(github() if service == "github" else gitlab())
