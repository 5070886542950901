#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
date >"$STATE/started"
exec logger "gateway is up"
