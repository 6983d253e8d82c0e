/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "principal/kv-rate-limiter.h"

G_BEGIN_DECLS

/**
 * KvDbusMeter:
 *
 * Charges callers for what they ask. It holds on to the buckets of those who have called last, so that a call of theirs
 * costs neither a name to be built nor the limiter's lock. One thread at a time may use it.
 */
typedef struct _KvDbusMeter KvDbusMeter;

/**
 * kv_dbus_meter_get_bucket:
 * @sender: a unique name
 *
 * The allowance of @sender, for who charges it bit by bit. Any thread.
 *
 * Returns: (transfer full): a bucket of @limiter
 */
KvRateBucket *kv_dbus_meter_get_bucket (KvRateLimiter *limiter, const char *sender);

/**
 * kv_dbus_meter_new:
 * @limiter: (transfer none): outlives the meter
 */
KvDbusMeter *kv_dbus_meter_new (KvRateLimiter *limiter);

/**
 * kv_dbus_meter_admit:
 * @sender: a unique name
 * @cost: how many requests it counts for, 1 or more
 * @error: set to %KV_ERROR_LIMIT_EXCEEDED, with the seconds to wait
 *
 * Counts a request of @sender.
 *
 * Returns: %FALSE and @error when @sender has to wait
 */
gboolean kv_dbus_meter_admit (KvDbusMeter *meter, const char *sender, guint cost, GError **error);

/**
 * kv_dbus_meter_free:
 *
 * Lets go of all buckets.
 */
void kv_dbus_meter_free (KvDbusMeter *meter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvDbusMeter, kv_dbus_meter_free)

G_END_DECLS
