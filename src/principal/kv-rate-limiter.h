/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvRateLimiter:
 *
 * How many requests each client may make: the generic cell rate algorithm (ITU-T I.371), which
 * keeps one time a client and needs no timer. Both front ends share one limiter. All functions may
 * be called from any thread.
 */
typedef struct _KvRateLimiter KvRateLimiter;

/**
 * KV_RATE_ENTRIES_A_REQUEST:
 *
 * So many keys or entries of one request count for one request more, at both front ends: what
 * makes one request the work of many is paid for, and a small batch is still cheaper than its
 * entries one by one.
 */
#define KV_RATE_ENTRIES_A_REQUEST 32

/**
 * KvRateBucket:
 *
 * One client's allowance. A connection holds on to its bucket, so that a request costs one atomic
 * exchange. A bucket that nobody holds and that is full again is as good as none: no timer waits
 * for that, later calls of kv_rate_limiter_get_bucket() and kv_rate_bucket_release(), for
 * whichever client, let it go.
 */
typedef struct _KvRateBucket KvRateBucket;

/**
 * kv_rate_limiter_new:
 * @rate: requests a second, 1 or more; 0 lets everything pass
 * @burst: requests that may come at once, 1 or more
 *
 * Returns: (transfer full): a limiter that knows no client yet
 */
KvRateLimiter *kv_rate_limiter_new (guint rate, guint burst);

/**
 * kv_rate_limiter_parse:
 * @text: `N`, `N:BURST` or `off`
 * @rate: (out): 0 for `off`
 * @burst: (out): where @text has none, twice the rate
 * @error: set to %KV_ERROR_INVALID_ARGUMENT, with a text for the person who wrote @text
 */
gboolean kv_rate_limiter_parse (const char *text, guint *rate, guint *burst, GError **error);

/**
 * kv_rate_limiter_free:
 *
 * Every bucket must have been released.
 */
void kv_rate_limiter_free (KvRateLimiter *limiter);

/**
 * kv_rate_limiter_get_bucket:
 * @client: who it is: "ip:127.0.0.1", "uid:1000", "bus::1.42"
 *
 * Returns: (transfer full): the client's bucket
 */
KvRateBucket *kv_rate_limiter_get_bucket (KvRateLimiter *limiter, const char *client);

/**
 * kv_rate_limiter_count:
 *
 * Returns: how many clients it remembers, those included that a later call will let go
 */
guint kv_rate_limiter_count (KvRateLimiter *limiter);

/**
 * kv_rate_limiter_count_refused:
 *
 * Returns: how often a client has had to wait
 */
guint64 kv_rate_limiter_count_refused (KvRateLimiter *limiter);

/**
 * kv_rate_bucket_admit:
 * @cost: how many requests this one counts for, 1 or more; what is over the burst counts as the
 *   burst
 * @retry_after: (out) (optional): on refusal, seconds until it would be admitted, rounded up, at
 *   least 1
 *
 * Returns: %FALSE when the client has to wait
 */
gboolean kv_rate_bucket_admit (KvRateBucket *bucket, guint cost, guint *retry_after);

/**
 * kv_rate_bucket_charge_entries:
 * @entries: how many entries a request has brought so far
 * @charged: (inout): how many requests more it has been charged for already; 0 at first
 *
 * Charges for a request that was admitted before anybody could know how many entries it brings. It is not refused for that in
 * the middle: it takes what there is of the allowance, and whatever the client asks for next may have to wait.
 */
void kv_rate_bucket_charge_entries (KvRateBucket *bucket, guint64 entries, guint64 *charged);

/**
 * kv_rate_bucket_release:
 * @bucket: (transfer full): from kv_rate_limiter_get_bucket()
 */
void kv_rate_bucket_release (KvRateBucket *bucket);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvRateLimiter, kv_rate_limiter_free)

G_END_DECLS
