#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The same places as in remote-web.sh and remote-reapi.sh, on engines that take minutes to get: bazel-remote
# and an S3 server; and 200 MB up and down while each server is killed again and again.
. tests/e2e/lib.sh
. tests/e2e/remote-lib.sh

needs_grpc
engine bazel-remote
round "http://127.0.0.1:$(cat "$run/bazel-remote.http")" "bazel-remote, HTTP"
together "grpc://127.0.0.1:$(port bazel-remote)" bazel-remote
cache=grpc://127.0.0.1:$(port bazel-remote)
at "$cache" blobs 40 200000 1 missing get find a
says "what came by HTTP is there by gRPC" 'missing 0 of 40' 'got 40 of 40' 'a: found'
shares "$cache" bazel-remote
at "$cache" hello batch 100000 blobs 9 300000 2 put missing get
says "blobs larger than a batch travel as streams" ', zstd' 'missing 0 of 9' 'got 9 of 9'
at "$cache" blobs 3 300000 5 put result needs text
tests/engines.sh kill "$run" bazel-remote
find "$run/bazel-remote/cas.v2" -type f -size +100k -delete
tests/engines.sh start bazel-remote "$run"
at "$cache" blobs 3 300000 5 find needs get
says "a result whose blobs are gone is a miss" 'needs: none' 'got 0 of 3'
chaos bazel-remote "$cache" 400 6
tests/engines.sh stop "$run"

engine s3
AWS_ENDPOINT_URL=http://127.0.0.1:$(port s3) PLACE_ID=someone PLACE_SECRET=s3cr3t
export AWS_ENDPOINT_URL PLACE_ID PLACE_SECRET
round s3://cache/prefix S3
chaos s3 s3://cache/chaos 400 6
tests/engines.sh stop "$run"

engine casd
chaos casd "grpc://127.0.0.1:$(port casd)" 400 6
tests/engines.sh stop "$run"
engine nginx
chaos nginx "http://127.0.0.1:$(port nginx)" 400 6
finish
