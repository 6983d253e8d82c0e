/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-poller.h"
#include "metrics/kv-metrics.h"
#include "principal/kv-rate-limiter.h"
#include "store/kv-store.h"

G_BEGIN_DECLS

typedef struct _KvHttpMeter KvHttpMeter;
typedef struct _KvSseGroup KvSseGroup;
typedef struct _KvHttpDumpGroup KvHttpDumpGroup;

/**
 * KvHttpLimits:
 * @max_value_size: bytes of a value (the body of a PUT)
 * @max_json_size: bytes of a JSON body
 * @max_batch: entries of a batch, and keys of a watch
 * @max_head_size: bytes of a request line and its headers
 * @head_timeout: microseconds that a client may take from the first byte of a request to the end of its head
 * @body_timeout: microseconds that it may be silent while it sends a body, and microseconds that an answer may wait to be
 *   taken
 * @idle_timeout: microseconds that a connection is kept alive without a request
 * @keep_alive_interval: microseconds between the comments on an idle event stream
 * @max_connections: connections at a time, event streams included
 *
 * What a client may do to the HTTP door. Plain values, the same for all workers.
 */
typedef struct {
  gsize max_value_size;
  gsize max_json_size;
  guint max_batch;
  gsize max_head_size;
  gint64 head_timeout;
  gint64 body_timeout;
  gint64 idle_timeout;
  gint64 keep_alive_interval;
  guint max_connections;
} KvHttpLimits;

/* The limits of a kvstored that was told nothing else. */
extern const KvHttpLimits kv_http_default_limits;

/**
 * KvHttpContext:
 *
 * What a route may use: one of these a worker, used in that worker's thread only.
 */
typedef struct {
  KvStore *store;             /* (borrowed) outlives every worker */
  const KvHttpLimits *limits; /* (borrowed) likewise */
  KvHttpPoller *poller;       /* (borrowed) of this worker */
  KvSseGroup *streams;        /* (borrowed) of this worker */
  KvHttpDumpGroup *dumps;     /* (borrowed) of this worker */
  KvHttpMeter *meter;         /* (borrowed) (nullable) of this worker */
  const KvMetrics *metrics; /* (borrowed) (nullable): what /metrics shows; outlives every worker */
  KvRateBucket *scrapers;   /* (borrowed) (nullable): the allowance of those who ask for that */
  gboolean stopping;        /* whether nothing new is let in any more */
} KvHttpContext;

G_END_DECLS
