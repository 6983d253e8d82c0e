/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "metrics/kv-counter.h"

G_BEGIN_DECLS

/**
 * KV_HISTOGRAM_BUCKETS:
 *
 * How many buckets there are, the one without a bound included.
 */
#define KV_HISTOGRAM_BUCKETS 20

/**
 * KvHistogram:
 * @counts: durations by bucket, each in one bucket only
 * @sum: of all of them, in microseconds
 *
 * How long something took, and how often: from 10 microseconds to 10 seconds, by steps of 1, 2.5 and 5. Zeroed, it is empty. One
 * thread at a time counts into it, with plain stores; any thread may read it meanwhile.
 */
typedef struct {
  guint64 counts[KV_HISTOGRAM_BUCKETS];
  guint64 sum;
} KvHistogram;

/* Upper bounds in microseconds, inclusive; the last one is later than any duration. */
extern const gint64 kv_histogram_bounds[KV_HISTOGRAM_BUCKETS];

/* By the number of bits of a duration, the first bucket that may be its own: the bounds lie so far apart that it is this
 * one or the next. */
extern const guint8 kv_histogram_first[65];

/**
 * kv_histogram_observe:
 * @duration: in microseconds; what is negative counts as 0
 */
static inline void
kv_histogram_observe (KvHistogram *histogram, gint64 duration)
{
  guint64 value = duration > 0 ? (guint64) duration : 0;
  guint bucket = kv_histogram_first[64 - __builtin_clzll (value | 1)];

  bucket += (gint64) value > kv_histogram_bounds[bucket];
  kv_counter_raise (&histogram->counts[bucket], 1);
  kv_counter_raise (&histogram->sum, value);
}

/**
 * kv_histogram_add:
 * @total: somewhere that nobody else looks at
 * @histogram: one that another thread may be counting into
 *
 * Adds all of @histogram to @total. Of durations that are being counted meanwhile the sum may have one more or less than the buckets.
 */
void kv_histogram_add (KvHistogram *total, const KvHistogram *histogram);

G_END_DECLS
