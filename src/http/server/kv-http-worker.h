/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-meter.h"
#include "http/server/kv-http-listener.h"
#include "principal/kv-rate-limiter.h"

G_BEGIN_DECLS

/**
 * KvHttpWorker:
 *
 * A thread with a main context, an epoll set, event streams and a lane, and the connections that
 * were given to it. These functions are called by the thread that made it.
 */
typedef struct _KvHttpWorker KvHttpWorker;

/**
 * KvHttpWorkerFunc:
 *
 * The worker's thread has ended. Called in the main context in which the worker was started; may free the worker.
 */
typedef void (*KvHttpWorkerFunc) (KvHttpWorker *worker, gpointer user_data);

/**
 * kv_http_worker_new:
 * @store: (borrowed)
 * @limiter: (borrowed)
 * @limits: (borrowed)
 * @meter: (borrowed): what it counts into
 * @express: whether it has an express lane
 * @number: for the thread's name
 * @exited: called after the thread's end, from where on kv_http_worker_free() does not wait
 */
KvHttpWorker *kv_http_worker_new (KvStore *store,
                                  KvRateLimiter *limiter,
                                  const KvHttpLimits *limits,
                                  KvHttpMeter *meter,
                                  gboolean express,
                                  guint number,
                                  KvHttpWorkerFunc exited,
                                  gpointer user_data);

/**
 * kv_http_worker_set_metrics:
 * @metrics: (borrowed): what `/metrics` shows; without any there is nothing there
 * @scrapers: (borrowed): the allowance of all who ask for it
 *
 * Before the worker is started.
 */
void
kv_http_worker_set_metrics (KvHttpWorker *worker, const KvMetrics *metrics, KvRateBucket *scrapers);

/**
 * kv_http_worker_start:
 * @error: set to %KV_ERROR_FAILED when there is no room for another thread, %KV_ERROR_UNAVAILABLE when there is none for
 *   another descriptor
 */
gboolean kv_http_worker_start (KvHttpWorker *worker, GError **error);

/**
 * kv_http_worker_count:
 *
 * Returns: how many connections it has, event streams included, and those that are on their way
 *   to it. Any thread
 */
guint kv_http_worker_count (KvHttpWorker *worker);

/**
 * kv_http_worker_give:
 * @accepted: (array length=length): connections; the descriptors are the worker's from now on
 *
 * Hands connections over, with one wake-up for all of them.
 */
void kv_http_worker_give (KvHttpWorker *worker, const KvHttpAccepted *accepted, guint length);

/**
 * kv_http_worker_drain:
 * @grace: microseconds; what is under way after that is cut off
 *
 * Closes idle connections, ends the event streams, lets requests under way end, and then the
 * thread.
 */
void kv_http_worker_drain (KvHttpWorker *worker, gint64 grace);

/**
 * kv_http_worker_free:
 *
 * Waits for the end of the thread. One that was started must have been told to drain.
 */
void kv_http_worker_free (KvHttpWorker *worker);

G_END_DECLS
