/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * How long this machine takes for what others take a known time for: 1.0 as long as the one that
 * the times of kinds were taken on (struct kind, usual_s), 2.0 twice as long. Measured by sorting a
 * fixed list, which takes some milliseconds of processor time; between 0.2 and 5.
 */
double pace_probe(void);
