#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a CI shows beside its log: annotations, GitLab's code quality report, the summary of a job, JUnit's XML.
. tests/e2e/lib.sh
export ORCH_STORE="$scratch/store"
unset GITHUB_ACTIONS GITLAB_CI CI GITHUB_STEP_SUMMARY
top=$scratch/clone
p=$top/products/p
summary=$scratch/summary.md junit=$scratch/junit.xml quality=$scratch/quality.json
mkdir -p "$p/recipes"
printf 'schema: 1\nname: ci\nversion: "1"\n' >"$p/recipes/project.yaml"
printf 'kind: run\nrun: ["seq 5 >x"]\noutputs: [x]\n' >"$p/recipes/good.yaml"
cat >"$p/recipes/bad.yaml" <<'END'
kind: run
inputs: [good]
run: ["printf '```\\n</failure>\\n]]>::error::of a step\\n\\033[31mred\\033[0m & <b>\\n'; exit 3"]
outputs: [x]
END
printf 'kind: run\ninputs: [bad]\nrun: ["cp bad x"]\noutputs: [x]\n' >"$p/recipes/after.yaml"
build() { "$orch" -C "$p" build -k --summary "$summary" --junit "$junit" --code-quality "$quality" "$@"; }
github() { GITHUB_ACTIONS=true GITHUB_WORKSPACE="$top" GITHUB_STEP_SUMMARY="$scratch/step" "$@"; }
gitlab() { GITLAB_CI=true CI_PROJECT_DIR="$top" "$@"; }
junit_has() { python3 tests/e2e/ci-reports.py "$junit"; }

echo "# a build that fails"
code "it fails" 1 build
same "JUnit: valid, and a case for each node" "nodes after skipped
nodes bad failed
nodes good passed" "$(junit_has)"
check "with the end of the log" grep -q -x -F '&lt;/failure&gt;' "$junit"
lacks "and no escapes" "$(printf '\033')" "$junit"
code "again, in GitLab" 1 gitlab build
same "code quality: where in the repository" "products/p/recipes/bad.yaml 3 step-failed critical" \
	"$(jq -r '.[] | [.location.path, .location.lines.begin, .check_name, .severity] | join(" ")' "$quality")"
fingerprint=$(jq -r '.[0].fingerprint' "$quality")
sed -i 's/^inputs/# a line more\n&/' "$p/recipes/bad.yaml"
code "and with its line moved" 1 gitlab build
same "the fingerprint stays" "$fingerprint 4" \
	"$(jq -r '.[0] | [.fingerprint, .location.lines.begin] | map(tostring) | join(" ")' "$quality")"
check "summary: what came of it" grep -q '^Project `ci`: built 0, cached 1, failed 1, skipped 1 in ' "$summary"
check "a row for each" grep -q '^| `bad` | run | \*\*failed\*\* | [0-9.]* s |  |$' "$summary"
check "what was cached, with its size" grep -q '^| `good` | run | cached |  | 10 B |$' "$summary"
same "the log in a fence that it cannot end" '````text
step 1 of 1
```
</failure>
]]>::error::of a step
red & <b>
recipes/bad.yaml:4: step 1 of 1 failed: exited with 3 [step-failed]
````' "$(sed -n '/^````text/,/^````$/p' "$summary")"

echo "# GitHub"
echo before >"$scratch/step"
code "it fails there, too" 1 github "$orch" -C "$p" build -k
check "an annotation" grep -q -x \
	"::error file=products/p/recipes/bad.yaml,line=4,title=orch%3A step-failed::node 'bad': step 1 of 1 failed: exited with 3" "$scratch/err"
same "and no other" 1 "$(grep -c '^::error' "$scratch/err")"
check "the page of the job gets the summary" grep -q '^### orch build: failed$' "$scratch/step"
check "beside what other steps wrote" grep -q -x before "$scratch/step"
sed -i 's/^kind: run/&\n"100%,": a/' "$p/recipes/good.yaml"
code "a mistake" 2 github build
check "is annotated" grep -q "^::error file=products/p/recipes/good.yaml,line=2,col=1,title=orch%3A unknown-key::" "$scratch/err"
check "with what would end the command as a number" grep -q "^::error .*'100%25,'" "$scratch/err"
same "JUnit has it" "nodes recipes/good.yaml failed" "$(junit_has)"
check "the summary has it" grep -q '^recipes/good.yaml:2:' "$summary"
sed -i /100/d "$p/recipes/good.yaml"

echo "# orch check"
echo 'inputs: [nothing]' >>"$p/recipes/good.yaml"
code "an error" 2 github "$orch" -C "$p" check --code-quality "$quality"
check "annotated" grep -q '^::error file=products/p/recipes/good.yaml,line=4,' "$scratch/err"
same "reported" 1 "$(jq length "$quality")"
sed -i /nothing/d "$p/recipes/good.yaml"
code "warnings" 0 github "$orch" -C "$p" check --code-quality "$quality"
same "are minor" "minor host-tools" "$(jq -r '.[] | .severity + " " + .check_name' "$quality" | sort -u)"
check "and annotated" grep -q '^::warning file=products/p/recipes/bad.yaml,line=1,.*title=orch%3A host-tools::' "$scratch/err"

echo "# a build that does not fail"
sed -i 's/exit 3/cp good x/' "$p/recipes/bad.yaml"
code "it is built" 0 github build
same "JUnit" "passed passed passed" "$(junit_has | cut -d' ' -f3 | xargs)"
check "summary" grep -q '^### orch build: ok$' "$summary"
same "code quality" '[]' "$(jq -c . "$quality")"
lacks "no annotation" '^::(error|warning)' "$scratch/err"
code "nothing to do" 0 github build
check "is reported as well" grep -q 'built 0, cached 3, failed 0' "$summary"
code "a report that cannot be written is told before the build" 2 "$orch" -C "$p" build --junit "$scratch/none/junit.xml"
check "by its name" grep -q "none/junit.xml'.*\[report-unwritable\]" "$scratch/err"
finish
