/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _KvHttpExchange KvHttpExchange;

/**
 * KvHttpSinkState:
 * @KV_HTTP_SINK_READY: more may come
 * @KV_HTTP_SINK_WAITING: it has taken what came, and nothing more is to be read until it has the carrier's resume_body()
 *   called
 * @KV_HTTP_SINK_FAILED: it takes nothing more; the answer is an error
 */
typedef enum {
  KV_HTTP_SINK_READY,
  KV_HTTP_SINK_WAITING,
  KV_HTTP_SINK_FAILED,
} KvHttpSinkState;

/**
 * KvHttpSink:
 * @open: the head has come and is admitted, save for what this may have against it. Returns what the exchange keeps as its
 *   sink, or %NULL and an error, which is the answer
 * @take: a piece of the body has come, taken out of its framing; or none, when the state is asked for
 * @close: the exchange is over, however it ended
 *
 * Where the body of a request goes as it comes, for a route whose bodies are too long to be gathered. The route itself runs when
 * all of it has come. A body that ends too early is not told: the sink is closed.
 */
typedef struct {
  gpointer (*open) (KvHttpExchange *exchange, GError **error);
  KvHttpSinkState (*take) (gpointer sink, const char *data, gsize length, GError **error);
  void (*close) (gpointer sink);
} KvHttpSink;

G_END_DECLS
