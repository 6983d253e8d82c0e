/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "metrics/kv-histogram.h"

const gint64 kv_histogram_bounds[KV_HISTOGRAM_BUCKETS] = {
  10,    25,    50,     100,    250,    500,     1000,    2500,    5000,     10000,
  25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, G_MAXINT64,
};

/* A duration of n bits lies between 2^(n-1) and 2^n, where at most one bound lies. */
const guint8 kv_histogram_first[65] = {
  0,  0,  0,  0,  0,  1,  2,  3,  4,  5,  6,  7,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
  16, 17, 18, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19,
  19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19,
};

void
kv_histogram_add (KvHistogram *total, const KvHistogram *histogram)
{
  for (guint i = 0; i < KV_HISTOGRAM_BUCKETS; i++)
    total->counts[i] += kv_counter_read (&histogram->counts[i]);
  total->sum += kv_counter_read (&histogram->sum);
}
