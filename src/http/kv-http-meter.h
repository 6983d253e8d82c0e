/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-router.h"
#include "metrics/kv-histogram.h"

G_BEGIN_DECLS

/* The statuses that are counted each by itself, and one for all others. */
#define KV_HTTP_METER_STATUSES 34

/* Statuses are below this. */
#define KV_HTTP_METER_MAX_STATUS 512

/* How many answers may be noted before their time is taken, even amid a turn. */
#define KV_HTTP_METER_NOTES 16

/**
 * KvHttpMeter:
 * @n_notes: how many of @notes there are
 * @notes: answers that have been given in this turn of the loop to requests that came in it: the number of the route of each
 * @n_connections: connections, and those on their way to the worker; atomic, as the server raises it
 * @streams: event streams that are open
 * @events: values and changes that have been given to event streams
 * @resets: how often an event stream has begun anew
 * @requests: how many answers, by number of the route, method, and slot of the status
 * @latencies: how long answers have taken, by number of the route
 *
 * What a worker counts. It alone does, with plain stores; anybody may read meanwhile, and adds up those of all workers.
 *
 * A request takes a few microseconds, and to look at a clock for each would be felt. So an answer that is given in the turn in
 * which its request came has taken what the turn takes: a little more, and never less. The loop looks at the
 * clock at the end of a turn anyway; and in a turn that finds many requests, every sixteenth does too.
 */
struct _KvHttpMeter {
  KvHttpPoller *poller; /* (borrowed) (nullable) */
  guint n_notes;
  guint8 notes[KV_HTTP_METER_NOTES];
  gint n_connections;
  guint64 streams;
  guint64 events;
  guint64 resets;
  guint64 requests[KV_HTTP_N_ROUTES][KV_HTTP_N_METHODS][KV_HTTP_METER_STATUSES];
  KvHistogram latencies[KV_HTTP_N_ROUTES];
};

G_STATIC_ASSERT (KV_HTTP_N_ROUTES <= G_MAXUINT8 + 1);

/* The slot of each status; 0 for what has none. */
extern const guint8 kv_http_meter_slots[KV_HTTP_METER_MAX_STATUS];

/**
 * kv_http_meter_new:
 *
 * Returns: (transfer full): a meter that has counted nothing; most of it is memory that is not touched before it is needed
 */
KvHttpMeter *kv_http_meter_new (void);

void kv_http_meter_free (KvHttpMeter *meter);

/**
 * kv_http_meter_attach:
 * @poller: of the worker that counts; it has no other turn function
 */
void kv_http_meter_attach (KvHttpMeter *meter, KvHttpPoller *poller);

/**
 * kv_http_meter_settle:
 * @duration: of the turn, in microseconds
 *
 * What has been noted took that long.
 */
void kv_http_meter_settle (KvHttpMeter *meter, gint64 duration);

/**
 * kv_http_meter_take_time:
 * @route: number of a route
 * @begun: as an exchange has it
 *
 * For what was not noted: an answer that came later, or one more than there is room for.
 */
void kv_http_meter_take_time (KvHttpMeter *meter, guint route, gint64 begun);

/**
 * kv_http_meter_count:
 * @meter: (nullable)
 * @status: what @exchange is answered with
 *
 * Counts an answer. Once for each exchange, when it is given: who has got it finds it counted.
 */
static inline void
kv_http_meter_count (KvHttpMeter *meter, const KvHttpExchange *exchange, guint status)
{
  guint route, slot;

  if (meter == NULL)
    return;
  route = exchange->route != NULL ? exchange->route->number : 0;
  slot = kv_http_meter_slots[status % KV_HTTP_METER_MAX_STATUS];
  kv_counter_raise (&meter->requests[route][exchange->method][slot], 1);
  if (G_LIKELY (exchange->begun == 0 && meter->n_notes < KV_HTTP_METER_NOTES))
    meter->notes[meter->n_notes++] = (guint8) route;
  else
    kv_http_meter_take_time (meter, route, exchange->begun);
}

/**
 * kv_http_meter_get_status:
 * @slot: below %KV_HTTP_METER_STATUSES
 *
 * Returns: the status that is counted there; 0 for the others
 */
guint kv_http_meter_get_status (guint slot);

G_END_DECLS
