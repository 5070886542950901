#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The CI files of docs/ci, which a new project has, run as GitHub and GitLab would (tests/e2e/ci-jobs.py).
. tests/e2e/lib.sh
unset GITHUB_ACTIONS GITLAB_CI CI ORCH_STORE
export HOME="$scratch/home" GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
mkdir "$HOME" "$scratch/bin"
git config --global init.defaultBranch main
git config --global safe.directory '*'
ln -s "$ORCH" "$scratch/bin/orch"
PATH=$scratch/bin:$PATH
p=$scratch/p
check "a new project" "$orch" init --template minimal "$p"
same "has the files of docs/ci" "" "$(diff docs/ci/github.yml "$p/.github/workflows/image.yml"; diff docs/ci/gitlab-ci.yml "$p/.gitlab-ci.yml")"
git -C "$p" init -q
git -C "$p" add -A
git -C "$p" commit -q -m one
git -C "$p" branch same
git -C "$p" checkout -q -b change
echo changed >"$p/$(cd "$p" && git ls-files files | head -n 1)"
git -C "$p" commit -q -a -m two
git -C "$p" checkout -q -b broken
sed -i 's/^kind: image/&\nsise: 1/' "$p/recipes/root.yaml"
git -C "$p" commit -q -a -m three
git -C "$p" checkout -q main

job() { # SERVICE BRANCH [BASE]
	job_state=$scratch/$1
	mkdir -p "$job_state"
	case $1 in github) job_file=.github/workflows/image.yml ;; *) job_file=.gitlab-ci.yml ;; esac
	python3 tests/e2e/ci-jobs.py "$1" "$p/$job_file" "$p" "$2" "$job_state" ${3:+"$3"}
}
# outcome: the nodes of the job's result as "NODE STATUS"
outcome() { jq -r '[.nodes[] | .name + " " + .status] | join(", ")' "$job_state/artifacts/out/reports/result.json"; }

for service in github gitlab; do
	echo "# $service"
	code "$service: main" 0 job $service main
	cp "$scratch/out" "$scratch/said"
	same "all is built" "card built, root built" "$(outcome)"
	check "and kept" grep -q '^cache: saved ' "$scratch/said"
	same "reports" "nodes card passed
nodes root passed" "$(python3 tests/e2e/ci-reports.py "$job_state/artifacts/out/reports/junit.xml")"
	code "$service: again" 0 job $service main
	same "nothing is built in a clone of its own" "card cached, root cached" "$(outcome)"
	before=$(find "$job_state/cache" -mindepth 1 -maxdepth 1 | sort)
	code "$service: a branch that is the same" 0 job $service same main
	check "says so" grep -q '^0 changed, .* 2 the same since ' "$job_state/log"
	check "and builds nothing" test ! -e "$job_state/artifacts/out/reports/result.json"
	code "$service: a branch with a change" 0 job $service change main
	check "says what" grep -q '^changed root ' "$job_state/log"
	same "and builds that" "card built, root built" "$(outcome)"
	code "$service: a branch that is broken" 2 job $service broken main
	same "no branch writes the cache" "$before" "$(find "$job_state/cache" -mindepth 1 -maxdepth 1 | sort)"
	if [ $service = github ]; then
		check "$service: the mistake is annotated" grep -q '^::error file=recipes/root.yaml,line=[0-9]*,col=1,title=' "$job_state/log"
	else
		same "$service: the mistake is reported" "recipes/root.yaml unknown-key" \
			"$(jq -r '.[] | .location.path + " " + .check_name' "$job_state/artifacts/out/reports/code-quality.json" | sort -u)"
	fi
done
job github change main >/dev/null
check "the page of the job has the summary" grep -q '^Project `p`: built 2, cached 0' "$scratch/github/summary.md"
finish
