/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/connection/kv-http-connection.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvSoupStream:
 *
 * What a SoupServer takes for a client's connection. It reads heads of ours from it, one for each
 * request, and what it writes goes to a #KvHttpConnection.
 */
#define KV_TYPE_SOUP_STREAM (kv_soup_stream_get_type ())
G_DECLARE_FINAL_TYPE (KvSoupStream, kv_soup_stream, KV, SOUP_STREAM, GIOStream)

/**
 * KvSoupStreamFuncs:
 * @reading: a request is about to be read
 * @finished: the response to it was written to its end, and the next request may be fed. Called
 *   from within libsoup
 * @closed: the stream is closed, and detached; @whole tells whether the response was written to
 *   its end, if a request was under way. Called from within libsoup
 *
 * What the lane has to know. @connection is the stream's.
 */
typedef struct {
  void (*reading) (KvHttpConnection *connection);
  void (*finished) (KvHttpConnection *connection);
  void (*closed) (KvHttpConnection *connection, gboolean whole);
} KvSoupStreamFuncs;

/**
 * kv_soup_stream_new:
 * @connection: (transfer none)
 * @funcs: static
 */
KvSoupStream *kv_soup_stream_new (KvHttpConnection *connection, const KvSoupStreamFuncs *funcs);

/**
 * kv_soup_stream_feed:
 * @head: static: a request
 */
void kv_soup_stream_feed (KvSoupStream *stream, const char *head);

/**
 * kv_soup_stream_detach:
 *
 * Lets go of the connection: nothing is told any more, and what is written is refused.
 */
void kv_soup_stream_detach (KvSoupStream *stream);

G_END_DECLS
